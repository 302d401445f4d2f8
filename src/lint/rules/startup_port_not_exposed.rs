//! `startup-port-not-exposed`: reports a startup probe whose port is none of the ports its container declares.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let ports = container.field.items("ports");
        for handler in ["httpGet", "tcpSocket", "grpc"] {
            let Some(port) = container.field.get(&format!("startupProbe.{handler}.port")) else { continue };
            // A numeric port may go undeclared when the container declares none at all.
            let declared = match port.value.as_i64() {
                Some(number) => ports.is_empty() || ports.iter().any(|p| p.int("containerPort") == Some(number)),
                None => port.str().is_none_or(|name| ports.iter().any(|p| p.text("name") == Some(name))),
            };
            if !declared {
                let shown = port.scalar().unwrap_or_default();
                cx.report(
                    port,
                    format!("the startup probe asks port {shown}, which the container does not declare"),
                    "declare the port, or probe one that is declared",
                );
            }
        }
    }
}
