//! `ingress-backend-port-missing`: reports an Ingress backend whose port the Service does not have.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for ingress in cx.all("Ingress") {
        let rules = ingress.items("spec.rules");
        let paths = rules.iter().flat_map(|r| r.items("http.paths")).filter_map(|p| p.get("backend"));
        for backend in paths.chain(ingress.get("spec.defaultBackend")) {
            let Some(service) = backend.text("service.name").and_then(|n| cx.find("Service", ingress.object, n)) else { continue };
            let ports = service.items("spec.ports");
            if let Some(number) = backend.get("service.port.number") {
                if number.value.as_i64().is_some_and(|n| !ports.iter().any(|p| p.int("port") == Some(n))) {
                    let shown = number.scalar().unwrap_or_default();
                    cx.report(number, format!("the Service has no port {shown}"), "name a port of the Service, not of its pods");
                }
            } else if let Some(name) = backend.get("service.port.name") {
                if name.str().is_some_and(|n| !ports.iter().any(|p| p.text("name") == Some(n))) {
                    let shown = name.scalar().unwrap_or_default();
                    cx.report(name, format!("the Service has no port named `{shown}`"), "name a port of the Service, not of its pods");
                }
            }
        }
    }
}
