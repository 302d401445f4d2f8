//! `low-gid`: reports a container whose `runAsGroup` is below 10000 or not set.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (pod, container) in cx.containers() {
        let own = container.field.get("securityContext.runAsGroup");
        let set = own.or_else(|| pod.spec.get("securityContext.runAsGroup"));
        match set {
            Some(id) if id.value.as_i64().is_some_and(|n| n < 10000) => {
                cx.report(id, "the group id is below 10000", "choose an id that the node does not use");
            }
            None => cx.report(container.field.place("securityContext.runAsGroup"), "no group id is set", "set runAsGroup to 10000 or more"),
            Some(_) => {}
        }
    }
}
