//! `missing-security-context`: reports a container without security context in a pod without one.

use crate::lint::context::Context;
use crate::lint::context::Role;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    let set = |f: &Field| f.get("securityContext").is_some_and(|s| s.value.as_object().is_some_and(|m| !m.is_empty()));
    for (pod, container) in cx.containers().filter(|(_, c)| c.role != Role::Ephemeral) {
        if !set(&pod.spec) && !set(&container.field) {
            cx.report(
                container.field.place("securityContext"),
                "neither the pod nor the container has a security context",
                "set runAsNonRoot, allowPrivilegeEscalation: false and capabilities.drop: [ALL]",
            );
        }
    }
}
