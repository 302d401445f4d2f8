//! `unset-memory-limits`: reports a container without a memory limit.

use crate::lint::context::Context;
use crate::lint::context::Role;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        if container.role != Role::Ephemeral && !container.field.has("resources.limits.memory") {
            cx.report(container.field.place("resources.limits"), "the container has no memory limit", "set resources.limits.memory");
        }
    }
}
