//! `node-name-pinned`: reports `spec.nodeName` in a manifest.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if let Some(found) = pod.spec.get("nodeName") {
            cx.report(found, "the pod is pinned to one node and skips the scheduler", "use a nodeSelector or affinity");
        }
    }
}
