//! `pdb-min-and-max`: reports a disruption budget with both `minAvailable` and `maxUnavailable`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for budget in cx.all("PodDisruptionBudget") {
        if let Some(max) = budget.get("spec.maxUnavailable").filter(|_| budget.has("spec.minAvailable")) {
            cx.report(max, "minAvailable and maxUnavailable are both set", "keep one of them");
        }
    }
}
