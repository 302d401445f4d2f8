//! `hpa-minimum-replicas`: reports an autoscaler that may go down to one pod.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for scaler in cx.all("HorizontalPodAutoscaler") {
        if scaler.int("spec.minReplicas").unwrap_or(1) < 2 {
            cx.report(scaler.place("spec.minReplicas"), "the autoscaler may leave a single pod", "set minReplicas to 2 or more");
        }
    }
}
