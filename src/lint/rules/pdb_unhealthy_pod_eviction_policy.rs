//! `pdb-unhealthy-pod-eviction-policy`: reports a disruption budget without `unhealthyPodEvictionPolicy`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for budget in cx.all("PodDisruptionBudget") {
        if !budget.has("spec.unhealthyPodEvictionPolicy") {
            cx.report(
                budget.place("spec.unhealthyPodEvictionPolicy"),
                "broken pods may block drains",
                "set unhealthyPodEvictionPolicy: AlwaysAllow",
            );
        }
    }
}
