//! `job-backoff-never-succeeds`: reports a Job that cannot complete: no pods at all, or less time than its pods
//! need.

use crate::lint::context::Context;
use crate::lint::context::Role;
use crate::lint::field::Field;
use crate::lint::shell;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods().iter().filter(|p| p.is(&["Job", "CronJob"])) {
        let root = Field::root(pod.object);
        let path = if pod.kind() == "CronJob" { "spec.jobTemplate.spec" } else { "spec" };
        let Some(spec) = root.get(path) else { continue };
        if spec.int("parallelism") == Some(0) && !spec.is_true("suspend") {
            cx.report(
                spec.place("parallelism"),
                "no pod runs with parallelism 0, so the Job never completes",
                "use 1 or more, or suspend: true to wait on purpose",
            );
        }
        let Some(deadline) = spec.int("activeDeadlineSeconds") else { continue };
        let (wanted, beside) = (spec.int("completions").unwrap_or(1), spec.int("parallelism").unwrap_or(1).max(1));
        let slept = pod.containers.iter().filter(|c| c.role == Role::Main).filter_map(|c| sleeps(&c.field)).max().unwrap_or(0);
        let rounds = wanted / beside + i64::from(wanted % beside != 0);
        if slept.saturating_mul(rounds) > deadline {
            let message = format!("{rounds} rounds of {slept} s take longer than the deadline of {deadline} s");
            cx.report(spec.place("activeDeadlineSeconds"), message, "raise the deadline or the parallelism");
        }
    }
}

/// The seconds a command sleeps for certain.
fn sleeps(container: &Field) -> Option<i64> {
    let words = shell::words(container);
    let text = words.iter().filter_map(|w| w.str()).collect::<Vec<_>>().join(" ");
    let words: Vec<&str> = text.split([' ', ';', '\n']).collect();
    words.windows(2).find(|w| w[0] == "sleep").and_then(|w| w[1].parse().ok())
}
