//! Services. upstream: pkg/apis/core/validation

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field::Path;
use super::super::names;
use super::{Errors, get, int, list, meta, pod, text, text_or};

/// upstream: validateService
pub(super) fn service(errors: &mut Errors, object: &Value) {
    let path = Path::new("spec");
    let spec = get(object, "spec").unwrap_or(&Value::Null);
    let ports = list(spec, "ports");
    let kind = text_or(spec, "type", "ClusterIP");
    let headless = text(spec, "clusterIP") == "None" || list(spec, "clusterIPs").first().and_then(Value::as_str) == Some("None");
    if ports.is_empty() && !headless && kind != "ExternalName" {
        errors.required(&path.child("ports"), "");
    }
    if headless && matches!(kind, "LoadBalancer" | "NodePort") {
        let detail = format!("may not be set to 'None' for {kind} services");
        errors.invalid_text(&path.child("clusterIPs").index(0), "None", vec![detail]);
    }
    if kind == "ExternalName" {
        let name = text(spec, "externalName").trim_end_matches('.');
        if name.is_empty() {
            errors.required(&path.child("externalName"), "");
        } else {
            errors.invalid_text(&path.child("externalName"), name, names::dns1123_subdomain(name));
        }
    }
    let mut seen = BTreeSet::new();
    for (i, port) in ports.iter().enumerate() {
        service_port(errors, port, ports.len() > 1, &mut seen, &path.child("ports").index(i));
    }
    meta::labels(errors, spec, "selector", &path.child("selector"));
    let affinity = text_or(spec, "sessionAffinity", "None");
    if !["ClientIP", "None"].contains(&affinity) {
        errors.unsupported(&path.child("sessionAffinity"), affinity, &["ClientIP", "None"]);
    }
    if !["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"].contains(&kind) {
        errors.unsupported(&path.child("type"), kind, &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
    }
    let mut node_ports = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for (i, port) in ports.iter().enumerate() {
        let at = path.child("ports").index(i);
        let protocol = text_or(port, "protocol", "TCP");
        let node_port = int(port, "nodePort").unwrap_or(0);
        if kind == "ClusterIP" && node_port != 0 {
            errors.forbidden(&at.child("nodePort"), "may not be used when `type` is 'ClusterIP'");
        }
        if node_port != 0 && !node_ports.insert((protocol, node_port)) {
            errors.add("FieldValueDuplicate", &at.child("nodePort"), format!("Duplicate value: {node_port}"));
        }
        let number = int(port, "port").unwrap_or(0);
        if !numbers.insert((protocol, number)) {
            let shown = format!(
                "{{\"Name\":\"\",\"Protocol\":\"{protocol}\",\"AppProtocol\":null,\"Port\":{number},\"TargetPort\":0,\"NodePort\":0}}"
            );
            errors.add("FieldValueDuplicate", &at, format!("Duplicate value: {shown}"));
        }
    }
    if get(spec, "allocateLoadBalancerNodePorts").is_some() && kind != "LoadBalancer" {
        errors.forbidden(&path.child("allocateLoadBalancerNodePorts"), "may only be used when `type` is 'LoadBalancer'");
    }
    let external = matches!(kind, "LoadBalancer" | "NodePort") || (kind == "ClusterIP" && !list(spec, "externalIPs").is_empty());
    let traffic = text(spec, "externalTrafficPolicy");
    if !traffic.is_empty() {
        let at = path.child("externalTrafficPolicy");
        if !external {
            let detail = "may only be set for externally-accessible services".to_owned();
            errors.invalid_text(&at, traffic, vec![detail]);
        } else if !["Cluster", "Local"].contains(&traffic) {
            errors.unsupported(&at, traffic, &["Cluster", "Local"]);
        }
    }
    let health = int(spec, "healthCheckNodePort").unwrap_or(0);
    if health != 0 && !(kind == "LoadBalancer" && traffic == "Local") {
        let detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'".to_owned();
        errors.invalid_number(&path.child("healthCheckNodePort"), health, vec![detail]);
    }
    let inner = text(spec, "internalTrafficPolicy");
    if !["", "Cluster", "Local"].contains(&inner) {
        errors.unsupported(&path.child("internalTrafficPolicy"), inner, &["Cluster", "Local"]);
    }
    let families = text(spec, "ipFamilyPolicy");
    let known = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    if kind == "ExternalName" {
        if !families.is_empty() {
            errors.forbidden(&path.child("ipFamilyPolicy"), "may not be set for ExternalName services");
        }
    } else if !families.is_empty() && !known.contains(&families) {
        errors.unsupported(&path.child("ipFamilyPolicy"), families, &known);
    }
    if !list(spec, "loadBalancerSourceRanges").is_empty() && kind != "LoadBalancer" {
        errors.forbidden(&path.child("LoadBalancerSourceRanges"), "may only be used when `type` is 'LoadBalancer'");
    }
}

fn service_port<'a>(errors: &mut Errors, port: &'a Value, named: bool, seen: &mut BTreeSet<&'a str>, path: &Path) {
    let name = text(port, "name");
    if named && name.is_empty() {
        errors.required(&path.child("name"), "");
    } else if !name.is_empty() {
        errors.invalid_text(&path.child("name"), name, names::dns1123_label(name));
        if !seen.insert(name) {
            errors.duplicate(&path.child("name"), name);
        }
    }
    let number = int(port, "port").unwrap_or(0);
    errors.invalid_number(&path.child("port"), number, names::port_number(number));
    pod::protocol(errors, port, path);
    let target = get(port, "targetPort").filter(|t| t.as_i64() != Some(0) && t.as_str() != Some(""));
    match target {
        Some(target) => pod::port_or_name(errors, target, &path.child("targetPort")),
        None => errors.invalid_number(&path.child("targetPort"), number, names::port_number(number)),
    }
    if let Some(protocol) = get(port, "appProtocol").and_then(Value::as_str) {
        errors.invalid_text(&path.child("appProtocol"), protocol, names::qualified_name(protocol));
    }
}
