//! `no-startup-probe-slow-liveness`: reports a liveness probe that waits a minute or longer instead of a startup
//! probe.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let Some(delay) = container.field.get("livenessProbe.initialDelaySeconds") else { continue };
        if delay.value.as_i64().is_some_and(|d| d >= 60) && !container.field.has("startupProbe") {
            cx.report(delay, "the liveness probe waits long for the start", "add a startupProbe");
        }
    }
}
