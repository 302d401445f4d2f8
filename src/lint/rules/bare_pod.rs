//! `bare-pod`: reports a Pod without a controller.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.all("Pod") {
        // Hooks and tests run once on purpose; static and owned pods have another keeper.
        let hook = object.entries("metadata.annotations").iter().any(|(k, _)| k.starts_with("helm.sh/hook"));
        let kept = hook || object.has("metadata.ownerReferences") || object.object.id.namespace == "kube-system";
        if !kept {
            cx.report(object.place("kind"), "nobody replaces this pod when its node fails", "use a Deployment or a Job");
        }
    }
}
