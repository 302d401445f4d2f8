//! `probe-loopback-host`: reports a probe of the host `localhost` or `127.0.0.1`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    // On the host network the node is the pod.
    for (_, container) in cx.containers().filter(|(pod, _)| !pod.spec.is_true("hostNetwork")) {
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            for handler in ["httpGet", "tcpSocket"] {
                let host = container.field.get(&format!("{probe}.{handler}.host"));
                if let Some(host) = host.filter(|h| matches!(h.str(), Some("localhost" | "127.0.0.1" | "::1"))) {
                    cx.report(host, "the probe asks the node, not the pod", "remove host");
                }
            }
        }
    }
}
