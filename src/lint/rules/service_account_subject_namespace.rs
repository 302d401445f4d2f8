//! `service-account-subject-namespace`: reports a service account as subject of a ClusterRoleBinding without a
//! namespace. In a RoleBinding it is the binding's own.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for binding in cx.all("ClusterRoleBinding") {
        for subject in binding.items("subjects") {
            if subject.text("kind") == Some("ServiceAccount") && subject.text("namespace").unwrap_or("").is_empty() {
                cx.report(subject.place("namespace"), "the service account names no namespace", "add the namespace of the account");
            }
        }
    }
}
