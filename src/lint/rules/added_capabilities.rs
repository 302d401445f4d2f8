//! `added-capabilities`: reports a capability outside the list of the baseline Pod Security Standard.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for added in container.field.items("securityContext.capabilities.add") {
            let Some(text) = added.str() else { continue };
            let name = text.strip_prefix("CAP_").unwrap_or(text);
            if !matches!(
                name,
                "AUDIT_WRITE"
                    | "CHOWN"
                    | "DAC_OVERRIDE"
                    | "FOWNER"
                    | "FSETID"
                    | "KILL"
                    | "MKNOD"
                    | "NET_BIND_SERVICE"
                    | "SETFCAP"
                    | "SETGID"
                    | "SETPCAP"
                    | "SETUID"
                    | "SYS_CHROOT"
            ) {
                cx.report(added, format!("{name} is not in the baseline list of capabilities"), "drop the capability");
            }
        }
    }
}
