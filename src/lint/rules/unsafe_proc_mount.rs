//! `unsafe-proc-mount`: reports a container with an unmasked `/proc`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        if let Some(found) = container.field.get("securityContext.procMount").filter(|f| f.str() == Some("Unmasked")) {
            cx.report(found, "/proc of the node is not masked", "use the default procMount");
        }
    }
}
