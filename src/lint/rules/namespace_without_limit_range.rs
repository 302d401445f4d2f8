//! `namespace-without-limit-range`: reports a Namespace without a LimitRange.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let ranges = cx.all("LimitRange");
    for namespace in cx.all("Namespace") {
        let name = &namespace.object.id.name;
        if !ranges.iter().any(|r| r.object.id.namespace == *name) {
            cx.report(namespace, format!("the Namespace `{name}` has no LimitRange"), "add one with defaults for containers");
        }
    }
}
