//! `privilege-escalation`: reports a container that does not set `allowPrivilegeEscalation: false`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        if container.field.flag("securityContext.allowPrivilegeEscalation") != Some(false) {
            cx.report(
                container.field.place("securityContext.allowPrivilegeEscalation"),
                "the container may gain privileges",
                "set allowPrivilegeEscalation: false",
            );
        }
    }
}
