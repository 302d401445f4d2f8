//! `cronjob-starting-deadline-too-short`: reports a `startingDeadlineSeconds` below 10.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["CronJob"]) {
        if let Some(found) = object.get("spec.startingDeadlineSeconds").filter(|f| f.value.as_i64().is_some_and(|n| n < 10)) {
            cx.report(found, "runs may be missed", "set it to 10 or more");
        }
    }
}
