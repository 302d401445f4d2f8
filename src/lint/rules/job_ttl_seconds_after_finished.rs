//! `job-ttl-seconds-after-finished`: reports a Job without `ttlSecondsAfterFinished`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["Job"]) {
        // Helm removes its hooks, or another rule says that it does not.
        if !cx.is_hook(object.object) && !object.has("spec.ttlSecondsAfterFinished") {
            cx.report(object.place("spec.ttlSecondsAfterFinished"), "the finished Job is never cleaned up", "set ttlSecondsAfterFinished");
        }
    }
}
