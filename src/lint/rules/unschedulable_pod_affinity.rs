//! `unschedulable-pod-affinity`: reports a required affinity to pods that the set does not have.

use crate::lint::cluster;
use crate::lint::context::Context;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    if cluster::nodes(cx).is_empty() {
        return;
    }
    for pod in cx.pods() {
        for term in pod.spec.items("affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution") {
            let Some(selector) = term.get("labelSelector") else { continue };
            let elsewhere = term.has("namespaces") || term.has("namespaceSelector");
            let found = if elsewhere {
                cx.pods().iter().any(|p| labels::matches(&selector, &p.labels))
            } else {
                cx.pods_beside(pod.object).iter().any(|p| labels::matches(&selector, &p.labels))
            };
            if !found {
                cx.report(
                    pod.spec.place("affinity.podAffinity"),
                    "the required term matches no pod of the set, not even the pod itself",
                    "mend the selector, or use a preferred term",
                );
                break;
            }
        }
    }
}
