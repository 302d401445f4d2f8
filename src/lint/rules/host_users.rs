//! `host-users`: reports a pod that shares the user name space of its node.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if pod.spec.flag("hostUsers") != Some(false) {
            cx.report(pod.spec.place("hostUsers"), "user ids of the container are those of the node", "set hostUsers: false");
        }
    }
}
