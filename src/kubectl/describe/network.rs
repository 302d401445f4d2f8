//! Services, endpoints, ingresses and network policies. upstream: kubectl/pkg/describe

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::labels;
use super::Store;
use super::out::{Out, date, or, or_unset};
use crate::simulate::scheduler::json::{at, int, list, scalar, text, words};

/// Ready addresses with a port, at most three. upstream: formatEndpointSlices
fn slices_line(slices: &[Value], port_name: &str) -> String {
    if slices.is_empty() {
        return "<none>".to_owned();
    }
    let (mut shown, mut more, mut count) = (Vec::new(), false, 0);
    for slice in slices {
        let ports = list(slice, &["ports"]);
        let wanted: Vec<Option<i64>> = if ports.is_empty() {
            vec![None]
        } else {
            ports.iter().filter(|p| text(p, &["name"]) == port_name).map(|p| int(p, &["port"])).collect()
        };
        for port in wanted {
            for endpoint in list(slice, &["endpoints"]) {
                if shown.len() == 3 {
                    more = true;
                }
                if *at(endpoint, &["conditions", "ready"]) == false {
                    continue;
                }
                let address = list(endpoint, &["addresses"]).first().map(scalar).unwrap_or_default();
                if !more {
                    shown.push(match port {
                        Some(port) if address.contains(':') => format!("[{address}]:{port}"),
                        Some(port) => format!("{address}:{port}"),
                        None => address,
                    });
                }
                count += 1;
            }
        }
    }
    let line = shown.join(",");
    if more { format!("{line} + {} more...", count - 3) } else { line }
}

fn slices_of(store: &Store<'_>, namespace: &str, service: &str) -> Vec<Value> {
    let of_service = |s: &&Value| text(s, &["metadata", "labels", "kubernetes.io/service-name"]) == service;
    store.list("discovery.k8s.io", "endpointslices", namespace).iter().filter(of_service).cloned().collect()
}

/// upstream: describeService
pub(super) fn service(out: &mut Out, s: &Value, store: &Store<'_>) {
    let spec = at(s, &["spec"]);
    let slices = slices_of(store, text(s, &["metadata", "namespace"]), text(s, &["metadata", "name"]));
    out.head(s);
    out.field(0, "Selector", labels::format(at(spec, &["selector"])));
    out.field(0, "Type", text(spec, &["type"]));
    if !at(spec, &["ipFamilyPolicy"]).is_null() {
        out.field(0, "IP Family Policy", text(spec, &["ipFamilyPolicy"]));
    }
    out.field(0, "IP Families", or(&words(spec, &["ipFamilies"]).join(","), "<none>"));
    out.field(0, "IP", text(spec, &["clusterIP"]));
    out.field(0, "IPs", or(&words(spec, &["clusterIPs"]).join(","), "<none>"));
    let external = words(spec, &["externalIPs"]).join(",");
    for (title, value) in [
        ("External IPs", external.as_str()),
        ("Desired LoadBalancer IP", text(spec, &["loadBalancerIP"])),
        ("External Name", text(spec, &["externalName"])),
    ] {
        if !value.is_empty() {
            out.field(0, title, value);
        }
    }
    let given = list(s, &["status", "loadBalancer", "ingress"]);
    if !given.is_empty() {
        let one = |i: &Value| match (text(i, &["ip"]), text(i, &["ipMode"])) {
            ("", _) => text(i, &["hostname"]).to_owned(),
            (ip, "") => ip.to_owned(),
            (ip, mode) => format!("{ip} ({mode})"),
        };
        out.field(0, "LoadBalancer Ingress", given.iter().map(one).collect::<Vec<_>>().join(", "));
    }
    for port in list(spec, &["ports"]) {
        let name = or(text(port, &["name"]), "<unset>");
        let protocol = text(port, &["protocol"]);
        out.field(0, "Port", format!("{name}\t{}/{protocol}", int(port, &["port"]).unwrap_or(0)));
        let target = match at(port, &["targetPort"]) {
            Value::Null => "0".to_owned(),
            value => scalar(value),
        };
        out.field(0, "TargetPort", format!("{target}/{protocol}"));
        if !at(port, &["appProtocol"]).is_null() {
            out.field(0, "AppProtocol", text(port, &["appProtocol"]));
        }
        if let Some(node) = int(port, &["nodePort"]).filter(|n| *n != 0) {
            out.field(0, "NodePort", format!("{name}\t{node}/{protocol}"));
        }
        out.field(0, "Endpoints", slices_line(&slices, text(port, &["name"])));
    }
    out.field(0, "Session Affinity", text(spec, &["sessionAffinity"]));
    for (title, key) in [("External Traffic Policy", "externalTrafficPolicy"), ("Internal Traffic Policy", "internalTrafficPolicy")] {
        if !text(spec, &[key]).is_empty() {
            out.field(0, title, text(spec, &[key]));
        }
    }
    if let Some(port) = int(spec, &["healthCheckNodePort"]).filter(|p| *p != 0) {
        out.field(0, "HealthCheck NodePort", port);
    }
    let ranges = words(spec, &["loadBalancerSourceRanges"]).join(",");
    if !ranges.is_empty() {
        out.field(0, "LoadBalancer Source Ranges", ranges);
    }
    if !at(spec, &["trafficDistribution"]).is_null() {
        out.field(0, "Traffic Distribution", text(spec, &["trafficDistribution"]));
    }
}

/// upstream: describeEndpoints
pub(super) fn endpoints(out: &mut Out, e: &Value) {
    out.head(e);
    out.line(0, "Subsets:");
    for subset in list(e, &["subsets"]) {
        for (title, key) in [("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")] {
            let all = list(subset, &[key]).iter().map(|a| text(a, &["ip"])).collect::<Vec<_>>().join(",");
            out.field(1, title, or(&all, "<none>"));
        }
        let ports = list(subset, &["ports"]);
        if !ports.is_empty() {
            out.line(1, "Ports:");
            out.line(2, "Name\tPort\tProtocol");
            out.line(2, "----\t----\t--------");
            for p in ports {
                let number = int(p, &["port"]).unwrap_or(0);
                out.line(2, &format!("{}\t{number}\t{}", or(text(p, &["name"]), "<unset>"), text(p, &["protocol"])));
            }
        }
        out.line(0, "");
    }
}

/// upstream: describeEndpointSliceV1
pub(super) fn endpoint_slice(out: &mut Out, s: &Value) {
    out.head(s);
    out.field(0, "AddressType", text(s, &["addressType"]));
    let ports = list(s, &["ports"]);
    if ports.is_empty() {
        out.line(0, "Ports: <unset>");
    } else {
        out.line(0, "Ports:");
        out.line(1, "Name\tPort\tProtocol");
        out.line(1, "----\t----\t--------");
        for p in ports {
            let (name, port) = (or(text(p, &["name"]), "<unset>"), or_unset(at(p, &["port"])));
            out.line(1, &format!("{name}\t{port}\t{}", text(p, &["protocol"])));
        }
    }
    let all = list(s, &["endpoints"]);
    if all.is_empty() {
        out.line(0, "Endpoints: <none>");
        return;
    }
    out.line(0, "Endpoints:");
    for e in all {
        out.field(1, "- Addresses", or(&words(e, &["addresses"]).join(", "), "<none>"));
        out.line(2, "Conditions:");
        out.field(3, "Ready", or_unset(at(e, &["conditions", "ready"])));
        out.field(2, "Hostname", or_unset(at(e, &["hostname"])));
        if at(e, &["targetRef"]).is_object() {
            out.field(2, "TargetRef", format!("{}/{}", text(e, &["targetRef", "kind"]), text(e, &["targetRef", "name"])));
        }
        out.field(2, "NodeName", or_unset(at(e, &["nodeName"])));
        out.field(2, "Zone", or_unset(at(e, &["zone"])));
    }
}

/// upstream: describeBackendV1
fn backend(store: &Store<'_>, namespace: &str, backend: &Value) -> String {
    let service = at(backend, &["service"]);
    if service.is_object() {
        let name = text(service, &["name"]);
        let (number, port_name) = (int(service, &["port", "number"]).unwrap_or(0), text(service, &["port", "name"]));
        let shown = if number == 0 { format!("{name}:{port_name}") } else { format!("{name}:{number}") };
        let found = match store.get("", "services", namespace, name) {
            Ok(found) => found,
            Err(refused) => return format!("{shown} (<error: {}>)", refused.message),
        };
        let mut port = "";
        for p in list(&found, &["spec", "ports"]) {
            let same_number = number != 0 && int(p, &["port"]) == Some(number);
            if same_number || (!port_name.is_empty() && text(p, &["name"]) == port_name) {
                port = text(p, &["name"]);
            }
        }
        return format!("{shown} ({})", slices_line(&slices_of(store, namespace, name), port));
    }
    let resource = at(backend, &["resource"]);
    if resource.is_object() {
        let group = at(resource, &["apiGroup"]);
        let group = if group.is_null() { "<none>".to_owned() } else { scalar(group) };
        return format!("APIGroup: {group}, Kind: {}, Name: {}", text(resource, &["kind"]), text(resource, &["name"]));
    }
    String::new()
}

/// upstream: describeIngressV1
pub(super) fn ingress(out: &mut Out, i: &Value, store: &Store<'_>) {
    let spec = at(i, &["spec"]);
    let namespace = text(i, &["metadata", "namespace"]);
    out.field(0, "Name", text(i, &["metadata", "name"]));
    out.labels("Labels", at(i, &["metadata", "labels"]));
    out.field(0, "Namespace", namespace);
    let given: BTreeSet<&str> = list(i, &["status", "loadBalancer", "ingress"])
        .iter()
        .map(|a| or(text(a, &["ip"]), text(a, &["hostname"])))
        .filter(|a| !a.is_empty())
        .collect();
    out.field(0, "Address", given.into_iter().collect::<Vec<_>>().join(","));
    let class = at(spec, &["ingressClassName"]);
    out.field(0, "Ingress Class", if class.is_null() { "<none>".to_owned() } else { scalar(class) });
    let default = match at(spec, &["defaultBackend"]) {
        found @ Value::Object(_) => backend(store, namespace, found),
        _ => "<default>".to_owned(),
    };
    out.field(0, "Default backend", &default);
    let tls = list(spec, &["tls"]);
    if !tls.is_empty() {
        out.line(0, "TLS:");
        for t in tls {
            let hosts = words(t, &["hosts"]).join(",");
            match text(t, &["secretName"]) {
                "" => out.line(1, &format!("SNI routes {hosts}")),
                secret => out.line(1, &format!("{secret} terminates {hosts}")),
            }
        }
    }
    out.line(0, "Rules:");
    out.line(0, "  Host\tPath\tBackends");
    out.line(1, "----\t----\t--------");
    let with_paths: Vec<&Value> = list(spec, &["rules"]).iter().filter(|r| at(r, &["http"]).is_object()).collect();
    for rule in &with_paths {
        out.line(1, &format!("{}\t", or(text(rule, &["host"]), "*")));
        for path in list(rule, &["http", "paths"]) {
            let target = backend(store, namespace, at(path, &["backend"]));
            out.line(2, &format!("\t{} \t{target}", text(path, &["path"])));
        }
    }
    if with_paths.is_empty() {
        out.line(1, &format!("*\t*\t{default}"));
    }
    out.annotations("Annotations", at(i, &["metadata", "annotations"]));
}

/// upstream: describeIngressClassV1
pub(super) fn ingress_class(out: &mut Out, c: &Value) {
    out.field(0, "Name", text(c, &["metadata", "name"]));
    out.labels("Labels", at(c, &["metadata", "labels"]));
    out.annotations("Annotations", at(c, &["metadata", "annotations"]));
    out.field(0, "Controller", text(c, &["spec", "controller"]));
    let parameters = at(c, &["spec", "parameters"]);
    if parameters.is_object() {
        out.line(0, "Parameters:");
        if !at(parameters, &["apiGroup"]).is_null() {
            out.field(1, "APIGroup", text(parameters, &["apiGroup"]));
        }
        out.field(1, "Kind", text(parameters, &["kind"]));
        out.field(1, "Name", text(parameters, &["name"]));
    }
}

/// upstream: describeServiceCIDRV1
pub(super) fn service_cidr(out: &mut Out, c: &Value) {
    out.field(0, "Name", text(c, &["metadata", "name"]));
    out.labels("Labels", at(c, &["metadata", "labels"]));
    out.annotations("Annotations", at(c, &["metadata", "annotations"]));
    out.field(0, "CIDRs", words(c, &["spec", "cidrs"]).join(", "));
    if !list(c, &["status", "conditions"]).is_empty() {
        out.line(0, "Status:");
        moved_conditions(out, c);
    }
}

/// Conditions with the time of their last change.
pub(super) fn moved_conditions(out: &mut Out, object: &Value) {
    let all = list(object, &["status", "conditions"]);
    if all.is_empty() {
        return;
    }
    out.line(0, "Conditions:");
    out.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage");
    out.line(1, "----\t------\t------------------\t------\t-------");
    for c in all {
        let part = |key: &str| text(c, &[key]);
        let moved = date(at(c, &["lastTransitionTime"]));
        out.line(1, &format!("{}\t{}\t{moved}\t{}\t{}", part("type"), part("status"), part("reason"), part("message")));
    }
}

/// upstream: describeIPAddressV1
pub(super) fn ip_address(out: &mut Out, a: &Value) {
    out.field(0, "Name", text(a, &["metadata", "name"]));
    out.labels("Labels", at(a, &["metadata", "labels"]));
    out.annotations("Annotations", at(a, &["metadata", "annotations"]));
    let parent = at(a, &["spec", "parentRef"]);
    if parent.is_object() {
        out.line(0, "Parent Reference:");
        for (title, key) in [("Group", "group"), ("Resource", "resource"), ("Namespace", "namespace"), ("Name", "name")] {
            out.field(1, title, text(parent, &[key]));
        }
    }
}

/// upstream: describeNetworkPolicy
pub(super) fn policy(out: &mut Out, p: &Value) {
    let spec = at(p, &["spec"]);
    out.field(0, "Name", text(p, &["metadata", "name"]));
    out.field(0, "Namespace", text(p, &["metadata", "namespace"]));
    let created = text(p, &["metadata", "creationTimestamp"]).replace('T', " ").replace('Z', " +0000 UTC");
    out.field(0, "Created on", created);
    out.labels("Labels", at(p, &["metadata", "labels"]));
    out.annotations("Annotations", at(p, &["metadata", "annotations"]));
    out.line(0, "Spec:");
    out.put(1, "PodSelector: ");
    match labels::format_selector(at(spec, &["podSelector"])).as_str() {
        "<none>" => out.line(2, "<none> (Allowing the specific traffic to all pods in this namespace)"),
        chosen => out.line(2, chosen),
    }
    let types = words(spec, &["policyTypes"]);
    for (kind, low, key, side) in
        [("Ingress", "ingress", "ingress", ("From", "from", "source")), ("Egress", "egress", "egress", ("To", "to", "destination"))]
    {
        if types.iter().any(|t| t == kind) {
            out.line(1, &format!("Allowing {low} traffic:"));
            peers(out, list(spec, &[key]), low, side);
        } else {
            out.line(1, &format!("Not affecting {low} traffic"));
        }
    }
    out.line(1, &format!("Policy Types: {}", or(&types.join(", "), "<none>")));
}

fn peers(out: &mut Out, rules: &[Value], direction: &str, (title, key, noun): (&str, &str, &str)) {
    if rules.is_empty() {
        out.line(0, &format!("    <none> (Selected pods are isolated for {direction} connectivity)"));
        return;
    }
    for (i, rule) in rules.iter().enumerate() {
        let ports = list(rule, &["ports"]);
        if ports.is_empty() {
            out.line(0, "    To Port: <any> (traffic allowed to all ports)");
        }
        for port in ports {
            let protocol = or(text(port, &["protocol"]), "TCP");
            let number = match at(port, &["port"]) {
                Value::Null => "<nil>".to_owned(),
                value => scalar(value),
            };
            match int(port, &["endPort"]) {
                None => out.line(0, &format!("    To Port: {number}/{protocol}")),
                Some(end) => out.line(0, &format!("    To Port Range: {number}-{end}/{protocol}")),
            }
        }
        let all = list(rule, &[key]);
        if all.is_empty() {
            out.line(0, &format!("    {title}: <any> (traffic not restricted by {noun})"));
        }
        for peer in all {
            out.line(0, &format!("    {title}:"));
            let (pods, spaces, block) = (at(peer, &["podSelector"]), at(peer, &["namespaceSelector"]), at(peer, &["ipBlock"]));
            if spaces.is_object() {
                out.line(1, &format!("    NamespaceSelector: {}", labels::format_selector(spaces)));
            }
            if pods.is_object() {
                out.line(1, &format!("    PodSelector: {}", labels::format_selector(pods)));
            }
            if block.is_object() && !pods.is_object() && !spaces.is_object() {
                out.line(1, "    IPBlock:");
                out.line(2, &format!("    CIDR: {}", text(block, &["cidr"])));
                out.line(2, &format!("    Except: {}", words(block, &["except"]).join(", ")));
            }
        }
        if i + 1 != rules.len() {
            out.line(0, "    ----------");
        }
    }
}
