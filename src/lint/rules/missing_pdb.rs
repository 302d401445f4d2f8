//! `missing-pdb`: reports a workload of several replicas without a disruption budget.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if pod.is(&["Deployment", "StatefulSet"]) && pod.replicas() > 1 && cx.budgets_of(pod).is_empty() {
            cx.report(pod.object, "no disruption budget selects these pods", "add a PodDisruptionBudget");
        }
    }
}
