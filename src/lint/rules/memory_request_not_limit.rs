//! `memory-request-not-limit`: reports a container whose memory request and limit differ.

use crate::lint::amount;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let limit = container.field.get("resources.limits.memory");
        let Some(request) = container.field.get("resources.requests.memory") else { continue };
        if limit.as_ref().and_then(amount::of) != amount::of(&request) {
            cx.report(
                container.field.place("resources.limits.memory"),
                "the memory request and limit differ",
                "set both to the same amount",
            );
        }
    }
}
