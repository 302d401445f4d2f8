//! `pod-with-controller-fields`: reports fields of a controller in a Pod.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.all("Pod") {
        let found = ["replicas", "selector", "template", "strategy"].iter().find_map(|n| object.get("spec").and_then(|s| s.get(n)));
        if let Some(field) = found {
            cx.report(field, "a Pod has no such field; was a Deployment meant?", "change the kind, or remove the field");
        }
    }
}
