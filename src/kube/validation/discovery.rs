//! Endpoint slices. upstream: pkg/apis/discovery/validation

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::super::field::At;
use super::super::ip;
use super::super::names;
use super::{Errors, get, list, meta, text, texts, update};

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, _version: &str, kind: &str, object: &Value) {
    if kind == "EndpointSlice" {
        slice(errors, object, None);
    }
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, _version: &str, kind: &str, object: &Value, old: &Value) {
    if kind == "EndpointSlice" {
        slice(errors, object, Some(old));
        errors.immutable(&At::new("addressType"), text(object, "addressType"), text(old, "addressType"));
    }
}

/// upstream: ValidateEndpointSlice
fn slice(errors: &mut Errors, object: &Value, old: Option<&Value>) {
    meta::object_meta(errors, object, names::dns1123_subdomain);
    let kind = text(object, "addressType");
    let at = At::new("addressType");
    match kind {
        "" => errors.required(&at, ""),
        "IPv4" | "IPv6" | "FQDN" => {}
        _ => errors.unsupported(&at, kind, &["FQDN", "IPv4", "IPv6"]),
    }
    ports(errors, list(object, "ports"));
    let mut found = Errors::default();
    endpoints(&mut found, list(object, "endpoints"), kind);
    // What did not change was once thought valid.
    if !old.is_some_and(|old| update::same(get(old, "endpoints"), get(object, "endpoints"))) {
        errors.0.append(&mut found.0);
    }
}

/// upstream: validatePorts
fn ports(errors: &mut Errors, ports: &[Value]) {
    let path = At::new("ports");
    if ports.len() > 20000 {
        return errors.too_many(&path, ports.len(), 20000);
    }
    let mut seen = BTreeSet::new();
    for (i, port) in ports.iter().enumerate() {
        let at = path.index(i);
        let name = text(port, "name");
        if !name.is_empty() {
            errors.invalid_each(&at.child("name"), name, names::dns1123_label(name));
        }
        if !seen.insert(name) {
            errors.duplicate(&at.child("name"), name);
        }
        let known = ["SCTP", "TCP", "UDP"];
        match get(port, "protocol").and_then(Value::as_str) {
            None => errors.required(&at.child("protocol"), ""),
            Some(protocol) if !known.contains(&protocol) => errors.unsupported(&at.child("protocol"), protocol, &known),
            Some(_) => {}
        }
        if let Some(protocol) = get(port, "appProtocol").and_then(Value::as_str) {
            errors.invalid_each(&at.child("appProtocol"), protocol, names::qualified_name(protocol));
        }
    }
}

/// upstream: validateEndpoints
fn endpoints(errors: &mut Errors, endpoints: &[Value], kind: &str) {
    let path = At::new("endpoints");
    if endpoints.len() > 1000 {
        return errors.too_many(&path, endpoints.len(), 1000);
    }
    for (i, endpoint) in endpoints.iter().enumerate() {
        let at = path.index(i);
        addresses(errors, endpoint, kind, &at.child("addresses"));
        if let Some(node) = get(endpoint, "nodeName").and_then(Value::as_str) {
            errors.invalid_each(&at.child("nodeName"), node, names::dns1123_subdomain(node));
        }
        if let Some(host) = get(endpoint, "hostname").and_then(Value::as_str) {
            errors.invalid_each(&at.child("hostname"), host, names::dns1123_label(host));
        }
        if let Some(given) = get(endpoint, "hints") {
            hints(errors, given, &at.child("hints"));
        }
    }
}

fn addresses(errors: &mut Errors, endpoint: &Value, kind: &str, path: &At<'_>) {
    let count = list(endpoint, "addresses").len();
    if count == 0 {
        errors.required(path, "must contain at least 1 address");
    } else if count > 100 {
        errors.too_many(path, count, 100);
    }
    for (i, address) in texts(endpoint, "addresses").enumerate() {
        let at = path.index(i);
        let wrong = match kind {
            "IPv4" => ip::legacy_ip(address),
            "IPv6" => ip::strict_ip(address),
            "FQDN" => {
                full_domain(errors, address, &at);
                continue;
            }
            _ => continue,
        };
        let (well_formed, parsed) = (wrong.is_empty(), ip::parse(address));
        errors.invalid_each(&at, address, wrong);
        let Some(parsed) = parsed.filter(|_| well_formed) else { continue };
        if (kind == "IPv4") != parsed.is_ipv4() {
            errors.invalid(path, address, &format!("must be an {kind} address"));
        }
        endpoint_ip(errors, address, parsed, &at);
    }
}

/// upstream: ValidateEndpointIP
pub(super) fn endpoint_ip(errors: &mut Errors, given: &str, address: IpAddr, at: &At<'_>) {
    let (link_local, multicast) = match address {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(v6) => (v6.segments()[0] & 0xffc0 == 0xfe80, v6.segments()[0] & 0xff0f == 0xff02),
    };
    if address.is_unspecified() {
        errors.invalid(at, given, &format!("may not be unspecified ({given})"));
    }
    if address.is_loopback() {
        errors.invalid(at, given, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    if link_local {
        errors.invalid(at, given, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if multicast {
        errors.invalid(at, given, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
}

/// upstream: IsFullyQualifiedDomainName
fn full_domain(errors: &mut Errors, given: &str, at: &At<'_>) {
    if given.is_empty() {
        return errors.required(at, "");
    }
    let name = given.strip_suffix('.').unwrap_or(given);
    let wrong = names::dns1123_subdomain(name);
    if !wrong.is_empty() {
        return errors.invalid(at, name, &wrong.join(","));
    }
    if !name.contains('.') {
        return errors.invalid(at, name, "should be a domain with at least two segments separated by dots");
    }
    for label in name.split('.') {
        let wrong = names::dns1123_label(label);
        if !wrong.is_empty() {
            return errors.invalid(at, label, &wrong.join(","));
        }
    }
}

/// upstream: validateHints
fn hints(errors: &mut Errors, hints: &Value, path: &At<'_>) {
    let rules: [(&str, fn(&str) -> Vec<String>); 2] = [("forZones", names::label_value), ("forNodes", names::dns1123_subdomain)];
    for (field, check) in rules {
        let given = list(hints, field);
        if given.len() > 8 {
            return errors.too_many(&path.child(field), given.len(), 8);
        }
        let mut seen = BTreeSet::new();
        for (i, hint) in given.iter().enumerate() {
            let at = path.item(field, i);
            let at = at.child("name");
            let name = text(hint, "name");
            if !seen.insert(name) {
                errors.duplicate(&at, name);
            }
            errors.invalid_each(&at, name, check(name));
        }
    }
}
