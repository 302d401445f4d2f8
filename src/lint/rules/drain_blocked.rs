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
        // What each node takes of each pod: nothing where the pod may not be.
        let takes = |pod: &Pod, node| cluster::eligible(pod, std::slice::from_ref(node)).first().map(|n| cluster::fits(pod, n));
        let room: Vec<Vec<Option<i128>>> = chosen.iter().map(|pod| nodes.iter().map(|node| takes(pod, node)).collect()).collect();
        let blocked = nodes.iter().enumerate().find(|(drained, _)| {
            let others = |room: &[Option<i128>]| -> i128 {
                room.iter().enumerate().filter(|(i, _)| i != drained).filter_map(|(_, takes)| *takes).sum()
            };
            let left: i128 = chosen.iter().zip(&room).map(|(pod, room)| others(room).min(i128::from(pod.replicas()))).sum();
            let here = room.iter().any(|room| room[*drained].is_some());
            here && (left < i128::from(needed) || needed >= replicas)
        });
        if let Some((_, node)) = blocked {
            let message =
                format!("the node `{}` cannot be drained: {needed} of {replicas} pods must stay available", node.field.object.id.name);
            cx.report(budget.place(path), message, "allow one more pod to be unavailable, or add nodes");
        }
    }
}
