//! `gateway-parent-missing`: reports a route of the Gateway API whose parent names no Gateway of the set, when the
//! set has gateways.

use crate::diagnostic::similar;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for route in cx.of(&["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"]) {
        for parent in route.items("spec.parentRefs") {
            // A gateway of another namespace is the platform's.
            if !matches!(parent.text("kind"), None | Some("Gateway")) || parent.has("namespace") {
                continue;
            }
            let Some(name) = parent.get("name") else { continue };
            let Some(text) = name.str() else { continue };
            if cx.find("Gateway", route.object, text).is_none() && (cx.chart().is_none() || !cx.all("Gateway").is_empty()) {
                let help = similar(text, cx.names("Gateway", route.object))
                    .map_or_else(|| "add the Gateway, or name its namespace".to_owned(), |n| format!("did you mean `{n}`?"));
                cx.report(name, format!("there is no Gateway `{text}` in the set"), help);
            }
        }
    }
}
