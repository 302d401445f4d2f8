//! Ingresses and network policies. upstream: pkg/apis/networking/validation

use serde_json::Value;

use super::super::field::Path;
use super::super::names;
use super::{Errors, get, int, list, meta, text};

pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    match (version, kind) {
        ("v1", "Ingress") => ingress(errors, object),
        ("v1", "NetworkPolicy") => network_policy(errors, object),
        _ => {}
    }
}

pub(super) fn update(_: &mut Errors, _: &str, _: &str, _: &Value, _: &Value) {}

/// upstream: ValidateIngressSpec
pub(super) fn ingress(errors: &mut Errors, object: &Value) {
    let path = Path::new("spec");
    let spec = get(object, "spec").unwrap_or(&Value::Null);
    let rules = list(spec, "rules");
    let default = get(spec, "defaultBackend");
    if rules.is_empty() && default.is_none() {
        let shown = get(spec, "rules").cloned().unwrap_or(Value::Null);
        errors.invalid(&path, &shown, "either `defaultBackend` or `rules` must be specified");
    }
    if let Some(backend) = default {
        ingress_backend(errors, backend, &path.child("defaultBackend"));
    }
    for (i, rule) in rules.iter().enumerate() {
        let at = path.child("rules").index(i);
        let host = text(rule, "host");
        if !host.is_empty() {
            if host.parse::<std::net::IpAddr>().is_ok() {
                let detail = "must be a DNS name, not an IP address".to_owned();
                errors.invalid_text(&at.child("host"), host, vec![detail]);
            }
            ingress_host(errors, host, &at.child("host"));
        }
        let Some(http) = get(rule, "http") else { continue };
        let at = at.child("http.paths");
        let paths = list(http, "paths");
        if paths.is_empty() {
            errors.required(&at, "");
        }
        for (j, entry) in paths.iter().enumerate() {
            let at = at.index(j);
            ingress_path(errors, entry, &at);
            ingress_backend(errors, get(entry, "backend").unwrap_or(&Value::Null), &at.child("backend"));
        }
    }
    for (i, tls) in list(spec, "tls").iter().enumerate() {
        let at = path.child("tls").index(i);
        for (j, host) in list(tls, "hosts").iter().filter_map(Value::as_str).enumerate() {
            ingress_host(errors, host, &at.child("hosts").index(j));
        }
        let secret = text(tls, "secretName");
        if !secret.is_empty() {
            errors.invalid_text(&at.child("secretName"), secret, names::dns1123_subdomain(secret));
        }
    }
    if let Some(class) = get(spec, "ingressClassName").and_then(Value::as_str) {
        errors.invalid_text(&path.child("ingressClassName"), class, names::dns1123_subdomain(class));
    }
}

fn ingress_host(errors: &mut Errors, host: &str, path: &Path) {
    let wrong = if host.contains('*') { names::wildcard_subdomain(host) } else { names::dns1123_subdomain(host) };
    errors.invalid_text(path, host, wrong);
}

fn ingress_path(errors: &mut Errors, entry: &Value, path: &Path) {
    let kind = get(entry, "pathType").and_then(Value::as_str);
    let value = text(entry, "path");
    match kind {
        None => errors.required(&path.child("pathType"), "pathType must be specified"),
        Some("Exact" | "Prefix") => {
            let at = path.child("path");
            if !value.starts_with('/') {
                errors.invalid_text(&at, value, vec!["must be an absolute path".to_owned()]);
            }
            for bad in ["//", "/./", "/../", "%2f", "%2F"] {
                if value.contains(bad) {
                    errors.invalid_text(&at, value, vec![format!("must not contain '{bad}'")]);
                }
            }
            for bad in ["/..", "/."] {
                if value.ends_with(bad) {
                    errors.invalid_text(&at, value, vec![format!("cannot end with '{bad}'")]);
                }
            }
        }
        Some("ImplementationSpecific") => {
            if !value.is_empty() && !value.starts_with('/') {
                errors.invalid_text(&path.child("path"), value, vec!["must be an absolute path".to_owned()]);
            }
        }
        Some(other) => errors.unsupported(&path.child("pathType"), other, &["Exact", "ImplementationSpecific", "Prefix"]),
    }
}

fn ingress_backend(errors: &mut Errors, backend: &Value, path: &Path) {
    match (get(backend, "resource"), get(backend, "service")) {
        (Some(_), Some(_)) => errors.invalid_text(path, "", vec!["cannot set both resource and service backends".to_owned()]),
        (Some(_), None) => {}
        (None, Some(service)) => {
            let at = path.child("service");
            let name = text(service, "name");
            if name.is_empty() {
                errors.required(&at.child("name"), "");
            } else {
                errors.invalid_text(&at.child("name"), name, names::dns1123_label(name));
            }
            let port = get(service, "port").unwrap_or(&Value::Null);
            match (text(port, "name"), int(port, "number").unwrap_or(0)) {
                ("", 0) => errors.required(path, "port name or number is required"),
                ("", number) => errors.invalid_number(&at.child("port.number"), number, names::port_number(number)),
                (name, 0) => errors.invalid_text(&at.child("port.name"), name, names::port_name(name)),
                _ => errors.invalid_text(path, "", vec!["cannot set both port name & port number".to_owned()]),
            }
        }
        (None, None) => errors.invalid_text(path, "", vec!["resource or service backend is required".to_owned()]),
    }
}

/// upstream: ValidateNetworkPolicySpec
pub(super) fn network_policy(errors: &mut Errors, object: &Value) {
    let path = Path::new("spec");
    let spec = get(object, "spec").unwrap_or(&Value::Null);
    if let Some(selector) = get(spec, "podSelector") {
        meta::selector(errors, selector, &path.child("podSelector"));
    }
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (i, rule) in list(spec, direction).iter().enumerate() {
            let at = path.child(direction).index(i);
            for (j, port) in list(rule, "ports").iter().enumerate() {
                policy_port(errors, port, &at.child("ports").index(j));
            }
            for (j, peer) in list(rule, peers).iter().enumerate() {
                policy_peer(errors, peer, &at.child(peers).index(j));
            }
        }
    }
    let types = list(spec, "policyTypes");
    for (i, kind) in types.iter().filter_map(Value::as_str).enumerate().filter(|_| types.len() <= 2) {
        if !["Ingress", "Egress"].contains(&kind) {
            errors.unsupported(&path.child("policyTypes").index(i), kind, &["Ingress", "Egress"]);
        }
    }
}

fn policy_port(errors: &mut Errors, port: &Value, path: &Path) {
    let protocol = super::text_or(port, "protocol", "TCP");
    if !["TCP", "UDP", "SCTP"].contains(&protocol) {
        errors.unsupported(&path.child("protocol"), protocol, &["TCP", "UDP", "SCTP"]);
    }
    let (number, end) = (get(port, "port"), int(port, "endPort"));
    let at = path.child("endPort");
    if let Some(number) = number {
        super::pod::port_or_name(errors, number, &path.child("port"));
    }
    match (number, end) {
        (Some(Value::String(_)), Some(end)) => {
            errors.invalid_number(&at, end, vec!["may not be specified when `port` is non-numeric".to_owned()]);
        }
        (None, Some(end)) => {
            errors.invalid_number(&at, end, vec!["may not be specified when `port` is not specified".to_owned()]);
        }
        (Some(number), Some(end)) => {
            let number = number.as_i64().unwrap_or(0);
            if end < number {
                errors.invalid_number(&at, number, vec!["must be greater than or equal to `port`".to_owned()]);
            }
            errors.invalid_number(&at, end, names::port_number(end));
        }
        (_, None) => {}
    }
}

fn policy_peer(errors: &mut Errors, peer: &Value, path: &Path) {
    let mut count = 0;
    for field in ["podSelector", "namespaceSelector"] {
        if let Some(selector) = get(peer, field) {
            count += 1;
            meta::selector(errors, selector, &path.child(field));
        }
    }
    let block = get(peer, "ipBlock").is_some();
    if count == 0 && !block {
        errors.required(path, "must specify a peer");
    } else if count > 0 && block {
        errors.forbidden(path, "may not specify both ipBlock and another peer");
    }
}
