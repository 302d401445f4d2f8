//! `cpu-limit-set`: reports a CPU limit.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        if let Some(limit) = container.field.get("resources.limits.cpu") {
            cx.report(limit, "a CPU limit throttles the container", "set a CPU request and no limit");
        }
    }
}
