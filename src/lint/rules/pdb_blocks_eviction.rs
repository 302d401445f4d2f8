//! `pdb-blocks-eviction`: reports a disruption budget that never allows an eviction.

use crate::lint::amount;
use crate::lint::context::Context;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for budget in cx.all("PodDisruptionBudget") {
        let beside = cx.pods_beside(budget.object);
        let selected = beside.iter().find(|p| budget.get("spec.selector").is_some_and(|s| labels::matches(&s, &p.labels)));
        let replicas = selected.filter(|p| cx.autoscaler(p.object).is_none() && !p.is(&["DaemonSet", "Pod"])).map(|p| p.replicas());
        if let Some(max) = budget.get("spec.maxUnavailable") {
            // A percentage is rounded up, so that only 0 % is nothing.
            if amount::scaled(&max, 100, true) == Some(0) {
                cx.report(max, "no pod may ever be evicted", "allow at least one pod to be unavailable");
            }
        } else if let Some(min) = budget.get("spec.minAvailable") {
            let all = min.str() == Some("100%");
            let most = replicas.is_some_and(|n| n > 0 && amount::scaled(&min, n, true).is_some_and(|m| m >= n));
            if all || most {
                cx.report(min, "no pod may ever be evicted", "let minAvailable be below the number of replicas");
            }
        }
    }
}
