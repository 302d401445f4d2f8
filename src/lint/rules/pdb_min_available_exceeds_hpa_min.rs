//! `pdb-min-available-exceeds-hpa-min`: reports a disruption budget that keeps as many pods as the autoscaler may
//! go down to.

use crate::lint::amount;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let Some(scaler) = cx.autoscaler(pod.object) else { continue };
        let lowest = scaler.int("spec.minReplicas").unwrap_or(1);
        for budget in cx.budgets_of(pod) {
            let Some(min) = budget.get("spec.minAvailable") else { continue };
            if amount::scaled(&min, lowest, true).is_some_and(|m| m >= lowest) {
                cx.report(
                    min,
                    format!("the autoscaler may go down to {lowest} pods, and then none may be evicted"),
                    "let minAvailable be below minReplicas",
                );
            }
        }
    }
}
