//! `rollout-deadlock-host-port`: reports a Deployment whose pods take a node each, that has as many replicas as
//! nodes, and whose rolling update must not take a pod away first.

use crate::lint::cluster;
use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    for pod in cx.pods().iter().filter(|p| p.is(&["Deployment"])) {
        let object = Field::root(pod.object);
        if nodes.is_empty() || object.text("spec.strategy.type") == Some("Recreate") {
            continue;
        }
        let ports = pod.ports().iter().any(|p| p.has("hostPort") || pod.spec.is_true("hostNetwork"));
        let free = cluster::eligible(pod, &nodes).len() as i64;
        let (away, _) = cluster::rolling(&object, pod.replicas());
        if (ports || cluster::keeps_away(pod, "kubernetes.io/hostname")) && away == 0 && free > 0 && pod.replicas() == free {
            let message = format!("each of the {free} nodes has a pod, and none may go before a new one runs: the update never ends");
            cx.report(object.place("spec.strategy.rollingUpdate.maxUnavailable"), message, "use maxSurge: 0 and maxUnavailable: 1");
        }
    }
}
