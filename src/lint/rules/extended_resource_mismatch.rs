//! `extended-resource-mismatch`: reports a device or huge page resource whose request and limit differ.

use crate::lint::amount;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for (name, request) in container.field.entries("resources.requests") {
            if !(name.starts_with("hugepages-") || name.contains('/') && !name.starts_with("kubernetes.io/")) {
                continue;
            }
            let limit = container.field.get("resources.limits").and_then(|l| l.key(name));
            if limit.as_ref().and_then(amount::of) != amount::of(&request) {
                cx.report(request, format!("{name} needs a limit equal to its request"), "set the same amount under limits");
            }
        }
    }
}
