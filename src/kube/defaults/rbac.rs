//! Defaults of RBAC. upstream: pkg/apis/rbac/v1/defaults.go

use serde_json::Value;

use super::{items, zero};

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn defaults(_version: &str, kind: &str, object: &mut Value) {
    if !matches!(kind, "RoleBinding" | "ClusterRoleBinding") {
        return;
    }
    if let Some(reference) = super::object(object, "roleRef") {
        zero(reference, "apiGroup", GROUP);
    }
    for subject in items(object, "subjects") {
        if matches!(subject.get("kind").and_then(Value::as_str), Some("User" | "Group")) {
            zero(subject, "apiGroup", GROUP);
        }
    }
}
