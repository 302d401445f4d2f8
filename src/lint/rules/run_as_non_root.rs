//! `run-as-non-root`: reports a container that neither the pod nor itself keeps from running as root.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (pod, container) in cx.containers() {
        let set = |name: &str| {
            container.field.get(&format!("securityContext.{name}")).or_else(|| pod.spec.get(&format!("securityContext.{name}")))
        };
        let non_root = set("runAsNonRoot").is_some_and(|f| f.value.as_bool() == Some(true));
        let user = set("runAsUser").and_then(|f| f.value.as_i64());
        // Explicit root has a rule of its own.
        if !non_root && user.is_none() {
            cx.report(container.field.place("securityContext.runAsNonRoot"), "the container may run as root", "set runAsNonRoot: true");
        }
    }
}
