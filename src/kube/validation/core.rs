//! The core group, pods and services aside. upstream: pkg/apis/core/validation

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field::At;
use super::super::ip;
use super::super::names;
use super::super::quantity::Quantity;
use super::container::protocol;
use super::placement::{taints, typed};
use super::pod;
use super::resources::{self, amount, amount_of_resource, is_standard_quota, may_overcommit, quota_resource_name};
use super::service;
use super::{Errors, Raw, claim, entries, get, int, json, list, meta, part, text, texts};

const MAX_SIZE: usize = 1024 * 1024;

pub(super) fn create(errors: &mut Errors, _: &str, kind: &str, object: &Value) {
    let named = |errors: &mut Errors| meta::object_meta(errors, object, names::dns1123_subdomain);
    let spec = part(object, "spec");
    match kind {
        "Pod" => pod::pod(errors, object),
        "PodTemplate" => {
            named(errors);
            pod::template(errors, part(object, "template"), &At::new("template"));
        }
        "ReplicationController" => {
            meta::object_meta(errors, object, |name| {
                names::dns1123_subdomain(name).into_iter().map(|m| m.replace("253 characters", "253 bytes")).collect()
            });
            replication_controller(errors, spec, &At::new("spec"));
        }
        "Service" => service::create(errors, object),
        "ConfigMap" => {
            named(errors);
            config_map(errors, object);
        }
        "Secret" => {
            named(errors);
            secret(errors, object);
        }
        "PersistentVolume" => {
            named(errors);
            claim::volume_spec(errors, spec, text(part(object, "metadata"), "name"), false, &At::new("spec"));
        }
        "PersistentVolumeClaim" => {
            named(errors);
            claim::claim_spec(errors, spec, &At::new("spec"));
        }
        "Namespace" => namespace(errors, object),
        "Node" => {
            named(errors);
            node(errors, object);
        }
        "LimitRange" => {
            named(errors);
            for (i, limit) in list(spec, "limits").iter().enumerate() {
                self::limit(errors, limit, &list(spec, "limits")[..i], &At::new("spec").item("limits", i));
            }
        }
        "ResourceQuota" => {
            named(errors);
            quota(errors, spec, &At::new("spec"));
        }
        "Endpoints" => {
            named(errors);
            for (i, subset) in list(object, "subsets").iter().enumerate() {
                endpoint_subset(errors, subset, &At::new("subsets").index(i));
            }
        }
        "ServiceAccount" => named(errors),
        _ => {}
    }
}

pub(super) fn update(_: &mut Errors, _: &str, _: &str, _: &Value, _: &Value) {}

/// upstream: ValidateReplicationControllerSpec
fn replication_controller(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    errors.nonnegative(&at.child("minReadySeconds"), int(spec, "minReadySeconds").unwrap_or(0));
    if entries(spec, "selector").next().is_none() {
        errors.required(&at.child("selector"), "");
    }
    errors.nonnegative(&at.child("replicas"), int(spec, "replicas").unwrap_or(0));
    let Some(template) = get(spec, "template") else {
        return errors.required(&at.child("template"), "");
    };
    let at = at.child("template");
    let labels = meta::labels_of(template);
    if !entries(spec, "selector").all(|(k, v)| labels.iter().any(|(lk, lv)| *lk == k && Some(*lv) == v.as_str())) {
        let detail = "`selector` does not match template `labels`";
        errors.invalid(&at.child("metadata.labels"), part(part(template, "metadata"), "labels"), detail);
    }
    pod::template(errors, template, &at);
    always_restarts(errors, template, &at, "ReplicationController");
}

/// What controllers of endless pods ask of their template.
pub(super) fn always_restarts(errors: &mut Errors, template: &Value, at: &At<'_>, kind: &str) {
    let spec = part(template, "spec");
    let policy = text(spec, "restartPolicy");
    if policy != "Always" {
        errors.unsupported_json(&at.child("spec.restartPolicy"), policy, &["Always"]);
    }
    if get(spec, "activeDeadlineSeconds").is_some() {
        errors.forbidden(&at.child("spec.activeDeadlineSeconds"), &format!("activeDeadlineSeconds in {kind} is not Supported"));
    }
}

/// The length of what a base64 text holds.
fn decoded_len(text: &str) -> usize {
    let digits = text.bytes().filter(|b| !matches!(b, b'=' | b'\r' | b'\n')).count();
    digits * 3 / 4
}

/// upstream: ValidateConfigMap
fn config_map(errors: &mut Errors, object: &Value) {
    let mut size = 0;
    for (key, value) in entries(object, "data") {
        let at = At::new("data");
        let at = at.key(key);
        errors.invalid_text(&at, key, names::config_key(key));
        if get(object, "binaryData").is_some_and(|b| b.get(key).is_some()) {
            errors.invalid(&at, key, "duplicate of key present in binaryData");
        }
        size += value.as_str().map_or(0, str::len);
    }
    for (key, value) in entries(object, "binaryData") {
        errors.invalid_text(&At::new("binaryData").key(key), key, names::config_key(key));
        size += value.as_str().map_or(0, decoded_len);
    }
    if size > MAX_SIZE {
        errors.too_long(&At::root(), MAX_SIZE);
    }
}

/// upstream: ValidateSecret
fn secret(errors: &mut Errors, object: &Value) {
    let at = At::new("data");
    let mut size = 0;
    for (key, value) in entries(object, "data") {
        errors.invalid_text(&at.key(key), key, names::config_key(key));
        size += value.as_str().map_or(0, decoded_len);
    }
    if size > MAX_SIZE {
        errors.too_long(&at, MAX_SIZE);
    }
    let data = |key: &str| get(object, "data").and_then(|d| d.get(key));
    match text(object, "type") {
        "kubernetes.io/service-account-token" => {
            let annotation = "kubernetes.io/service-account.name";
            if text(part(part(object, "metadata"), "annotations"), annotation).is_empty() {
                errors.required(&At::new("metadata.annotations").key(annotation), "");
            }
        }
        kind @ ("kubernetes.io/dockercfg" | "kubernetes.io/dockerconfigjson") => {
            let key = if kind == "kubernetes.io/dockercfg" { ".dockercfg" } else { ".dockerconfigjson" };
            match data(key) {
                None => errors.required(&at.key(key), ""),
                Some(value) => {
                    if let Err(why) = docker_config(value.as_str().unwrap_or("")) {
                        errors.invalid(&at.key(key), "<secret contents redacted>", &why);
                    }
                }
            }
        }
        "kubernetes.io/basic-auth" if data("username").is_none() && data("password").is_none() => {
            errors.required(&at.key("username"), "");
            errors.required(&at.key("password"), "");
        }
        "kubernetes.io/ssh-auth" if data("ssh-privatekey").is_none_or(|v| v == "") => errors.required(&at.key("ssh-privatekey"), ""),
        "kubernetes.io/tls" => {
            for key in ["tls.crt", "tls.key"] {
                if data(key).is_none() {
                    errors.required(&at.key(key), "");
                }
            }
        }
        _ => {}
    }
}

/// Whether a base64 text holds a JSON object; the error is Go's sentence.
fn docker_config(text: &str) -> Result<(), String> {
    let plain: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = data_encoding::BASE64.decode(plain.as_bytes()).unwrap_or_default();
    match crate::value::json::from_json(&bytes) {
        Err(why) => Err(why),
        Ok(value) => {
            use crate::value::Kind;
            let what = match &value.kind {
                Kind::Map(_) | Kind::Nil => return Ok(()),
                Kind::List(_) => "array",
                Kind::Str(_) => "string",
                Kind::Bool(_) => "bool",
                _ => "number",
            };
            Err(format!("json: cannot unmarshal {what} into Go value of type map[string]interface {{}}"))
        }
    }
}

/// upstream: ValidateNamespace
fn namespace(errors: &mut Errors, object: &Value) {
    meta::object_meta(errors, object, names::dns1123_label);
    let at = At::new("spec.finalizers");
    for finalizer in texts(part(object, "spec"), "finalizers") {
        errors.invalid_text(&at, finalizer, names::qualified_name(finalizer));
        meta::kube_finalizer(errors, finalizer, &at);
    }
    if errors.0.is_empty() {
        pod_security_labels(errors, part(part(object, "metadata"), "labels"));
    }
}

/// What the Pod Security admission asks of a namespace. upstream: pod-security-admission/api/helpers.go
fn pod_security_labels(errors: &mut Errors, labels: &Value) {
    let at = At::new("metadata.labels");
    for mode in ["enforce", "audit", "warn"] {
        let key = format!("pod-security.kubernetes.io/{mode}");
        if let Some(level) = get(labels, &key).and_then(Value::as_str)
            && !["privileged", "baseline", "restricted"].contains(&level)
        {
            errors.invalid(&at.key(&key), level, "must be one of privileged, baseline, restricted");
        }
        let key = format!("{key}-version");
        if let Some(version) = get(labels, &key).and_then(Value::as_str) {
            let minor = version.strip_prefix("v1.").unwrap_or("");
            let numbered = minor == "0" || !minor.is_empty() && !minor.starts_with('0') && minor.bytes().all(|b| b.is_ascii_digit());
            if version != "latest" && !numbered {
                errors.invalid(&at.key(&key), version, "must be \"latest\" or \"v1.x\"");
            }
        }
    }
}

/// upstream: ValidateNode
fn node(errors: &mut Errors, object: &Value) {
    let (spec, status) = (part(object, "spec"), part(object, "status"));
    let at = At::new("metadata");
    let annotation = text(part(part(object, "metadata"), "annotations"), "scheduler.alpha.kubernetes.io/taints");
    if let Ok(Value::Array(all)) = serde_json::from_str::<Value>(annotation) {
        taints(errors, &all, &At::new("metadata.annotations"));
    }
    taints(errors, list(spec, "taints"), &at.child("taints"));
    for key in ["capacity", "allocatable"] {
        for (name, value) in entries(status, key) {
            amount_of_resource(errors, name, value, &At::new("status").child(key).child(name));
        }
    }
    if let Some(capacity) = get(part(part(status, "nodeInfo"), "swap"), "capacity").and_then(Value::as_i64)
        && capacity <= 0
    {
        errors.invalid(&at.child("nodeSwapStatus.capacity"), capacity, "must be greater than zero");
    }
    declared_features(errors, status);
    let at = At::new("spec.podCIDRs");
    let blocks: Vec<&str> = texts(spec, "podCIDRs").collect();
    for (i, block) in blocks.iter().enumerate() {
        errors.invalid_text(&at.index(i), block, ip::legacy_cidr(block));
    }
    if blocks.len() > 1 {
        let bad = blocks.iter().enumerate().find(|(_, b)| ip::parse_cidr(b).is_none());
        if let Some((i, block)) = bad {
            let why = format!("invalid CIDR[{i}]: <nil> (invalid CIDR address: {block})");
            errors.add("InternalError", &at, format!("Internal error: invalid PodCIDRs. failed to check with dual stack with error:{why}"));
        }
        let families: BTreeSet<bool> = blocks.iter().map(|b| b.contains(':')).collect();
        if bad.is_some() || families.len() < 2 || blocks.len() > 2 {
            errors.invalid(&at, part(spec, "podCIDRs"), "may specify no more than one CIDR for each IP family");
        }
    }
}

/// upstream: validateNodeDeclaredFeatures
fn declared_features(errors: &mut Errors, status: &Value) {
    let at = At::new("status.declaredFeatures");
    let all: Vec<&str> = texts(status, "declaredFeatures").collect();
    for (i, feature) in all.iter().enumerate() {
        let segments: Vec<&str> = feature.split('/').collect();
        let shaped =
            segments.iter().all(|s| s.starts_with(|c: char| c.is_ascii_alphabetic()) && s.chars().all(|c| c.is_ascii_alphanumeric()))
                && segments[0].starts_with(|c: char| c.is_ascii_uppercase());
        let shown = super::quote(feature);
        if feature.len() > 253 {
            errors.invalid(&at.index(i), *feature, &format!("invalid feature name {shown}: must be no more than 253 characters"));
        } else if !shaped {
            let rule = "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes";
            errors.invalid(&at.index(i), *feature, &format!("invalid feature name {shown}: {rule}"));
        }
        match all.get(i + 1) {
            Some(next) if next == feature => errors.duplicate(&at.index(i + 1), *next),
            Some(next) if next < feature => errors.invalid(&at.index(i + 1), *next, "list must be sorted alphabetically"),
            _ => {}
        }
    }
}

/// upstream: ValidateLimitRange
fn limit(errors: &mut Errors, limit: &Value, before: &[Value], at: &At<'_>) {
    let kind = text(limit, "type");
    let wrong = names::qualified_name(kind);
    if !wrong.is_empty() {
        for message in wrong {
            errors.invalid(&at.child("type"), typed(kind), &message);
        }
    } else if !kind.contains('/') && !["Pod", "Container", "PersistentVolumeClaim"].contains(&kind) {
        errors.invalid(&at.child("type"), kind, "must be a standard limit type or fully qualified");
    }
    if before.iter().any(|l| text(l, "type") == kind) {
        errors.duplicate(&at.child("type"), kind);
    }
    let mut keys = BTreeSet::new();
    for list in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
        if kind == "Pod" && list.starts_with("default") {
            if entries(limit, list).next().is_some() {
                errors.forbidden(&at.child(list), "may not be specified when `type` is 'Pod'");
            }
            continue;
        }
        for (name, _) in entries(limit, list) {
            if matches!(kind, "Pod" | "Container") {
                resources::container_resource_name(errors, name, &at.entry(list, name));
            } else {
                resources::resource_name(errors, name, &at.entry(list, name));
            }
            keys.insert(name);
        }
    }
    let has = |list: &str, name: &str| get(limit, list).and_then(|l| l.get(name)).is_some();
    if kind == "PersistentVolumeClaim" && !has("min", "storage") && !has("max", "storage") {
        let detail = "either minimum or maximum storage value is required, but neither was provided";
        errors.required(&at.child("limits"), detail);
    }
    for name in keys {
        limit_of_resource(errors, limit, kind, name, at);
    }
}

fn limit_of_resource(errors: &mut Errors, limit: &Value, kind: &str, name: &str, at: &At<'_>) {
    let of = |list: &str| {
        let skipped = kind == "Pod" && list.starts_with("default");
        get(limit, list).filter(|_| !skipped).and_then(|l| l.get(name)).map(|v| (v.as_str().unwrap_or("0"), amount(v)))
    };
    let (min, max, default, request, ratio) = (of("min"), of("max"), of("default"), of("defaultRequest"), of("maxLimitRequestRatio"));
    let mut above = |a: Option<(&str, Quantity)>, b: Option<(&str, Quantity)>, place: &str, shown: usize, words: [&str; 2]| {
        if let (Some((at_text, a)), Some((bt_text, b))) = (a, b)
            && a > b
        {
            let detail = format!("{} {at_text} is greater than {} {bt_text}", words[0], words[1]);
            errors.invalid(&at.entry(place, name), [at_text, bt_text][shown], &detail);
        }
    };
    above(min, max, "min", 0, ["min value", "max value"]);
    above(min, request, "defaultRequest", 1, ["min value", "default request value"]);
    above(request, max, "defaultRequest", 0, ["default request value", "max value"]);
    above(request, default, "defaultRequest", 0, ["default request value", "default limit value"]);
    above(min, default, "default", 0, ["min value", "default value"]);
    above(default, max, "default", 1, ["default value", "max value"]);
    if let Some((shown, ratio)) = ratio {
        let at = at.entry("maxLimitRequestRatio", name);
        if ratio.nanos < 1_000_000_000 {
            errors.invalid(&at, shown, &format!("ratio {shown} is less than 1"));
        }
        if let (Some((_, min)), Some((_, max))) = (min, max) {
            const MAX_MILLI: i64 = i64::MAX / 1000;
            let (mut wanted, mut low, mut high) = (ratio.value() as f64, min.value(), max.value());
            if ratio.value() < MAX_MILLI && low < MAX_MILLI && high < MAX_MILLI {
                (wanted, low, high) = (ratio.milli_value() as f64 / 1000.0, min.milli_value(), max.milli_value());
            }
            let limit = high as f64 / low as f64;
            if wanted > limit {
                let limit = if limit.is_infinite() { "+Inf".to_owned() } else { format!("{limit:.6}") };
                errors.invalid(&at, shown, &format!("ratio {shown} is greater than max/min = {limit}"));
            }
        }
    }
    if let (Some((d, default)), Some((r, request))) = (default, request)
        && !may_overcommit(name)
        && default != request
    {
        let detail = format!("default value {d} must equal to defaultRequest value {r} in {name}");
        errors.invalid(&at.entry("defaultRequest", name), r, &detail);
    }
}

const SCOPES: &[&str] = &[
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "VolumeAttributesClass",
    "CrossNamespacePodAffinity",
];

/// upstream: IsResourceQuotaScopeValidForResource
fn scope_fits(scope: &str, resource: &str) -> bool {
    let compute = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
    match scope {
        "Terminating" | "NotTerminating" | "NotBestEffort" | "PriorityClass" | "CrossNamespacePodAffinity" => {
            resource == "pods" || compute.contains(&resource)
        }
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => matches!(resource, "persistentvolumeclaims" | "requests.storage"),
        _ => true,
    }
}

/// upstream: ValidateResourceQuotaSpec
fn quota(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    for (name, value) in entries(spec, "hard") {
        let at = at.entry("hard", name);
        quota_resource_name(errors, name, &at);
        amount_of_resource(errors, name, value, &at);
    }
    let misfits = |scope: &str| entries(spec, "hard").filter(|(k, _)| is_standard_quota(k) && !scope_fits(scope, k)).count();
    let conflicts = |scopes: &BTreeSet<&str>| {
        [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]].iter().filter(|p| p.iter().all(|s| scopes.contains(s))).count()
    };
    let scopes: BTreeSet<&str> = texts(spec, "scopes").collect();
    let place = at.child("scopes");
    for scope in texts(spec, "scopes") {
        if !SCOPES.contains(&scope) {
            errors.invalid(&place, part(spec, "scopes"), "unsupported scope");
        }
        for _ in 0..misfits(scope) {
            errors.invalid(&place, part(spec, "scopes"), "unsupported scope applied to resource");
        }
    }
    for _ in 0..conflicts(&scopes) {
        errors.invalid(&place, part(spec, "scopes"), "conflicting scopes");
    }
    let Some(selector) = get(spec, "scopeSelector") else { return };
    let at = at.child("scopeSelector.matchExpressions");
    let mut seen = BTreeSet::new();
    for requirement in list(selector, "matchExpressions") {
        let (scope, operator) = (text(requirement, "scopeName"), text(requirement, "operator"));
        if !SCOPES.contains(&scope) {
            errors.invalid(&at.child("scopeName"), scope, "unsupported scope");
        }
        for _ in 0..misfits(scope) {
            errors.invalid(&at, Raw(scope_selector_text(selector)), "unsupported scope applied to resource");
        }
        let exists_only = ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];
        if exists_only.contains(&scope) && operator != "Exists" {
            let detail = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
            errors.invalid(&at.child("operator"), operator, detail);
        }
        match operator {
            "In" | "NotIn" => {
                if list(requirement, "values").is_empty() {
                    let detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                    errors.required(&at.child("values"), detail);
                }
            }
            "Exists" | "DoesNotExist" => {
                if !list(requirement, "values").is_empty() {
                    let detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                    errors.invalid(&at.child("values"), part(requirement, "values"), detail);
                }
            }
            other => errors.invalid(&at.child("operator"), other, "not a valid selector operator"),
        }
        seen.insert(scope);
    }
    for _ in 0..conflicts(&seen) {
        errors.invalid(&at, part(spec, "scopes"), "conflicting scopes");
    }
}

fn scope_selector_text(selector: &Value) -> String {
    let requirement = |r: &Value| {
        let field = |key: &str| json(&text(r, key).into());
        format!("{{\"ScopeName\":{},\"Operator\":{},\"Values\":{}}}", field("scopeName"), field("operator"), json(part(r, "values")))
    };
    let all: Vec<String> = list(selector, "matchExpressions").iter().map(requirement).collect();
    format!("{{\"MatchExpressions\":[{}]}}", all.join(","))
}

/// upstream: validateEndpointSubsets
fn endpoint_subset(errors: &mut Errors, subset: &Value, at: &At<'_>) {
    let lists = ["addresses", "notReadyAddresses"];
    if lists.iter().all(|k| list(subset, k).is_empty()) {
        errors.required(at, "must specify `addresses` or `notReadyAddresses`");
    }
    for key in lists {
        for (i, address) in list(subset, key).iter().enumerate() {
            let at = at.item(key, i);
            let shown = text(address, "ip");
            errors.invalid_text(&at.child("ip"), shown, ip::legacy_ip(shown));
            let hostname = text(address, "hostname");
            if !hostname.is_empty() {
                errors.invalid_text(&at.child("hostname"), hostname, names::dns1123_label(hostname));
            }
            if let Some(node) = get(address, "nodeName").and_then(Value::as_str) {
                errors.invalid_text(&at.child("nodeName"), node, names::dns1123_subdomain(node));
            }
            endpoint_ip(errors, shown, &at.child("ip"));
        }
    }
    let ports = list(subset, "ports");
    for (i, port) in ports.iter().enumerate() {
        let at = at.item("ports", i);
        let name = text(port, "name");
        if !name.is_empty() {
            errors.invalid_text(&at.child("name"), name, names::dns1123_label(name));
        } else if ports.len() > 1 {
            errors.required(&at.child("name"), "");
        }
        let number = int(port, "port").unwrap_or(0);
        errors.invalid_number(&at.child("port"), number, names::port_number(number));
        protocol(errors, port, &at);
        if let Some(application) = get(port, "appProtocol").and_then(Value::as_str) {
            errors.invalid_text(&at.child("appProtocol"), application, names::qualified_name(application));
        }
    }
}

/// upstream: ValidateEndpointIP
pub(super) fn endpoint_ip(errors: &mut Errors, text: &str, at: &At<'_>) {
    use std::net::IpAddr;
    let Some(address) = ip::parse(text) else {
        return errors.invalid(at, text, "must be a valid IP address");
    };
    let address = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    if address.is_unspecified() {
        errors.invalid(at, text, &format!("may not be unspecified ({text})"));
    }
    if address.is_loopback() {
        errors.invalid(at, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    let (unicast, multicast) = match address {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(v6) => (v6.segments()[0] & 0xffc0 == 0xfe80, v6.segments()[0] & 0xff0f == 0xff02),
    };
    if unicast {
        errors.invalid(at, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if multicast {
        errors.invalid(at, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
}
