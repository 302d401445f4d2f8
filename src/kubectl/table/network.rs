//! Rows of services, endpoints, ingresses and their kin. upstream: pkg/printers/internalversion

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::api::Nanos;
use super::super::labels;
use super::{Printer, age, name, optional, or, printer, three};
use crate::simulate::scheduler::json::{at, int, list, scalar, text, words};

pub(super) const PRINTERS: &[Printer] = &[
    printer("", "Service", &["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "|Selector"], service),
    printer("", "Endpoints", &["Name", "Endpoints", "Age"], |o, now| vec![name(o), endpoints(o, None).into(), age(o, now)]),
    printer("discovery.k8s.io", "EndpointSlice", &["Name", "AddressType", "Ports", "Endpoints", "Age"], |o, now| {
        let port = |p: &Value| match (int(p, &["port"]), at(p, &["name"])) {
            (Some(port), _) => port.to_string(),
            (None, Value::String(name)) => name.clone(),
            _ => "*".to_owned(),
        };
        let ports: Vec<String> = list(o, &["ports"]).iter().map(port).collect();
        let addresses: Vec<String> = list(o, &["endpoints"]).iter().flat_map(|e| words(e, &["addresses"])).collect();
        vec![name(o), text(o, &["addressType"]).into(), three(&ports, "<unset>").into(), three(&addresses, "<unset>").into(), age(o, now)]
    }),
    printer("networking.k8s.io", "Ingress", &["Name", "Class", "Hosts", "Address", "Ports", "Age"], |o, now| {
        let rules = list(o, &["spec", "rules"]);
        let named: Vec<&str> = rules.iter().map(|r| text(r, &["host"])).filter(|h| !h.is_empty()).collect();
        // Whether there are more is known once a rule follows three named hosts.
        let mut full = 0;
        let more = rules.iter().any(|r| {
            let over = full == 3;
            full += usize::from(!text(r, &["host"]).is_empty() && full < 3);
            over
        });
        let shown = named.iter().take(3).copied().collect::<Vec<_>>().join(",");
        let hosts = match (named.is_empty(), more) {
            (true, _) => "*".to_owned(),
            (_, true) => format!("{shown} + {} more...", rules.len() - 3),
            _ => shown,
        };
        let ports = if list(o, &["spec", "tls"]).is_empty() { "80" } else { "80, 443" };
        vec![name(o), optional(o, &["spec", "ingressClassName"], "<none>"), hosts.into(), balancer(o).into(), ports.into(), age(o, now)]
    }),
    printer("networking.k8s.io", "IngressClass", &["Name", "Controller", "Parameters", "Age"], |o, now| {
        let mut shown = text(o, &["metadata", "name"]).to_owned();
        if text(o, &["metadata", "annotations", "ingressclass.kubernetes.io/is-default-class"]) == "true" {
            shown.push_str(" (default)");
        }
        let parameters = at(o, &["spec", "parameters"]);
        let reference = match (parameters.is_object(), at(parameters, &["apiGroup"])) {
            (false, _) => "<none>".to_owned(),
            (true, Value::String(group)) => format!("{}.{group}/{}", text(parameters, &["kind"]), text(parameters, &["name"])),
            (true, _) => format!("{}/{}", text(parameters, &["kind"]), text(parameters, &["name"])),
        };
        vec![shown.into(), text(o, &["spec", "controller"]).into(), reference.into(), age(o, now)]
    }),
    printer("networking.k8s.io", "NetworkPolicy", &["Name", "Pod-Selector", "Age"], |o, now| {
        vec![name(o), labels::format_selector(at(o, &["spec", "podSelector"])).into(), age(o, now)]
    }),
    printer("networking.k8s.io", "ServiceCIDR", &["Name", "CIDRs", "Age"], |o, now| {
        vec![name(o), words(o, &["spec", "cidrs"]).join(",").into(), age(o, now)]
    }),
    // The server sends the age without a column for it.
    printer("networking.k8s.io", "IPAddress", &["Name", "ParentRef"], |o, now| {
        let parent = at(o, &["spec", "parentRef"]);
        let part = |key: &str| text(parent, &[key]);
        let shown = if parent.is_object() {
            let resource =
                if part("group").is_empty() { part("resource").to_owned() } else { format!("{}.{}", part("resource"), part("group")) };
            let namespace = if part("namespace").is_empty() { String::new() } else { format!("/{}", part("namespace")) };
            format!("{}{namespace}/{}", resource.to_lowercase(), part("name"))
        } else {
            "<none>".to_owned()
        };
        vec![name(o), shown.into(), age(o, now)]
    }),
];

/// The addresses of an `Endpoints`, those of one port or of all. upstream: formatEndpoints
pub(super) fn endpoints(o: &Value, port: Option<&str>) -> String {
    let subsets = list(o, &["subsets"]);
    if subsets.is_empty() {
        return "<none>".to_owned();
    }
    let mut all = Vec::new();
    for subset in subsets {
        let addresses = list(subset, &["addresses"]);
        let ports = list(subset, &["ports"]);
        if ports.is_empty() {
            all.extend(addresses.iter().map(|a| text(a, &["ip"]).to_owned()));
        }
        for p in ports.iter().filter(|p| port.is_none_or(|wanted| wanted == text(p, &["name"]))) {
            all.extend(addresses.iter().map(|a| host_port(text(a, &["ip"]), int(p, &["port"]).unwrap_or(0))));
        }
    }
    three(&all, "")
}

/// upstream: net.JoinHostPort
pub(super) fn host_port(host: &str, port: i64) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// What a load balancer was given. upstream: loadBalancerStatusStringer
fn balancer(o: &Value) -> String {
    let found: BTreeSet<&str> = list(o, &["status", "loadBalancer", "ingress"])
        .iter()
        .map(|i| or(text(i, &["ip"]), text(i, &["hostname"])))
        .filter(|s| !s.is_empty())
        .collect();
    found.into_iter().collect::<Vec<_>>().join(",")
}

fn external(o: &Value) -> String {
    let ips = words(o, &["spec", "externalIPs"]);
    match text(o, &["spec", "type"]) {
        "ClusterIP" | "NodePort" if ips.is_empty() => "<none>".to_owned(),
        "ClusterIP" | "NodePort" => ips.join(","),
        "LoadBalancer" => {
            let mut all = Some(balancer(o)).filter(|s| !s.is_empty()).into_iter().collect::<Vec<_>>();
            all.extend(ips);
            if all.is_empty() { "<pending>".to_owned() } else { all.join(",") }
        }
        "ExternalName" => text(o, &["spec", "externalName"]).to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

fn service(o: &Value, now: Nanos) -> Vec<Value> {
    let port = |p: &Value| {
        let (port, protocol) = (int(p, &["port"]).unwrap_or(0), text(p, &["protocol"]));
        match int(p, &["nodePort"]).unwrap_or(0) {
            node if node > 0 => format!("{port}:{node}/{protocol}"),
            _ => format!("{port}/{protocol}"),
        }
    };
    let ports = list(o, &["spec", "ports"]).iter().map(port).collect::<Vec<_>>().join(",");
    let ip = list(o, &["spec", "clusterIPs"]).first().map_or_else(|| text(o, &["spec", "clusterIP"]).to_owned(), scalar);
    vec![
        name(o),
        text(o, &["spec", "type"]).into(),
        or(&ip, "<none>").into(),
        external(o).into(),
        or(&ports, "<none>").into(),
        age(o, now),
        labels::format(at(o, &["spec", "selector"])).into(),
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn addresses_of_the_sixth_version_are_bracketed() {
        assert_eq!(super::host_port("fd00::1", 80), "[fd00::1]:80");
    }
}
