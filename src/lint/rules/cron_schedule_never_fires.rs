//! `cron-schedule-never-fires`: reports a schedule whose day never occurs, such as the 31st of February.

use crate::lint::context::Context;
use crate::lint::cron;

pub(super) fn check(cx: &Context) {
    for job in cx.all("CronJob") {
        let Some(schedule) = job.get("spec.schedule") else { continue };
        let Some(text) = schedule.str() else { continue };
        if cron::parse(text).is_ok_and(|s| !s.ever()) {
            cx.report(schedule, format!("the day of the schedule `{text}` never occurs"), "choose a day that the month has");
        }
    }
}
