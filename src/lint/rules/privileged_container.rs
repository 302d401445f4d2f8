//! `privileged-container`: reports a privileged container.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        if let Some(found) = container.field.get("securityContext.privileged").filter(|f| f.value.as_bool() == Some(true)) {
            cx.report(found, "the container is privileged", "grant single capabilities instead");
        }
    }
}
