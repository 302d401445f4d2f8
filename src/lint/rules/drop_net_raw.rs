//! `drop-net-raw`: reports a container that keeps `NET_RAW`.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let dropped = container.field.items("securityContext.capabilities.drop");
        let done =
            dropped.iter().filter_map(Field::str).any(|c| matches!(c.to_ascii_uppercase().trim_start_matches("CAP_"), "ALL" | "NET_RAW"));
        // A privileged container has all of them whatever it drops.
        if !done && !container.field.is_true("securityContext.privileged") {
            cx.report(
                container.field.place("securityContext.capabilities"),
                "the container may forge network packets",
                "set capabilities.drop: [ALL]",
            );
        }
    }
}
