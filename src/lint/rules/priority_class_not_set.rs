//! `priority-class-not-set`: reports a pod without a priority class.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if !pod.spec.has("priorityClassName") {
            cx.report(pod.spec.place("priorityClassName"), "no priority class is set", "set priorityClassName");
        }
    }
}
