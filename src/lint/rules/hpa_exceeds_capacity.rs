//! `hpa-exceeds-capacity`: reports an autoscaler whose maxReplicas do not fit on the nodes of the set.

use crate::lint::cluster;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    if nodes.is_empty() {
        return;
    }
    for scaler in cx.of(&["HorizontalPodAutoscaler", "ScaledObject"]) {
        let path = if scaler.object.id.kind == "ScaledObject" { "spec.maxReplicaCount" } else { "spec.maxReplicas" };
        let Some(most) = scaler.int(path) else { continue };
        let kind = scaler.text("spec.scaleTargetRef.kind").unwrap_or("Deployment");
        let beside = cx.pods_beside(scaler.object);
        let Some(pod) =
            beside.iter().find(|p| p.kind() == kind && Some(p.object.id.name.as_str()) == scaler.text("spec.scaleTargetRef.name"))
        else {
            continue;
        };
        let fit = cluster::capacity(pod, &cluster::eligible(pod, &nodes));
        if i128::from(most) > fit {
            cx.report(scaler.place(path), format!("up to {most} pods, but {fit} fit on the nodes"), "lower it, or let nodes be added");
        }
    }
}
