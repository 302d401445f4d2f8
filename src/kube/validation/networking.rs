//! Network policies, ingresses and addresses. upstream: pkg/apis/networking/validation

use serde_json::Value;

use super::super::field::At;
use super::super::ip;
use super::super::names;
use super::Raw;
use super::{Errors, get, int, list, map, meta, text, texts, update};

const NOTHING: &Value = &Value::Null;

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, _version: &str, kind: &str, object: &Value) {
    let spec = get(object, "spec").unwrap_or(NOTHING);
    match kind {
        "NetworkPolicy" => {
            meta::object_meta(errors, object, names::dns1123_subdomain);
            network_policy(errors, spec, &PolicyOptions::default());
        }
        "Ingress" => {
            meta::object_meta(errors, object, names::dns1123_subdomain);
            ingress_spec(errors, spec, &IngressOptions::default());
            class_annotation(errors, object, spec);
        }
        "IngressClass" => ingress_class(errors, object),
        "IPAddress" => {
            meta::object_meta(errors, object, ip::strict_ip);
            parent_reference(errors, spec);
        }
        "ServiceCIDR" => {
            meta::object_meta(errors, object, names::dns1123_subdomain);
            service_cidrs(errors, spec);
        }
        _ => {}
    }
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, _version: &str, kind: &str, object: &Value, old: &Value) {
    let spec = get(object, "spec").unwrap_or(NOTHING);
    let old_spec = get(old, "spec").unwrap_or(NOTHING);
    match kind {
        "NetworkPolicy" => network_policy(errors, spec, &policy_options(old_spec)),
        "Ingress" => {
            meta::object_meta(errors, object, names::dns1123_subdomain);
            ingress_spec(errors, spec, &ingress_options(old_spec));
        }
        "IngressClass" => {
            errors.immutable(&At::new("spec.controller"), text(spec, "controller"), text(old_spec, "controller"));
            ingress_class(errors, object);
        }
        "IPAddress" => {
            parent_reference(errors, spec);
            let (new, old) = (get(spec, "parentRef"), get(old_spec, "parentRef"));
            errors.immutable_as(&At::new("spec.parentRef"), new, old, "*networking.ParentReference");
        }
        "ServiceCIDR" => service_cidrs_update(errors, spec, old_spec),
        _ => {}
    }
}

#[derive(Default)]
struct PolicyOptions<'a> {
    any_label_value: bool,
    known_blocks: Vec<&'a str>,
}

fn policy_options(old: &Value) -> PolicyOptions<'_> {
    let peers = [("ingress", "from"), ("egress", "to")];
    let blocks = peers.iter().flat_map(|(direction, peers)| list(old, direction).iter().flat_map(|rule| list(rule, peers)));
    let known_blocks = blocks
        .filter_map(|peer| get(peer, "ipBlock"))
        .flat_map(|block| std::iter::once(text(block, "cidr")).chain(texts(block, "except")))
        .collect();
    PolicyOptions { any_label_value: meta::malformed(get(old, "podSelector").unwrap_or(NOTHING)), known_blocks }
}

/// upstream: ValidateNetworkPolicySpec
fn network_policy(errors: &mut Errors, spec: &Value, options: &PolicyOptions<'_>) {
    let path = At::new("spec");
    if let Some(selector) = get(spec, "podSelector") {
        update::selector_with(errors, selector, options.any_label_value, &path.child("podSelector"));
    }
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (i, rule) in list(spec, direction).iter().enumerate() {
            let at = path.item(direction, i);
            for (j, port) in list(rule, "ports").iter().enumerate() {
                policy_port(errors, port, &at.item("ports", j));
            }
            for (j, peer) in list(rule, peers).iter().enumerate() {
                policy_peer(errors, peer, options, &at.item(peers, j));
            }
        }
    }
    let types = list(spec, "policyTypes");
    let at = path.child("policyTypes");
    if types.len() > 2 {
        return errors.invalid(&at, &Value::Array(types.to_vec()), "may not specify more than two policyTypes");
    }
    for (i, kind) in types.iter().filter_map(Value::as_str).enumerate() {
        if !["Ingress", "Egress"].contains(&kind) {
            errors.unsupported(&at.index(i), kind, &["Ingress", "Egress"]);
        }
    }
}

/// upstream: ValidateNetworkPolicyPort
fn policy_port(errors: &mut Errors, port: &Value, path: &At<'_>) {
    let protocol = get(port, "protocol").and_then(Value::as_str).unwrap_or("TCP");
    if !["TCP", "UDP", "SCTP"].contains(&protocol) {
        errors.unsupported(&path.child("protocol"), protocol, &["TCP", "UDP", "SCTP"]);
    }
    let end = int(port, "endPort");
    let (at, end_at) = (path.child("port"), path.child("endPort"));
    match get(port, "port") {
        Some(Value::String(name)) => {
            if let Some(end) = end {
                errors.invalid(&end_at, end, "may not be specified when `port` is non-numeric");
            }
            errors.invalid_each(&at, name, names::port_name(name));
        }
        Some(number) => {
            let number = number.as_i64().unwrap_or(0);
            errors.invalid_each(&at, number, names::port_number(number));
            if let Some(end) = end {
                if end < number {
                    errors.invalid(&end_at, number, "must be greater than or equal to `port`");
                }
                errors.invalid_each(&end_at, end, names::port_number(end));
            }
        }
        None => {
            if let Some(end) = end {
                errors.invalid(&end_at, end, "may not be specified when `port` is not specified");
            }
        }
    }
}

/// upstream: ValidateNetworkPolicyPeer
fn policy_peer(errors: &mut Errors, peer: &Value, options: &PolicyOptions<'_>, path: &At<'_>) {
    let mut count = 0;
    for field in ["podSelector", "namespaceSelector"] {
        if let Some(selector) = get(peer, field) {
            count += 1;
            update::selector_with(errors, selector, options.any_label_value, &path.child(field));
        }
    }
    let block = get(peer, "ipBlock");
    if let Some(block) = block {
        count += 1;
        ip_block(errors, block, options, &path.child("ipBlock"));
    }
    if count == 0 {
        errors.required(path, "must specify a peer");
    } else if count > 1 && block.is_some() {
        errors.forbidden(path, "may not specify both ipBlock and another peer");
    }
}

/// upstream: ValidateIPBlock
fn ip_block(errors: &mut Errors, block: &Value, options: &PolicyOptions<'_>, path: &At<'_>) {
    let cidr = text(block, "cidr");
    let at = path.child("cidr");
    if cidr.is_empty() {
        return errors.required(&at, "");
    }
    let wrong = |text: &str| if options.known_blocks.contains(&text) { Vec::new() } else { ip::legacy_cidr(text) };
    errors.invalid_each(&at, cidr, wrong(cidr));
    let Some(outer) = ip::parse_cidr(cidr) else { return };
    for (i, except) in texts(block, "except").enumerate() {
        let at = path.item("except", i);
        errors.invalid_each(&at, except, wrong(except));
        if let Some(inner) = ip::parse_cidr(except)
            && (!outer.contains(inner.network()) || outer.prefix >= inner.prefix)
        {
            errors.invalid(&at, except, "must be a strict subset of `cidr`");
        }
    }
}

#[derive(Default)]
struct IngressOptions {
    any_secret_name: bool,
    any_rule_of_wildcard: bool,
}

fn ingress_options(old: &Value) -> IngressOptions {
    let secret = |tls: &Value| !text(tls, "secretName").is_empty() && !names::dns1123_subdomain(text(tls, "secretName")).is_empty();
    let rule = |rule: &Value| {
        let mut errors = Errors::default();
        ingress_rule(&mut errors, rule, &At::root());
        text(rule, "host").contains('*') && !errors.0.is_empty()
    };
    IngressOptions { any_secret_name: list(old, "tls").iter().any(secret), any_rule_of_wildcard: list(old, "rules").iter().any(rule) }
}

fn class_annotation(errors: &mut Errors, object: &Value, spec: &Value) {
    let key = "kubernetes.io/ingress.class";
    let annotation = map(get(object, "metadata").unwrap_or(NOTHING), "annotations").and_then(|m| m.get(key)).and_then(Value::as_str);
    if let (Some(annotation), Some(class)) = (annotation, get(spec, "ingressClassName").and_then(Value::as_str))
        && annotation != class
    {
        errors.invalid(&At::new("annotations").child(key), annotation, "must match `ingressClassName` when both are specified");
    }
}

/// upstream: ValidateIngressSpec
fn ingress_spec(errors: &mut Errors, spec: &Value, options: &IngressOptions) {
    let path = At::new("spec");
    let rules = list(spec, "rules");
    let default = get(spec, "defaultBackend");
    if rules.is_empty() && default.is_none() {
        errors.invalid(&path, get(spec, "rules").unwrap_or(NOTHING), "either `defaultBackend` or `rules` must be specified");
    }
    if let Some(backend) = default {
        ingress_backend(errors, backend, &path.child("defaultBackend"));
    }
    for (i, rule) in rules.iter().enumerate() {
        let at = path.item("rules", i);
        let host = text(rule, "host");
        if !host.is_empty() {
            let host_at = at.child("host");
            if ip::parse(host).is_some() {
                errors.invalid(&host_at, host, "must be a DNS name, not an IP address");
            }
            ingress_host(errors, host, &host_at);
        }
        if !(host.contains('*') && options.any_rule_of_wildcard) {
            ingress_rule(errors, rule, &at);
        }
    }
    for (i, tls) in list(spec, "tls").iter().enumerate() {
        let at = path.item("tls", i);
        for (j, host) in texts(tls, "hosts").enumerate() {
            ingress_host(errors, host, &at.item("hosts", j));
        }
        let secret = text(tls, "secretName");
        if !secret.is_empty() && !options.any_secret_name {
            errors.invalid_each(&at.child("secretName"), secret, names::dns1123_subdomain(secret));
        }
    }
    if let Some(class) = get(spec, "ingressClassName").and_then(Value::as_str) {
        errors.invalid_each(&path.child("ingressClassName"), class, names::dns1123_subdomain(class));
    }
}

fn ingress_host(errors: &mut Errors, host: &str, path: &At<'_>) {
    let wrong = if host.contains('*') { names::wildcard_subdomain(host) } else { names::dns1123_subdomain(host) };
    errors.invalid_each(path, host, wrong);
}

/// upstream: validateHTTPIngressRuleValue
fn ingress_rule(errors: &mut Errors, rule: &Value, path: &At<'_>) {
    let Some(http) = get(rule, "http") else { return };
    let at = path.child("http.paths");
    let paths = list(http, "paths");
    if paths.is_empty() {
        errors.required(&at, "");
    }
    for (i, entry) in paths.iter().enumerate() {
        ingress_path(errors, entry, &at.index(i));
    }
}

/// upstream: validateHTTPIngressPath
fn ingress_path(errors: &mut Errors, entry: &Value, path: &At<'_>) {
    let value = text(entry, "path");
    let at = path.child("path");
    match get(entry, "pathType").and_then(Value::as_str) {
        None => return errors.required(&path.child("pathType"), "pathType must be specified"),
        Some("Exact" | "Prefix") => {
            if !value.starts_with('/') {
                errors.invalid(&at, value, "must be an absolute path");
            }
            for bad in ["//", "/./", "/../", "%2f", "%2F"].iter().filter(|bad| value.contains(**bad)) {
                errors.invalid(&at, value, &format!("must not contain '{bad}'"));
            }
            for bad in ["/..", "/."].iter().filter(|bad| value.ends_with(**bad)) {
                errors.invalid(&at, value, &format!("cannot end with '{bad}'"));
            }
        }
        Some("ImplementationSpecific") => {
            if !value.is_empty() && !value.starts_with('/') {
                errors.invalid(&at, value, "must be an absolute path");
            }
        }
        Some(other) => errors.unsupported(&path.child("pathType"), other, &["Exact", "ImplementationSpecific", "Prefix"]),
    }
    ingress_backend(errors, get(entry, "backend").unwrap_or(NOTHING), &path.child("backend"));
}

/// upstream: validateIngressBackend
fn ingress_backend(errors: &mut Errors, backend: &Value, path: &At<'_>) {
    match (get(backend, "resource"), get(backend, "service")) {
        (Some(_), Some(_)) => errors.invalid(path, "", "cannot set both resource and service backends"),
        (Some(resource), None) => typed_reference(errors, resource, &path.child("resource")),
        (None, Some(service)) => {
            let at = path.child("service");
            let name = text(service, "name");
            if name.is_empty() {
                errors.required(&at.child("name"), "");
            } else {
                errors.invalid_each(&at.child("name"), name, names::dns1123_label(name));
            }
            let port = get(service, "port").unwrap_or(NOTHING);
            match (text(port, "name"), int(port, "number").unwrap_or(0)) {
                ("", 0) => errors.required(path, "port name or number is required"),
                ("", number) => errors.invalid_each(&at.child("port.number"), number, names::port_number(number)),
                (name, 0) => errors.invalid_each(&at.child("port.name"), name, names::port_name(name)),
                _ => errors.invalid(path, "", "cannot set both port name & port number"),
            }
        }
        (None, None) => errors.invalid(path, "", "resource or service backend is required"),
    }
}

/// upstream: validateIngressTypedLocalObjectReference
fn typed_reference(errors: &mut Errors, reference: &Value, path: &At<'_>) {
    if let Some(group) = get(reference, "apiGroup").and_then(Value::as_str) {
        errors.invalid_each(&path.child("apiGroup"), group, names::dns1123_subdomain(group));
    }
    for field in ["kind", "name"] {
        required_segment(errors, text(reference, field), &path.child(field));
    }
}

fn required_segment(errors: &mut Errors, value: &str, path: &At<'_>) {
    if value.is_empty() {
        errors.required(path, "");
    } else {
        errors.invalid_each(path, value, names::path_segment(value));
    }
}

/// upstream: ValidateIngressClass
fn ingress_class(errors: &mut Errors, object: &Value) {
    meta::object_meta(errors, object, names::dns1123_subdomain);
    let spec = get(object, "spec").unwrap_or(NOTHING);
    let path = At::new("spec");
    let controller = text(spec, "controller");
    let at = path.child("controller");
    if controller.len() > 250 {
        errors.too_long(&at, 250);
    }
    domain_prefixed_path(errors, controller, &at);
    let Some(parameters) = get(spec, "parameters") else { return };
    let path = path.child("parameters");
    typed_reference(errors, parameters, &path);
    let namespace = get(parameters, "namespace").and_then(Value::as_str);
    let at = path.child("namespace");
    match get(parameters, "scope").and_then(Value::as_str) {
        None => errors.required(&path.child("scope"), ""),
        Some("Namespace") => match namespace {
            None => errors.required(&at, "`parameters.scope` is set to 'Namespace'"),
            Some(namespace) => errors.invalid_each(&at, namespace, names::dns1123_label(namespace)),
        },
        Some("Cluster") => {
            if namespace.is_some() {
                errors.forbidden(&at, "`parameters.scope` is set to 'Cluster'");
            }
        }
        Some(other) => errors.unsupported(&path.child("scope"), other, &["Cluster", "Namespace"]),
    }
}

/// upstream: IsDomainPrefixedPath
fn domain_prefixed_path(errors: &mut Errors, value: &str, path: &At<'_>) {
    if value.is_empty() {
        return errors.required(path, "");
    }
    match value.split_once('/') {
        Some((host, rest)) if !host.is_empty() && !rest.is_empty() => {
            errors.invalid_each(path, host, names::dns1123_subdomain(host));
            if !rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&b)) {
                errors.invalid(path, rest, r"Invalid path (regex used for validation is '[A-Za-z0-9/\-._~%!$&'()*+,;=:]+')");
            }
        }
        _ => errors.invalid(path, value, "must be a domain-prefixed path (such as \"acme.io/foo\")"),
    }
}

/// upstream: validateIPAddressParentReference
fn parent_reference(errors: &mut Errors, spec: &Value) {
    let path = At::new("spec.parentRef");
    let Some(parent) = get(spec, "parentRef") else { return errors.required(&path, "") };
    let group = text(parent, "group");
    if !group.is_empty() {
        errors.invalid_each(&path.child("group"), group, names::dns1123_subdomain(group));
    }
    for field in ["resource", "name"] {
        required_segment(errors, text(parent, field), &path.child(field));
    }
    let namespace = text(parent, "namespace");
    if !namespace.is_empty() {
        errors.invalid_each(&path.child("namespace"), namespace, names::path_segment(namespace));
    }
}

/// upstream: validateServiceCIDRSpec
fn service_cidrs(errors: &mut Errors, spec: &Value) {
    let path = At::new("spec.cidrs");
    let cidrs: Vec<&str> = texts(spec, "cidrs").collect();
    match cidrs.len() {
        0 => return errors.required(&path, "at least one CIDR required"),
        1 | 2 => {}
        _ => {
            let shown = Value::Array(list(spec, "cidrs").to_vec());
            return errors.invalid(&path, Raw(format!("{{\"CIDRs\":{shown}}}")), "may only hold up to 2 values");
        }
    }
    for (i, cidr) in cidrs.iter().enumerate() {
        errors.invalid_each(&path.index(i), *cidr, ip::strict_cidr(cidr));
    }
    if let [a, b] = cidrs.as_slice()
        && let (Some(a), Some(b)) = (ip::parse_cidr(a), ip::parse_cidr(b))
        && a.address.is_ipv4() == b.address.is_ipv4()
    {
        let shown = Value::Array(list(spec, "cidrs").to_vec());
        let detail = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        errors.invalid(&path, &shown, detail);
    }
}

/// upstream: ValidateServiceCIDRUpdate
fn service_cidrs_update(errors: &mut Errors, spec: &Value, old: &Value) {
    let path = At::new("spec.cidrs");
    let new: Vec<&str> = texts(spec, "cidrs").collect();
    let old: Vec<&str> = texts(old, "cidrs").collect();
    if new.len() == old.len() {
        for (i, (new, old)) in new.iter().zip(&old).enumerate() {
            errors.immutable(&path.index(i), *new, *old);
        }
    } else if old.len() == 1 && new.len() == 2 {
        errors.immutable(&path.index(0), new[0], old[0]);
        service_cidrs(errors, spec);
    } else {
        errors.invalid(&path, get(spec, "cidrs").unwrap_or(NOTHING), update::IMMUTABLE);
    }
}
