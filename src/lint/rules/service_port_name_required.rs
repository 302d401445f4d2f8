//! `service-port-name-required`: reports an unnamed port of a Service with several ports.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for service in cx.all("Service") {
        let ports = service.items("spec.ports");
        for port in ports.iter().filter(|p| ports.len() > 1 && p.text("name").is_none_or(str::is_empty)) {
            cx.report(port.place("name"), "each of several ports needs a name", "name the port");
        }
    }
}
