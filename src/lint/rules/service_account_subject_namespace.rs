//! `service-account-subject-namespace`: reports a service account as subject of a ClusterRoleBinding (or
//! RoleBinding) without a namespace.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for binding in cx.of(&["ClusterRoleBinding", "RoleBinding"]) {
        for subject in binding.items("subjects") {
            if subject.text("kind") == Some("ServiceAccount") && subject.text("namespace").unwrap_or("").is_empty() {
                cx.report(subject.place("namespace"), "the service account names no namespace", "add the namespace of the account");
            }
        }
    }
}
