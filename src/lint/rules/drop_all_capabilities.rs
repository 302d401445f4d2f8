//! `drop-all-capabilities`: reports a container that does not drop all capabilities.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let dropped = container.field.items("securityContext.capabilities.drop");
        let done = dropped.iter().filter_map(Field::str).any(|c| matches!(c.to_ascii_uppercase().trim_start_matches("CAP_"), "ALL"));
        // A privileged container has all of them whatever it drops.
        if !done && !container.field.is_true("securityContext.privileged") {
            cx.report(
                container.field.place("securityContext.capabilities.drop"),
                "the container keeps capabilities it may not need",
                "set capabilities.drop: [ALL]",
            );
        }
    }
}
