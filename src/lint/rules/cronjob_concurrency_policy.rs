//! `cronjob-concurrency-policy`: reports a CronJob that may run beside itself.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["CronJob"]) {
        if !matches!(object.text("spec.concurrencyPolicy"), Some("Forbid" | "Replace")) {
            cx.report(object.place("spec.concurrencyPolicy"), "runs may overlap", "set concurrencyPolicy: Forbid or Replace");
        }
    }
}
