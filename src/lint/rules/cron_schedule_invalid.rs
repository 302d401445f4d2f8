//! `cron-schedule-invalid`: reports a schedule that is no cron expression.

use crate::lint::context::Context;
use crate::lint::cron;

pub(super) fn check(cx: &Context) {
    for job in cx.all("CronJob") {
        let Some(schedule) = job.get("spec.schedule") else { continue };
        let Some(text) = schedule.str() else { continue };
        if cron::with_zone(text) {
            continue;
        }
        if let Err(why) = cron::parse(text) {
            cx.report(
                schedule,
                format!("the schedule `{text}` is invalid: {why}"),
                "five fields: minute, hour, day of month, month, day of week",
            );
        }
    }
}
