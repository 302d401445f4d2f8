//! Ports that probes ask and their containers do not declare.

use super::context::Context;

/// Reports each probe of one sort (`livenessProbe`) whose port is none of those its container declares.
pub(super) fn undeclared_port(cx: &Context, probe: &str) {
    let word = probe.trim_end_matches("Probe");
    for (_, container) in cx.containers() {
        let ports = container.field.items("ports");
        for handler in ["httpGet", "tcpSocket", "grpc"] {
            let Some(port) = container.field.get(&format!("{probe}.{handler}.port")) else { continue };
            // A numeric port may go undeclared when the container declares none at all.
            let declared = match port.value.as_i64() {
                Some(number) => ports.is_empty() || ports.iter().any(|p| p.int("containerPort") == Some(number)),
                // What is no name of a port is told by the API.
                None => port.str().is_none_or(|name| name.contains('<') || ports.iter().any(|p| p.text("name") == Some(name))),
            };
            if !declared {
                let shown = port.scalar().unwrap_or_default();
                cx.report(
                    port,
                    format!("the {word} probe asks port {shown}, which the container does not declare"),
                    "declare the port, or probe one that is declared",
                );
            }
        }
    }
}
