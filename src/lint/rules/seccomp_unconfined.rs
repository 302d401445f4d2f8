//! `seccomp-unconfined`: reports the seccomp profile `Unconfined`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let pods = cx.pods().iter().map(|p| &p.spec);
    for field in pods.chain(cx.containers().map(|(_, c)| &c.field)) {
        if let Some(kind) = field.get("securityContext.seccompProfile.type").filter(|f| f.str() == Some("Unconfined")) {
            cx.report(kind, "system calls are not filtered", "use RuntimeDefault");
        }
    }
}
