//! `unset-cpu-requests`: reports a container without a cpu request.

use crate::lint::context::Context;
use crate::lint::context::Role;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        // A limit alone is taken as the request, too.
        let set = ["requests", "limits"].iter().any(|l| container.field.has(&format!("resources.{l}.cpu")));
        if container.role != Role::Ephemeral && !set {
            cx.report(container.field.place("resources.requests"), "the container requests no cpu", "set resources.requests.cpu");
        }
    }
}
