//! Roles and their bindings. upstream: pkg/apis/rbac/validation

use serde_json::Value;

use super::super::field::Path;
use super::super::names;
use super::{Errors, get, list, text};

pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    match (version, kind) {
        ("v1", "Role" | "ClusterRole") => role(errors, object, kind == "Role"),
        ("v1", "RoleBinding" | "ClusterRoleBinding") => role_binding(errors, object, kind == "RoleBinding"),
        _ => {}
    }
}

pub(super) fn update(_: &mut Errors, _: &str, _: &str, _: &Value, _: &Value) {}

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
