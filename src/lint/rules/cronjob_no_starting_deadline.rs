//! `cronjob-no-starting-deadline`: reports a CronJob without `startingDeadlineSeconds`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["CronJob"]) {
        if !object.has("spec.startingDeadlineSeconds") {
            cx.report(object.place("spec.startingDeadlineSeconds"), "no deadline limits late starts", "set startingDeadlineSeconds");
        }
    }
}
