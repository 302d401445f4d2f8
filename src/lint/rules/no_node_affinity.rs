//! `no-node-affinity`: reports a workload without node affinity.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if !pod.spec.has("affinity.nodeAffinity") && !pod.spec.has("nodeSelector") {
            cx.report(pod.spec.place("affinity"), "the pod has no node affinity", "say which nodes it belongs to");
        }
    }
}
