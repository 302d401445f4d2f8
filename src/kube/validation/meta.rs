//! Metadata, labels and selectors. upstream: apimachinery/pkg/api/validation, apis/meta/v1/validation

use serde_json::Value;

use super::super::field::Path;
use super::super::names;
use super::{Errors, get, list, strings, text};

/// Kinds whose names are subdomains and whose metadata is checked as usual.
const SUBDOMAIN_KINDS: &[&str] = &[
    "ConfigMap",
    "ControllerRevision",
    "CronJob",
    "DaemonSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Job",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "PodTemplate",
    "ReplicaSet",
    "ReplicationController",
    "Secret",
    "ServiceAccount",
    "ResourceQuota",
    "Endpoints",
    "Node",
];

fn known(api_version: &str) -> bool {
    !api_version.contains("beta") && !api_version.contains("alpha")
}

/// The metadata of the kinds whose group does not check it itself yet.
pub(super) fn object_meta_of_kind(errors: &mut Errors, api_version: &str, kind: &str, object: &Value) {
    let check: fn(&str) -> Vec<String> = match kind {
        "PodDisruptionBudget" => |_| Vec::new(),
        "Namespace" | "StatefulSet" | "Service" => names::dns1123_label,
        _ if SUBDOMAIN_KINDS.contains(&kind) && known(api_version) => names::dns1123_subdomain,
        _ => return,
    };
    object_meta(errors, object, check);
}

/// upstream: ValidateObjectMeta
pub(super) fn object_meta(errors: &mut Errors, object: &Value, check: fn(&str) -> Vec<String>) {
    let Some(meta) = get(object, "metadata") else {
        return errors.required(&Path::new("metadata").child("name"), "name or generateName is required");
    };
    let path = Path::new("metadata");
    let (name, prefix) = (text(meta, "name"), text(meta, "generateName"));
    if !prefix.is_empty() {
        let masked = match prefix.strip_suffix('-') {
            Some(head) if !head.is_empty() => format!("{head}a"),
            _ => prefix.to_owned(),
        };
        errors.invalid_text(&path.child("generateName"), prefix, check(&masked));
    }
    if name.is_empty() && prefix.is_empty() {
        errors.required(&path.child("name"), "name or generateName is required");
    } else if !name.is_empty() {
        errors.invalid_text(&path.child("name"), name, check(name));
    }
    labels(errors, meta, "labels", &path.child("labels"));
    annotations(errors, meta, &path.child("annotations"));
    for owner in list(meta, "ownerReferences") {
        let at = path.child("ownerReferences");
        for field in ["apiVersion", "kind", "name", "uid"] {
            if text(owner, field).is_empty() {
                if field == "apiVersion" {
                    errors.invalid_text(&at.child(field), "", vec!["version must not be empty".to_owned()]);
                } else {
                    errors.invalid_text(&at.child(field), "", vec!["must not be empty".to_owned()]);
                }
            }
        }
    }
    for (i, finalizer) in list(meta, "finalizers").iter().filter_map(Value::as_str).enumerate() {
        errors.invalid_text(&path.child("finalizers"), finalizer, names::qualified_name(finalizer));
        if !finalizer.contains('/') && !["kubernetes", "orphan", "foregroundDeletion"].contains(&finalizer) {
            let detail = "name is neither a standard finalizer name nor is it fully qualified".to_owned();
            errors.invalid_text(&path.child("finalizers").index(i), finalizer, vec![detail]);
        }
    }
}

/// upstream: ValidateLabels
pub(super) fn labels(errors: &mut Errors, value: &Value, key: &str, path: &Path) {
    for (name, value) in strings(value, key) {
        errors.invalid_text(path, name, names::qualified_name(name));
        errors.invalid_text(path, value, names::label_value(value));
    }
}

/// upstream: ValidateAnnotations
pub(super) fn annotations(errors: &mut Errors, meta: &Value, path: &Path) {
    let mut size = 0;
    for (name, value) in strings(meta, "annotations") {
        errors.invalid_text(path, name, names::qualified_name(&name.to_lowercase()));
        size += name.len() + value.len();
    }
    if size > 256 * 1024 {
        errors.too_long(path, 256 * 1024);
    }
}

/// upstream: ValidateLabelSelector
pub(super) fn selector(errors: &mut Errors, selector: &Value, path: &Path) {
    labels(errors, selector, "matchLabels", &path.child("matchLabels"));
    for (i, requirement) in list(selector, "matchExpressions").iter().enumerate() {
        let at = path.child("matchExpressions").index(i);
        let values = list(requirement, "values");
        match text(requirement, "operator") {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(&at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(&at.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => errors.invalid_text(&at.child("operator"), other, vec!["not a valid selector operator".to_owned()]),
        }
        let key = text(requirement, "key");
        errors.invalid_text(&at.child("key"), key, names::qualified_name(key));
        for (j, value) in values.iter().filter_map(Value::as_str).enumerate() {
            errors.invalid_text(&at.child("values").index(j), value, names::label_value(value));
        }
    }
}

/// Whether a selector is malformed, and so selects nothing that could be compared.
pub(super) fn malformed(selector: &Value) -> bool {
    let mut errors = Errors::default();
    self::selector(&mut errors, selector, &Path::default());
    !errors.0.is_empty()
}

/// Whether labels match a selector; `None` when the selector is malformed.
pub(super) fn matches(selector: &Value, labels: &[(&str, &str)]) -> Option<bool> {
    if malformed(selector) {
        return None;
    }
    let value = |key: &str| labels.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
    let plain = strings(selector, "matchLabels").iter().all(|(k, v)| value(k) == Some(v));
    let all = list(selector, "matchExpressions").iter().all(|r| {
        let found = value(text(r, "key"));
        let listed = found.is_some_and(|f| list(r, "values").iter().any(|v| v.as_str() == Some(f)));
        match text(r, "operator") {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => found.is_some(),
            _ => found.is_none(),
        }
    });
    Some(plain && all)
}

/// Whether a selector has no requirement.
pub(super) fn is_empty(selector: &Value) -> bool {
    strings(selector, "matchLabels").is_empty() && list(selector, "matchExpressions").is_empty()
}
