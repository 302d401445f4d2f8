//! `unschedulable-node-selector`: reports a nodeSelector or required node affinity that no node of the set matches.

use crate::lint::cluster;
use crate::lint::cluster::Blocked;
use crate::lint::context::Context;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    for pod in cx.pods() {
        if let Some(Blocked::Selector(place, message)) = cluster::blocked(pod, &nodes) {
            let wanted = labels::labels(&pod.spec, "nodeSelector");
            let nearest = labels::nearest(&wanted, nodes.iter().map(|n| &n.labels));
            let help = nearest.map_or_else(
                || "label a node, or change the selector".to_owned(),
                |l| format!("the nearest node has the labels {}", l.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")),
            );
            cx.report(place, message, help);
        }
    }
}
