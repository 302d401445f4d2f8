//! `system-masters-group`: reports the group `system:masters` in a binding.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for binding in cx.of(&["ClusterRoleBinding", "RoleBinding"]) {
        for subject in binding.items("subjects") {
            let (kind, name) = (subject.text("kind").unwrap_or(""), subject.text("name").unwrap_or(""));
            if kind == "Group" && name == "system:masters" {
                cx.report(subject.place("name"), "system:masters passes every check anyway", "use a group of your own");
            }
        }
    }
}
