//! `host-port`: reports a container that occupies a port of its node.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for port in container.field.items("ports") {
            if let Some(found) = port.get("hostPort").filter(|f| f.value.as_i64().is_some_and(|n| n != 0)) {
                cx.report(found, "the container occupies a port of its node", "use a Service");
            }
        }
    }
}
