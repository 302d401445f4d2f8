//! `memory-limit-too-small`: reports a memory limit below 6Mi.

use crate::lint::amount;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let Some(limit) = container.field.get("resources.limits.memory") else { continue };
        if amount::of(&limit).is_some_and(|v| v > 0 && v < 6 * 1024 * 1024 * 1000) {
            cx.report(limit, "no container starts with less than 6Mi", "raise the limit");
        }
    }
}
