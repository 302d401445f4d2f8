//! `job-restart-policy`: reports a Job whose pods restart always.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods().iter().filter(|p| p.is(&["Job", "CronJob"])) {
        if !matches!(pod.spec.text("restartPolicy"), Some("Never" | "OnFailure")) {
            cx.report(pod.spec.place("restartPolicy"), "a Job needs restartPolicy Never or OnFailure", "set restartPolicy");
        }
    }
}
