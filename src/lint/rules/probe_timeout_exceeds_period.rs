//! `probe-timeout-exceeds-period`: reports a probe whose `timeoutSeconds` is longer than its `periodSeconds`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            let Some(probe) = container.field.get(probe) else { continue };
            let period = probe.int("periodSeconds").unwrap_or(10);
            let Some(timeout) = probe.get("timeoutSeconds") else { continue };
            if timeout.value.as_i64().is_some_and(|t| t > period) {
                cx.report(
                    timeout,
                    format!("the timeout is longer than the period of {period} s"),
                    "lower timeoutSeconds or raise periodSeconds",
                );
            }
        }
    }
}
