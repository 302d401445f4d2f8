//! Roles and their bindings. upstream: pkg/apis/rbac/validation

use serde_json::Value;

use super::super::field::At;
use super::super::names;

use super::{Errors, get, list, meta, text, update};

const GROUP: &str = "rbac.authorization.k8s.io";

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, _version: &str, kind: &str, object: &Value) {
    meta::object_meta(errors, object, names::path_segment);
    check(errors, kind, object, false);
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, _version: &str, kind: &str, object: &Value, old: &Value) {
    let selectors = get(old, "aggregationRule").map_or(&[][..], |a| list(a, "clusterRoleSelectors"));
    meta::object_meta(errors, object, names::path_segment);
    check(errors, kind, object, selectors.iter().any(update::has_wrong_value));
    let (new_role, old_role) = (get(object, "roleRef").unwrap_or(&Value::Null), get(old, "roleRef").unwrap_or(&Value::Null));
    let same = ["apiGroup", "kind", "name"].iter().all(|f| text(new_role, f) == text(old_role, f));
    if kind.ends_with("Binding") && !same {
        errors.invalid(&At::new("roleRef"), update::shown_as("rbac.RoleRef", Some(new_role)), "cannot change roleRef");
    }
}

fn check(errors: &mut Errors, kind: &str, object: &Value, any_label_value: bool) {
    match kind {
        "Role" | "ClusterRole" => {
            for (i, rule) in list(object, "rules").iter().enumerate() {
                policy_rule(errors, rule, kind == "Role", &At::root().item("rules", i));
            }
            if let Some(rule) = get(object, "aggregationRule").filter(|_| kind == "ClusterRole") {
                aggregation(errors, rule, any_label_value);
            }
        }
        "RoleBinding" | "ClusterRoleBinding" => binding(errors, object, kind == "RoleBinding"),
        _ => {}
    }
}

/// upstream: ValidatePolicyRule
fn policy_rule(errors: &mut Errors, rule: &Value, namespaced: bool, path: &At<'_>) {
    if list(rule, "verbs").is_empty() {
        errors.required(&path.child("verbs"), "verbs must contain at least one value");
    }
    let (groups, resources, urls) = (list(rule, "apiGroups"), list(rule, "resources"), list(rule, "nonResourceURLs"));
    if !urls.is_empty() {
        let shown = Value::Array(urls.to_vec());
        let at = path.child("nonResourceURLs");
        if namespaced {
            errors.invalid(&at, &shown, "namespaced rules cannot apply to non-resource URLs");
        }
        if !groups.is_empty() || !resources.is_empty() || !list(rule, "resourceNames").is_empty() {
            errors.invalid(&at, &shown, "rules cannot apply to both regular resources and non-resource URLs");
        }
        return;
    }
    if groups.is_empty() {
        errors.required(&path.child("apiGroups"), "resource rules must supply at least one api group");
    }
    if resources.is_empty() {
        errors.required(&path.child("resources"), "resource rules must supply at least one resource");
    }
}

fn aggregation(errors: &mut Errors, rule: &Value, any_label_value: bool) {
    let path = At::new("aggregationRule.clusterRoleSelectors");
    let selectors = list(rule, "clusterRoleSelectors");
    if selectors.is_empty() {
        errors.required(&path, "at least one clusterRoleSelector required if aggregationRule is non-nil");
    }
    for (i, selector) in selectors.iter().enumerate() {
        let at = path.index(i);
        update::selector_with(errors, selector, any_label_value, &at);
        // The selector that could not be made is what upstream shows: nothing.
        if meta::malformed(selector) {
            errors.invalid(&at, &Value::Null, "invalid label selector.");
        }
    }
}

/// upstream: ValidateRoleBinding, ValidateClusterRoleBinding
fn binding(errors: &mut Errors, object: &Value, namespaced: bool) {
    let reference = get(object, "roleRef").unwrap_or(&Value::Null);
    let path = At::new("roleRef");
    let group = text(reference, "apiGroup");
    if group != GROUP {
        errors.unsupported(&path.child("apiGroup"), group, &[GROUP]);
    }
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    let kind = text(reference, "kind");
    if !kinds.contains(&kind) {
        errors.unsupported(&path.child("kind"), kind, kinds);
    }
    let name = text(reference, "name");
    if name.is_empty() {
        errors.required(&path.child("name"), "");
    } else {
        errors.invalid_each(&path.child("name"), name, names::path_segment(name));
    }
    for (i, subject) in list(object, "subjects").iter().enumerate() {
        binding_subject(errors, subject, namespaced, &At::root().item("subjects", i));
    }
}

/// upstream: ValidateRoleBindingSubject
fn binding_subject(errors: &mut Errors, subject: &Value, namespaced: bool, path: &At<'_>) {
    let (name, group) = (text(subject, "name"), text(subject, "apiGroup"));
    if name.is_empty() {
        errors.required(&path.child("name"), "");
    }
    match text(subject, "kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                errors.invalid_each(&path.child("name"), name, names::dns1123_subdomain(name));
            }
            if !group.is_empty() {
                errors.unsupported(&path.child("apiGroup"), group, &[""]);
            }
            if !namespaced && text(subject, "namespace").is_empty() {
                errors.required(&path.child("namespace"), "");
            }
        }
        "User" | "Group" => {
            if group != GROUP {
                errors.unsupported(&path.child("apiGroup"), group, &[GROUP]);
            }
        }
        other => errors.unsupported(&path.child("kind"), other, &["ServiceAccount", "User", "Group"]),
    }
}
