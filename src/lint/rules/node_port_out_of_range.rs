//! `node-port-out-of-range`: reports a `nodePort` outside 30000 to 32767.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for service in cx.all("Service") {
        for port in service.items("spec.ports") {
            let Some(node) = port.get("nodePort") else { continue };
            if node.value.as_i64().is_some_and(|n| n != 0 && !(30000..=32767).contains(&n)) {
                let shown = node.scalar().unwrap_or_default();
                cx.report(node, format!("node port {shown} is not in 30000-32767"), "choose a port of the range, or leave it out");
            }
        }
    }
}
