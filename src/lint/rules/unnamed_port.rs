//! `unnamed-port`: reports a port of a container without a name.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for port in container.field.items("ports").into_iter().filter(|p| !p.has("name")) {
            cx.report(port.place("name"), "the port has no name", "name it after its protocol, such as http");
        }
    }
}
