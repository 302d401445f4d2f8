//! `unschedulable-resources`: reports a request that is larger than what any node of the set can give.

use crate::lint::cluster;
use crate::lint::cluster::Blocked;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    for pod in cx.pods() {
        if let Some(Blocked::Request(place, message)) = cluster::blocked(pod, &nodes) {
            cx.report(place, message, "ask for less, or add a larger node");
        }
    }
}
