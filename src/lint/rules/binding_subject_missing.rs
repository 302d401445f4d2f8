//! `binding-subject-missing`: reports a ServiceAccount in a binding that is not in the set.

use crate::lint::context::Context;
use crate::lint::outside;

pub(super) fn check(cx: &Context) {
    for binding in cx.of(&["ClusterRoleBinding", "RoleBinding"]) {
        for subject in binding.items("subjects").iter().filter(|s| s.text("kind") == Some("ServiceAccount")) {
            let Some(name) = subject.get("name") else { continue };
            // A chart may leave the namespace to the release in one place and name it in another.
            let known = |n: &str| {
                n == "default"
                    || cx.find_anywhere("ServiceAccount", n).is_some()
                    || cx.made_by_operator(n)
                    || outside::brought(cx, "ServiceAccount", binding.object, n)
            };
            // The controllers of the cluster have their accounts there.
            if subject.text("namespace") == Some("kube-system") && binding.object.id.namespace != "kube-system" {
                continue;
            }
            if let Some(text) = name.str().filter(|n| !known(n)) {
                cx.report(name, format!("the ServiceAccount `{text}` is not in the set"), "add the ServiceAccount");
            }
        }
    }
}
