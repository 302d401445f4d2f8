//! `anonymous-binding`: reports a binding to everybody.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for binding in cx.of(&["ClusterRoleBinding", "RoleBinding"]) {
        for subject in binding.items("subjects") {
            let (kind, name) = (subject.text("kind").unwrap_or(""), subject.text("name").unwrap_or(""));
            if !kind.is_empty() && matches!(name, "system:anonymous" | "system:unauthenticated" | "system:authenticated") {
                cx.report(subject.place("name"), "the role is granted to everybody", "name users, groups or ServiceAccounts");
            }
        }
    }
}
