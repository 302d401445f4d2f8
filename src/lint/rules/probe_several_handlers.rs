//! `probe-several-handlers`: reports a probe with no handler or with more than one.

use crate::lint::context::Context;
use crate::lint::field::Place;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            let Some(probe) = container.field.get(probe) else { continue };
            let mut handlers: Vec<_> = ["exec", "httpGet", "tcpSocket", "grpc"].iter().filter_map(|h| probe.get(h)).collect();
            handlers.sort_by_key(|h| Place::from(h).span().start);
            if handlers.is_empty() {
                cx.report(probe, "the probe has no handler", "add httpGet, tcpSocket, grpc or exec");
            }
            for extra in handlers.into_iter().skip(1) {
                cx.report(extra, "the probe has more than one handler", "keep one");
            }
        }
    }
}
