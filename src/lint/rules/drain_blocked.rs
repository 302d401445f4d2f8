//! `drain-blocked`: reports a disruption budget that keeps a node of the set from ever being drained, since the
//! other nodes cannot take enough of its pods.

use crate::lint::amount;
use crate::lint::cluster;
use crate::lint::context::Context;
use crate::lint::context::Pod;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    if nodes.is_empty() {
        return;
    }
    for budget in cx.all("PodDisruptionBudget") {
        let Some(selector) = budget.get("spec.selector") else { continue };
        let beside = cx.pods_beside(budget.object);
        let chosen: Vec<&&Pod> =
            beside.iter().filter(|p| !p.is(&["DaemonSet", "Job", "CronJob"]) && labels::matches(&selector, &p.labels)).collect();
        let replicas: i64 = chosen.iter().map(|p| p.replicas()).sum();
        let (path, needed) = match (budget.get("spec.minAvailable"), budget.get("spec.maxUnavailable")) {
            (Some(least), _) => ("spec.minAvailable", amount::scaled(&least, replicas, true)),
            (None, Some(most)) => ("spec.maxUnavailable", amount::scaled(&most, replicas, true).map(|n| replicas - n)),
            _ => continue,
        };
        let Some(needed) = needed.filter(|n| *n > 0 && replicas > 0) else { continue };
        let blocked = nodes.iter().find(|drained| {
            let left: i128 = chosen
                .iter()
                .map(|pod| {
                    let others: Vec<_> = cluster::eligible(pod, &nodes)
                        .into_iter()
                        .filter(|n| !std::ptr::eq(n.field.object, drained.field.object))
                        .collect();
                    cluster::capacity(pod, &others).min(i128::from(pod.replicas()))
                })
                .sum();
            let here =
                chosen.iter().any(|pod| cluster::eligible(pod, &nodes).iter().any(|n| std::ptr::eq(n.field.object, drained.field.object)));
            here && (left < i128::from(needed) || needed >= replicas)
        });
        if let Some(node) = blocked {
            let message =
                format!("the node `{}` cannot be drained: {needed} of {replicas} pods must stay available", node.field.object.id.name);
            cx.report(budget.place(path), message, "allow one more pod to be unavailable, or add nodes");
        }
    }
}
