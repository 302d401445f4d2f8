//! `request-exceeds-limit`: reports a resource request above the limit of the same resource.

use crate::lint::amount;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for (name, request) in container.field.entries("resources.requests") {
            let Some(limit) = container.field.get("resources.limits").and_then(|l| l.key(name)) else { continue };
            let (Some(wanted), Some(allowed)) = (amount::of(&request), amount::of(&limit)) else { continue };
            if wanted > allowed {
                let shown = limit.scalar().unwrap_or_default();
                cx.report(request, format!("the {name} request exceeds the limit of {shown}"), "raise the limit or lower the request");
            }
        }
    }
}
