//! `privilege-escalation`: reports a container that does not set `allowPrivilegeEscalation: false`.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        // The server refuses `false` beside these.
        let added = container.field.items("securityContext.capabilities.add");
        let all = container.field.is_true("securityContext.privileged")
            || added.iter().filter_map(Field::str).any(|c| matches!(c, "SYS_ADMIN" | "CAP_SYS_ADMIN"));
        if all {
            continue;
        }
        if container.field.flag("securityContext.allowPrivilegeEscalation") != Some(false) {
            cx.report(
                container.field.place("securityContext.allowPrivilegeEscalation"),
                "the container may gain privileges",
                "set allowPrivilegeEscalation: false",
            );
        }
    }
}
