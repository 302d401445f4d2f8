//! `no-topology-spread`: reports several replicas without topology spread constraints.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let several = pod.is(&["Deployment", "StatefulSet"]) && pod.replicas() > 1;
        if several && pod.spec.items("topologySpreadConstraints").is_empty() {
            cx.report(pod.spec.place("topologySpreadConstraints"), "the replicas are not spread", "add topologySpreadConstraints");
        }
    }
}
