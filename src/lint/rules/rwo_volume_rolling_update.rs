//! `rwo-volume-rolling-update`: reports a Deployment with one replica and a volume that only one node can mount,
//! but a rolling update.

use crate::lint::amount;
use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods().iter().filter(|p| p.is(&["Deployment"]) && p.replicas() == 1) {
        let object = Field::root(pod.object);
        if object.text("spec.strategy.type") == Some("Recreate") || gives_way(&object) {
            continue;
        }
        if let Some((_, name)) = cx.single_node_claim(pod) {
            cx.report(
                object.place("spec.strategy"),
                format!("on another node the new pod waits for the volume of the old one (claim `{name}`)"),
                "set strategy.type to Recreate",
            );
        }
    }
}

/// Whether the old pod ends first.
fn gives_way(object: &Field) -> bool {
    let limit = object.get("spec.strategy.rollingUpdate.maxUnavailable");
    let surge = object.get("spec.strategy.rollingUpdate.maxSurge");
    let surge_zero = surge.and_then(|f| amount::scaled(&f, 1, true)) == Some(0);
    surge_zero || limit.and_then(|f| amount::scaled(&f, 1, false)).is_some_and(|n| n > 0)
}
