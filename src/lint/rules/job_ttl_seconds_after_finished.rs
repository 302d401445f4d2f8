//! `job-ttl-seconds-after-finished`: reports a Job without `ttlSecondsAfterFinished`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["Job"]) {
        if !object.has("spec.ttlSecondsAfterFinished") {
            cx.report(object.place("spec.ttlSecondsAfterFinished"), "the finished Job is never cleaned up", "set ttlSecondsAfterFinished");
        }
    }
}
