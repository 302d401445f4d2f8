//! `seccomp-profile-unset`: reports a container without a seccomp profile, of its own or of its pod.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if pod.spec.has("securityContext.seccompProfile.type") {
            continue;
        }
        if pod.containers.iter().any(|c| !c.field.has("securityContext.seccompProfile.type")) {
            cx.report(
                pod.spec.place("securityContext.seccompProfile"),
                "no seccomp profile limits the system calls",
                "set securityContext.seccompProfile.type: RuntimeDefault",
            );
        }
    }
}
