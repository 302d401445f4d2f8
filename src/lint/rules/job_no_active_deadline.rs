//! `job-no-active-deadline`: reports a Job without `activeDeadlineSeconds`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["Job", "CronJob"]) {
        let spec = if object.object.id.kind == "Job" { "spec" } else { "spec.jobTemplate.spec" };
        if !object.has(&format!("{spec}.activeDeadlineSeconds")) {
            cx.report(
                object.place(&format!("{spec}.activeDeadlineSeconds")),
                "no deadline ends a hanging Job",
                "set activeDeadlineSeconds",
            );
        }
    }
}
