//! `binding-subject-missing`: reports a ServiceAccount in a binding that is not in the set.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for binding in cx.of(&["ClusterRoleBinding", "RoleBinding"]) {
        for subject in binding.items("subjects").iter().filter(|s| s.text("kind") == Some("ServiceAccount")) {
            let Some(name) = subject.get("name") else { continue };
            // A chart may leave the namespace to the release in one place and name it in another.
            if let Some(text) = name.str().filter(|n| *n != "default" && cx.find_anywhere("ServiceAccount", n).is_none()) {
                cx.report(name, format!("the ServiceAccount `{text}` is not in the set"), "add the ServiceAccount");
            }
        }
    }
}
