//! `unset-ephemeral-storage`: reports a container without request and limit for ephemeral storage.

use crate::lint::context::Context;
use crate::lint::context::Role;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers().filter(|(_, c)| c.role != Role::Ephemeral) {
        for list in ["limits", "requests"] {
            let path = format!("resources.{list}");
            if !container.field.get(&path).is_some_and(|l| l.has("ephemeral-storage")) {
                let what = list.trim_end_matches('s');
                cx.report(container.field.place(&path), format!("the container has no {what} for ephemeral-storage"), "set both");
                break;
            }
        }
    }
}
