//! `no-topology-spread`: reports several replicas without topology spread constraints.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let several = pod.is(&["Deployment", "StatefulSet"]) && pod.replicas() > 1;
        // Anti-affinity keeps them apart as well.
        let spread = !pod.spec.items("topologySpreadConstraints").is_empty() || pod.spec.has("affinity.podAntiAffinity");
        if several && !spread {
            cx.report(pod.spec.place("topologySpreadConstraints"), "the replicas are not spread", "add topologySpreadConstraints");
        }
    }
}
