//! `no-anti-affinity`: reports several replicas without anti-affinity or a spread constraint.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let several = pod.is(&["Deployment", "StatefulSet"]) && pod.replicas() > 1;
        if several && pod.spec.items("topologySpreadConstraints").is_empty() && !pod.spec.has("affinity.podAntiAffinity") {
            cx.report(pod.spec.place("affinity"), "nothing keeps the replicas apart", "add a podAntiAffinity or a spread constraint");
        }
    }
}
