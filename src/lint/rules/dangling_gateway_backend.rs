//! `dangling-gateway-backend`: reports a route of the Gateway API whose backend names no Service of the set, or no
//! port of it.

use crate::diagnostic::similar;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for route in cx.of(&["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"]) {
        for backend in route.items("spec.rules").iter().flat_map(|r| r.items("backendRefs")) {
            if !matches!(backend.text("kind"), None | Some("Service")) || !matches!(backend.text("group"), None | Some("")) {
                continue;
            }
            let Some(name) = backend.get("name") else { continue };
            let Some(text) = name.str() else { continue };
            let service = match backend.text("namespace") {
                Some(namespace) => cx.find_in("Service", namespace, text),
                None => cx.find("Service", route.object, text),
            };
            let Some(service) = service else {
                // Services of other namespaces are rarely in the set.
                if backend.has("namespace") {
                    continue;
                }
                let help = similar(text, cx.names("Service", route.object))
                    .map_or_else(|| "add the Service to the set".to_owned(), |n| format!("did you mean `{n}`?"));
                cx.report(name, format!("there is no Service `{text}` in the set"), help);
                continue;
            };
            let Some(port) = backend.get("port") else { continue };
            let ports = service.items("spec.ports");
            if !ports.iter().any(|p| p.int("port") == port.value.as_i64()) {
                let known: Vec<String> = ports.iter().filter_map(|p| p.int("port")).map(|p| p.to_string()).collect();
                cx.report(
                    port,
                    format!("the Service `{text}` has no port {}", port.value),
                    format!("its ports are: {}", known.join(", ")),
                );
            }
        }
    }
}
