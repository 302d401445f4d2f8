//! Roles, network policies, claims, autoscalers and budgets.
//! upstream: pkg/apis/{rbac,networking,core,autoscaling,policy}/validation

use serde_json::Value;

use super::super::field::Path;
use super::super::names;
use super::super::quantity;
use super::{Errors, get, int, list, meta, pod, text};

const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// upstream: ValidateRole, ValidateClusterRole
pub(super) fn role(errors: &mut Errors, object: &Value, namespaced: bool) {
    for (i, rule) in list(object, "rules").iter().enumerate() {
        let at = Path::new("rules").index(i);
        if list(rule, "verbs").is_empty() {
            errors.required(&at.child("verbs"), "verbs must contain at least one value");
        }
        let (groups, resources) = (list(rule, "apiGroups"), list(rule, "resources"));
        let urls = list(rule, "nonResourceURLs");
        if !urls.is_empty() {
            let shown = Value::Array(urls.to_vec());
            let at = at.child("nonResourceURLs");
            if namespaced {
                errors.invalid(&at, &shown, "namespaced rules cannot apply to non-resource URLs");
            }
            if !groups.is_empty() || !resources.is_empty() || !list(rule, "resourceNames").is_empty() {
                errors.invalid(&at, &shown, "rules cannot apply to both regular resources and non-resource URLs");
            }
            continue;
        }
        if groups.is_empty() {
            errors.required(&at.child("apiGroups"), "resource rules must supply at least one api group");
        }
        if resources.is_empty() {
            errors.required(&at.child("resources"), "resource rules must supply at least one resource");
        }
    }
}

/// upstream: ValidateRoleBinding, ValidateClusterRoleBinding
pub(super) fn role_binding(errors: &mut Errors, object: &Value, namespaced: bool) {
    let reference = get(object, "roleRef").unwrap_or(&Value::Null);
    let at = Path::new("roleRef");
    let group = super::text_or(reference, "apiGroup", RBAC_GROUP);
    if group != RBAC_GROUP {
        errors.unsupported(&at.child("apiGroup"), group, &[RBAC_GROUP]);
    }
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    let kind = text(reference, "kind");
    if !kinds.contains(&kind) {
        errors.unsupported(&at.child("kind"), kind, kinds);
    }
    let name = text(reference, "name");
    if name.is_empty() {
        errors.required(&at.child("name"), "");
    } else {
        errors.invalid_text(&at.child("name"), name, names::path_segment(name));
    }
    for (i, subject) in list(object, "subjects").iter().enumerate() {
        let at = Path::new("subjects").index(i);
        let (name, group) = (text(subject, "name"), text(subject, "apiGroup"));
        if name.is_empty() {
            errors.required(&at.child("name"), "");
        }
        match text(subject, "kind") {
            "ServiceAccount" => {
                if !name.is_empty() {
                    errors.invalid_text(&at.child("name"), name, names::dns1123_subdomain(name));
                }
                if !group.is_empty() {
                    errors.unsupported(&at.child("apiGroup"), group, &[""]);
                }
                if !namespaced && text(subject, "namespace").is_empty() {
                    errors.required(&at.child("namespace"), "");
                }
            }
            "User" | "Group" => {
                if !group.is_empty() && group != RBAC_GROUP {
                    errors.unsupported(&at.child("apiGroup"), group, &[RBAC_GROUP]);
                }
            }
            other => errors.unsupported(&at.child("kind"), other, &["ServiceAccount", "User", "Group"]),
        }
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
        pod::port_or_name(errors, number, &path.child("port"));
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

/// upstream: ValidatePersistentVolumeClaimSpec
pub(super) fn claim(errors: &mut Errors, spec: &Value, path: &Path) {
    let modes: Vec<&str> = list(spec, "accessModes").iter().filter_map(Value::as_str).collect();
    let known = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    let at = path.child("accessModes");
    if modes.is_empty() {
        errors.required(&at, "at least 1 access mode is required");
    }
    if let Some(selector) = get(spec, "selector") {
        meta::selector(errors, selector, &path.child("selector"));
    }
    for mode in modes.iter().filter(|m| !known.contains(m)) {
        errors.unsupported(&at, mode, &known);
    }
    if modes.contains(&"ReadWriteOncePod") && modes.iter().any(|m| *m != "ReadWriteOncePod" && known.contains(m)) {
        errors.forbidden(&at, "may not use ReadWriteOncePod with other access modes");
    }
    let at = path.child("resources").key("storage");
    match spec.pointer("/resources/requests/storage").filter(|v| !v.is_null()) {
        None => errors.required(&at, ""),
        Some(value) => {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if quantity::parse(shown.trim()).is_ok_and(|q| q.nanos <= 0) {
                errors.invalid_text(&at, &shown, vec!["must be greater than zero".to_owned()]);
            }
        }
    }
    let class = text(spec, "storageClassName");
    if !class.is_empty() {
        errors.invalid_text(&path.child("storageClassName"), class, names::dns1123_subdomain(class));
    }
    let mode = super::text_or(spec, "volumeMode", "Filesystem");
    if !["Block", "Filesystem"].contains(&mode) {
        errors.unsupported(&path.child("volumeMode"), mode, &["Block", "Filesystem"]);
    }
}

/// upstream: validateHorizontalPodAutoscalerSpec
pub(super) fn autoscaler(errors: &mut Errors, object: &Value) {
    let path = Path::new("spec");
    let spec = get(object, "spec").unwrap_or(&Value::Null);
    let (min, max) = (int(spec, "minReplicas").unwrap_or(1), int(spec, "maxReplicas").unwrap_or(0));
    if min < 0 {
        let detail = "must be greater than or equal to 1".to_owned();
        errors.invalid_number(&path.child("minReplicas"), min, vec![detail]);
    }
    let at = path.child("maxReplicas");
    if max == 0 {
        errors.required(&at, "must be set and greater than 0");
    } else if max < 0 {
        errors.invalid_number(&at, max, vec!["must be greater than or equal to 1".to_owned()]);
    }
    if max < min {
        errors.invalid_number(&at, max, vec!["must be greater than or equal to `minReplicas`".to_owned()]);
    }
    let target = get(spec, "scaleTargetRef").unwrap_or(&Value::Null);
    for field in ["kind", "name"] {
        let at = path.child("scaleTargetRef").child(field);
        match text(target, field) {
            "" => errors.required(&at, ""),
            value => errors.invalid_text(&at, value, names::path_segment(value)),
        }
    }
}

/// upstream: ValidatePodDisruptionBudgetSpec
pub(super) fn budget(errors: &mut Errors, object: &Value) {
    let path = Path::new("spec");
    let spec = get(object, "spec").unwrap_or(&Value::Null);
    if let Some(selector) = get(spec, "selector") {
        meta::selector(errors, selector, &path.child("selector"));
    }
    let policy = super::text_or(spec, "unhealthyPodEvictionPolicy", "IfHealthyBudget");
    if !["AlwaysAllow", "IfHealthyBudget"].contains(&policy) {
        errors.unsupported(&path.child("unhealthyPodEvictionPolicy"), policy, &["AlwaysAllow", "IfHealthyBudget"]);
    }
}
