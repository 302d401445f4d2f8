//! `cronjob-job-ttl-set`: reports `ttlSecondsAfterFinished` in a CronJob.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["CronJob"]) {
        if let Some(found) = object.get("spec.jobTemplate.spec.ttlSecondsAfterFinished").filter(|f| !f.value.is_null()) {
            cx.report(found, "the history limits already clean up", "remove it, or set the history limits");
        }
    }
}
