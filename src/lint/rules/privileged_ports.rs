//! `privileged-ports`: reports a container port below 1024.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for port in container.field.items("ports") {
            if let Some(found) = port.get("containerPort").filter(|f| f.value.as_i64().is_some_and(|n| n < 1024)) {
                cx.report(found, "ports below 1024 need extra rights", "listen on a higher port; the Service can keep the low one");
            }
        }
    }
}
