//! `binding-subject-missing`: reports a ServiceAccount in a binding that is not in the set.

use crate::diagnostic::resolve;
use crate::lint::context;
use crate::lint::context::Context;
use crate::lint::field::Field;
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
            if elsewhere(cx, subject) {
                continue;
            }
            if let Some(text) = name.str().filter(|n| !known(n)) {
                cx.report(name, format!("the ServiceAccount `{text}` is not in the set"), "add the ServiceAccount");
            }
        }
    }
}

/// Whether a chart names an account of another namespace than those of its pods and of the release: another chart makes
/// it.
fn elsewhere(cx: &Context, subject: &Field) -> bool {
    let Some(there) = subject.get("namespace").filter(|_| cx.chart().is_some()) else { return false };
    let own: Vec<&str> = cx.pods().iter().map(|pod| context::namespace(pod.object)).chain(["default"]).collect();
    // What no value supplied may be the namespace of the release.
    let computed = || {
        let written = cx.actions_of(&there);
        let of_values = !resolve(cx.input.sources, there.object.span(&there.path())).origins.is_empty();
        !written.is_empty() && (!of_values || written.iter().any(|action| action.contains("Release")))
    };
    there.str().is_some_and(|name| !own.contains(&name)) && !computed()
}
