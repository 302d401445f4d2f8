//! `unschedulable-taints`: reports a pod that tolerates the taints of none of the nodes it could be on.

use crate::lint::cluster;
use crate::lint::cluster::Blocked;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    for pod in cx.pods() {
        if let Some(Blocked::Taint(place, message)) = cluster::blocked(pod, &nodes) {
            cx.report(place, message, "add a toleration");
        }
    }
}
