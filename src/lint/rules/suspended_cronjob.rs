//! `suspended-cronjob`: reports a suspended CronJob.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["CronJob"]) {
        if let Some(found) = object.get("spec.suspend").filter(|f| f.value.as_bool() == Some(true)) {
            cx.report(found, "the CronJob never runs", "remove suspend");
        }
    }
}
