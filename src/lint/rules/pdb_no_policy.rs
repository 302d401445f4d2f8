//! `pdb-no-policy`: reports a disruption budget with neither `minAvailable` nor `maxUnavailable`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for budget in cx.all("PodDisruptionBudget") {
        if !budget.has("spec.minAvailable") && !budget.has("spec.maxUnavailable") {
            cx.report(budget.place("spec"), "the budget sets no limit", "set maxUnavailable");
        }
    }
}
