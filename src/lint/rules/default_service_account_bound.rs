//! `default-service-account-bound`: reports a binding to the default ServiceAccount.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for binding in cx.of(&["ClusterRoleBinding", "RoleBinding"]) {
        for subject in binding.items("subjects") {
            let (kind, name) = (subject.text("kind").unwrap_or(""), subject.text("name").unwrap_or(""));
            if kind == "ServiceAccount" && name == "default" {
                cx.report(
                    subject.place("name"),
                    "every pod without an account of its own gets these rights",
                    "make a ServiceAccount for the workload",
                );
            }
        }
    }
}
