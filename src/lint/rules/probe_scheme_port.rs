//! `probe-scheme-port`: reports a probe of a TLS port over plain HTTP.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            let Some(get) = container.field.get(&format!("{probe}.httpGet")) else { continue };
            let Some(port) = get.get("port") else { continue };
            let tls = matches!(port.value.as_i64(), Some(443 | 8443)) || port.str() == Some("https");
            if tls && get.text("scheme") != Some("HTTPS") {
                cx.report(port, "the port looks like TLS, but the probe uses plain HTTP", "set scheme: HTTPS");
            }
        }
    }
}
