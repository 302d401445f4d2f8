//! `unset-cpu-limits`: reports a container without a cpu limit.

use crate::lint::context::Context;
use crate::lint::context::Role;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        if container.role != Role::Ephemeral && !container.field.has("resources.limits.cpu") {
            cx.report(container.field.place("resources.limits"), "the container has no cpu limit", "set resources.limits.cpu");
        }
    }
}
