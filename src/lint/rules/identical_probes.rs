//! `identical-probes`: reports a liveness probe that asks the same as the readiness probe.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let (Some(live), Some(ready)) = (container.field.get("livenessProbe"), container.field.get("readinessProbe")) else { continue };
        let same = ["exec", "httpGet", "tcpSocket", "grpc"].iter().any(|h| live.has(h) && live.value.get(h) == ready.value.get(h));
        if same {
            cx.report(live, "the liveness probe asks the same as the readiness probe", "let liveness check only the process itself");
        }
    }
}
