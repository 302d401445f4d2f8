//! `cron-timezone-in-schedule`: reports a time zone inside the schedule (`TZ=` or `CRON_TZ=`).

use crate::lint::context::Context;
use crate::lint::cron;

pub(super) fn check(cx: &Context) {
    for job in cx.all("CronJob") {
        let Some(schedule) = job.get("spec.schedule") else { continue };
        if schedule.str().is_some_and(cron::with_zone) {
            cx.report(schedule, "the time zone belongs into spec.timeZone", "move it to spec.timeZone");
        }
    }
}
