//! `liveness-too-aggressive`: reports a liveness probe that kills the container after less than ten seconds of
//! failure.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let Some(probe) = container.field.get("livenessProbe") else { continue };
        let total = probe.int("periodSeconds").unwrap_or(10).saturating_mul(probe.int("failureThreshold").unwrap_or(3));
        if total < 10 {
            let place = if probe.has("failureThreshold") { "failureThreshold" } else { "periodSeconds" };
            cx.report(
                probe.place(place),
                format!("the container is killed after {total} s of failing probes"),
                "raise failureThreshold or periodSeconds",
            );
        }
    }
}
