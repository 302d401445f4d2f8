//! `replicas-with-hpa`: reports `replicas` on a workload that an autoscaler scales.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for workload in cx.of(&["Deployment", "StatefulSet", "ReplicaSet"]) {
        let Some(replicas) = workload.get("spec.replicas") else { continue };
        if cx.autoscaler(workload.object).is_some() {
            cx.report(replicas, "an autoscaler sets the replicas of this workload", "remove spec.replicas");
        }
    }
}
