//! Services. upstream: pkg/apis/core/validation, pkg/registry/core/service/storage

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field::At;
use super::super::ip;
use super::super::names;
use super::container::{port_or_name, protocol};
use super::core::endpoint_ip;
use super::{Errors, Raw, entries, get, int, json, list, meta, part, text, texts};

/// upstream: ValidateServiceCreate, and what the allocators refuse before it
pub(super) fn create(errors: &mut Errors, object: &Value) {
    if allocation(errors, object) {
        return;
    }
    meta::object_meta(errors, object, names::dns1123_label);
    service(errors, object);
}

const NODE_PORTS: std::ops::RangeInclusive<i64> = 30000..=32767;

/// What allocating addresses and ports refuses, alone. upstream: allocateCreate
fn allocation(errors: &mut Errors, object: &Value) -> bool {
    let spec = part(object, "spec");
    let at = At::new("spec");
    let before = errors.0.len();
    if text(spec, "type") != "ExternalName" {
        cluster_ips(errors, spec, &at);
        if errors.0.len() == before {
            families(errors, spec, &at);
        }
    }
    if errors.0.len() == before {
        node_ports(errors, spec, &at);
    }
    errors.0.len() > before
}

fn family(address: &str) -> &'static str {
    if address.contains(':') { "IPv6" } else { "IPv4" }
}

/// A cluster whose services have IPv4 addresses. upstream: initIPFamilyFields
fn families(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    let ips: Vec<&str> = texts(spec, "clusterIPs").collect();
    let families: Vec<&str> = texts(spec, "ipFamilies").collect();
    let bare = text(spec, "clusterIP") == "None" && entries(spec, "selector").next().is_none();
    let policy = get(spec, "ipFamilyPolicy").and_then(Value::as_str).unwrap_or(if bare { "RequireDualStack" } else { "SingleStack" });
    let before = errors.0.len();
    let place = at.child("ipFamilyPolicy");
    if policy == "SingleStack" {
        let detail = |what: &str| format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
        if ips.len() == 2 {
            errors.invalid(&place, policy, &detail("cluster IPs"));
        }
        if families.len() == 2 {
            errors.invalid(&place, policy, &detail("IP families"));
        }
    }
    for (i, address) in ips.iter().enumerate().take_while(|(_, a)| **a != "None") {
        if i >= families.len() && family(address) == "IPv6" {
            errors.invalid(&at.item("clusterIPs", i), part(spec, "clusterIPs"), "IPv6 is not configured on this cluster");
        }
    }
    if errors.0.len() > before || bare {
        return;
    }
    if policy == "RequireDualStack" {
        errors.invalid(&place, policy, "this cluster is not configured for dual-stack services");
    }
    for (i, wanted) in families.iter().enumerate().filter(|(_, f)| **f != "IPv4") {
        errors.invalid(&at.item("ipFamilies", i), *wanted, "not configured on this cluster");
    }
}

/// The ports on the nodes, with stand-ins for those the server picks: services' ports of one number share one. upstream:
/// initNodePorts
fn allocated(spec: &Value) -> Vec<i64> {
    let ports = list(spec, "ports");
    let wanted = |p: &Value| int(p, "nodePort").unwrap_or(0);
    let picks = get(spec, "allocateLoadBalancerNodePorts").and_then(Value::as_bool) != Some(false) || text(spec, "type") != "LoadBalancer";
    if !matches!(text(spec, "type"), "NodePort" | "LoadBalancer") {
        return ports.iter().map(wanted).collect();
    }
    let number = |p: &Value| int(p, "port").unwrap_or(0);
    let mut of_port: Vec<(i64, i64)> = Vec::new();
    let mut next = *NODE_PORTS.start();
    ports
        .iter()
        .map(|port| {
            if wanted(port) != 0 || !picks {
                return wanted(port);
            }
            let known = of_port.iter().find(|(n, _)| *n == number(port)).map(|(_, p)| *p);
            let named = ports.iter().find(|p| number(p) == number(port) && wanted(p) != 0).map(wanted);
            let picked = known.or(named).unwrap_or_else(|| {
                next += 1;
                next
            });
            of_port.push((number(port), picked));
            picked
        })
        .collect()
}

/// upstream: txnAllocNodePorts
fn node_ports(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    if !matches!(text(spec, "type"), "NodePort" | "LoadBalancer") {
        return;
    }
    let mut taken: Vec<(i64, &str)> = Vec::new();
    for (i, port) in list(spec, "ports").iter().enumerate() {
        let (number, protocol) = (int(port, "nodePort").unwrap_or(0), text(port, "protocol"));
        // One number may serve several protocols.
        if number == 0 || taken.iter().any(|(n, p)| *n == number && *p != protocol) {
            continue;
        }
        let place = at.item("ports", i);
        if !NODE_PORTS.contains(&number) {
            let detail = "provided port is not in the valid range. The range of valid ports is 30000-32767";
            return errors.invalid(&place.child("nodePort"), number, detail);
        }
        if taken.contains(&(number, protocol)) {
            return errors.invalid(&place.child("nodePort"), number, "provided port is already allocated");
        }
        taken.push((number, protocol));
    }
}

const TYPES: &[&str] = &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const LOAD_BALANCER_ONLY: &str = "may only be used when `type` is 'LoadBalancer'";
const RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

/// upstream: validateService
fn service(errors: &mut Errors, object: &Value) {
    let annotations = part(part(object, "metadata"), "annotations");
    let annotation = |key: &str| get(annotations, key).and_then(Value::as_str);
    let (hints, mode) = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode");
    if let (Some(old), Some(new)) = (annotation(hints), annotation(mode))
        && old != new
    {
        let detail = format!("must match annotations[{hints}] when both are specified");
        errors.invalid(&At::new("metadata.annotations").key(mode), new, &detail);
    }
    let spec = part(object, "spec");
    let at = At::new("spec");
    let kind = text(spec, "type");
    let ips: Vec<&str> = texts(spec, "clusterIPs").collect();
    let headless = ips.as_slice() == ["None"];
    let ports = list(spec, "ports");
    if ports.is_empty() && !headless && kind != "ExternalName" {
        errors.required(&at.child("ports"), "");
    }
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            errors.invalid(&at.item("clusterIPs", 0), "None", &format!("may not be set to 'None' for {kind} services"));
        }
        "ExternalName" => {
            for field in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                if get(spec, field).is_some_and(|v| v.as_array().is_none_or(|a| !a.is_empty())) {
                    errors.forbidden(&at.child(field), "may not be set for ExternalName services");
                }
            }
            let name = text(spec, "externalName");
            match name.strip_suffix('.').unwrap_or(name) {
                "" => errors.required(&at.child("externalName"), ""),
                name => errors.invalid_text(&at.child("externalName"), name, names::dns1123_subdomain(name)),
            }
        }
        _ => {}
    }
    let mut seen = BTreeSet::new();
    for (i, port) in ports.iter().enumerate() {
        service_port(errors, port, ports.len() > 1, &mut seen, &at.item("ports", i));
    }
    meta::labels(errors, spec, "selector", &at.child("selector"));
    affinity(errors, spec, &at);
    cluster_ips(errors, spec, &at);
    for (i, address) in texts(spec, "externalIPs").enumerate() {
        let at = at.item("externalIPs", i);
        let wrong = ip::legacy_ip(address);
        if wrong.is_empty() {
            endpoint_ip(errors, address, &at);
        }
        errors.invalid_text(&at, address, wrong);
    }
    if !TYPES.contains(&kind) {
        errors.unsupported_json(&at.child("type"), kind, TYPES);
    }
    duplicates(errors, spec, kind, ports, &at);
    source_ranges(errors, spec, kind, annotation(RANGES), &at);
    if get(spec, "allocateLoadBalancerNodePorts").is_some() && kind != "LoadBalancer" {
        errors.forbidden(&at.child("allocateLoadBalancerNodePorts"), LOAD_BALANCER_ONLY);
    }
    if let Some(class) = get(spec, "loadBalancerClass").and_then(Value::as_str) {
        let at = at.child("loadBalancerClass");
        if kind == "LoadBalancer" {
            errors.invalid_text(&at, class, names::qualified_name(class));
        } else {
            errors.forbidden(&at, LOAD_BALANCER_ONLY);
        }
    }
    traffic(errors, spec, kind, &at);
}

fn affinity(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    match text(spec, "sessionAffinity") {
        "ClientIP" => {
            if let Some(seconds) = spec.pointer("/sessionAffinityConfig/clientIP/timeoutSeconds").and_then(Value::as_i64)
                && !(1..=86400).contains(&seconds)
            {
                let detail = "must be greater than 0 and less than 86400";
                errors.invalid(&at.child("sessionAffinityConfig.clientIP.timeoutSeconds"), seconds, detail);
            }
        }
        "None" => {}
        other => errors.unsupported_json(&at.child("sessionAffinity"), other, &["ClientIP", "None"]),
    }
}

fn duplicates(errors: &mut Errors, spec: &Value, kind: &str, ports: &[Value], at: &At<'_>) {
    let (mut node_ports, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    if kind == "ClusterIP" {
        for (i, _) in ports.iter().enumerate().filter(|(_, p)| int(p, "nodePort").unwrap_or(0) != 0) {
            errors.forbidden(&at.item("ports", i).child("nodePort"), "may not be used when `type` is 'ClusterIP'");
        }
    }
    for (i, (port, number)) in ports.iter().zip(allocated(spec)).enumerate() {
        if number != 0 && !node_ports.insert((text(port, "protocol"), number)) {
            errors.duplicate(&at.item("ports", i).child("nodePort"), number);
        }
    }
    for (i, port) in ports.iter().enumerate() {
        let (protocol, number) = (text(port, "protocol"), int(port, "port").unwrap_or(0));
        if !numbers.insert((protocol, number)) {
            let shown = format!(
                "{{\"Name\":\"\",\"Protocol\":{},\"AppProtocol\":null,\"Port\":{number},\"TargetPort\":0,\"NodePort\":0}}",
                json(&protocol.into())
            );
            errors.duplicate(&at.item("ports", i), Raw(shown));
        }
    }
}

fn source_ranges(errors: &mut Errors, spec: &Value, kind: &str, annotation: Option<&str>, at: &At<'_>) {
    if !list(spec, "loadBalancerSourceRanges").is_empty() {
        let at = at.child("LoadBalancerSourceRanges");
        if kind != "LoadBalancer" {
            errors.forbidden(&at, LOAD_BALANCER_ONLY);
        }
        for (i, range) in texts(spec, "loadBalancerSourceRanges").enumerate() {
            errors.invalid_text(&at.index(i), range.trim(), ip::legacy_cidr(range.trim()));
        }
    } else if let Some(ranges) = annotation {
        let at = At::new("metadata.annotations");
        let at = at.key(RANGES);
        if kind != "LoadBalancer" {
            errors.forbidden(&at, LOAD_BALANCER_ONLY);
        }
        for range in ranges.trim().split(',').filter(|_| !ranges.trim().is_empty()) {
            errors.invalid_text(&at, range.trim(), ip::legacy_cidr(range.trim()));
        }
    }
}

/// upstream: validateServiceExternalTrafficPolicy, validateServiceInternalTrafficFieldsValue, validateServiceTrafficDistribution
fn traffic(errors: &mut Errors, spec: &Value, kind: &str, at: &At<'_>) {
    let external = matches!(kind, "LoadBalancer" | "NodePort") || kind == "ClusterIP" && !list(spec, "externalIPs").is_empty();
    let policy = text(spec, "externalTrafficPolicy");
    let place = at.child("externalTrafficPolicy");
    if !external {
        if !policy.is_empty() {
            errors.invalid(&place, policy, "may only be set for externally-accessible services");
        }
    } else if policy.is_empty() {
        errors.required(&place, "");
    } else if !["Cluster", "Local"].contains(&policy) {
        errors.unsupported_json(&place, policy, &["Cluster", "Local"]);
    }
    let health = int(spec, "healthCheckNodePort").unwrap_or(0);
    let place = at.child("healthCheckNodePort");
    if kind == "LoadBalancer" && policy == "Local" {
        // Without one, a port is allocated before.
        if health != 0 {
            errors.invalid_number(&place, health, names::port_number(health));
        }
    } else if health != 0 {
        let detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        errors.invalid(&place, health, detail);
    }
    if let Some(policy) = get(spec, "internalTrafficPolicy").and_then(Value::as_str)
        && !["Cluster", "Local"].contains(&policy)
    {
        errors.unsupported_json(&at.child("internalTrafficPolicy"), policy, &["Cluster", "Local"]);
    }
    let known = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    if let Some(distribution) = get(spec, "trafficDistribution").and_then(Value::as_str)
        && !known.contains(&distribution)
    {
        errors.unsupported(&at.child("trafficDistribution"), distribution, &known);
    }
}

/// upstream: validateServicePort
fn service_port<'a>(errors: &mut Errors, port: &'a Value, named: bool, seen: &mut BTreeSet<&'a str>, at: &At<'_>) {
    let name = text(port, "name");
    if !name.is_empty() {
        errors.invalid_text(&at.child("name"), name, names::dns1123_label(name));
        if !seen.insert(name) {
            errors.duplicate(&at.child("name"), name);
        }
    } else if named {
        errors.required(&at.child("name"), "");
    }
    let number = int(port, "port").unwrap_or(0);
    errors.invalid_number(&at.child("port"), number, names::port_number(number));
    protocol(errors, port, at);
    port_or_name(errors, part(port, "targetPort"), &at.child("targetPort"));
    if let Some(application) = get(port, "appProtocol").and_then(Value::as_str) {
        errors.invalid_text(&at.child("appProtocol"), application, names::qualified_name(application));
    }
}

/// upstream: ValidateServiceClusterIPsRelatedFields
fn cluster_ips(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    if text(spec, "type") == "ExternalName" {
        return;
    }
    let place = at.child("clusterIPs");
    let first = text(spec, "clusterIP");
    let ips: Vec<&str> = texts(spec, "clusterIPs").collect();
    let shown = part(spec, "clusterIPs");
    if first.is_empty() {
        if !ips.is_empty() {
            errors.invalid(&place, shown, "must be empty when `clusterIP` is not specified");
        }
    } else if ips.is_empty() {
        errors.required(&place, "");
    } else if ips[0] != first {
        errors.invalid(&place, shown, "first value must match `clusterIP`");
    }
    let mut seen = BTreeSet::new();
    let families: Vec<&str> = texts(spec, "ipFamilies").collect();
    for (i, family) in families.iter().enumerate() {
        let at = at.item("ipFamilies", i);
        if !["IPv4", "IPv6"].contains(family) {
            errors.unsupported_json(&at, family, &["IPv4", "IPv6"]);
        }
        if !seen.insert(*family) {
            errors.duplicate(&at, *family);
        }
    }
    let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    if let Some(policy) = get(spec, "ipFamilyPolicy").and_then(Value::as_str)
        && !policies.contains(&policy)
    {
        errors.unsupported_json(&at.child("ipFamilyPolicy"), policy, &policies);
    }
    let mut bad = false;
    for (i, address) in ips.iter().enumerate() {
        if i == 0 && *address == "None" {
            if ips.len() > 1 {
                bad = true;
                errors.invalid(&place, shown, "'None' must be the first and only value");
            }
            continue;
        }
        let wrong = ip::legacy_ip(address);
        bad |= !wrong.is_empty();
        errors.invalid_text(&place.index(i), address, wrong);
    }
    if ips.len() > 2 {
        errors.invalid(&place, shown, "may only hold up to 2 values");
    }
    if bad {
        return;
    }
    if ips.len() > 1 && ips.iter().map(|a| family(a)).collect::<BTreeSet<_>>().len() < 2 {
        errors.invalid(&place, shown, "may specify no more than one IP for each IP family");
    }
    if ips.as_slice() == ["None"] {
        return;
    }
    for (i, (address, wanted)) in ips.iter().zip(&families).enumerate() {
        if ["IPv4", "IPv6"].contains(wanted) && family(address) != *wanted {
            let detail = format!("expected an {wanted} value as indicated by `ipFamilies[{i}]`");
            errors.invalid(&place.index(i), *address, &detail);
        }
    }
}
