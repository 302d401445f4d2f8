//! `spread-selector-mismatch`: reports a spread constraint whose selector does not match its own pods.

use crate::lint::context::Context;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for constraint in pod.spec.items("topologySpreadConstraints") {
            let selector = constraint.get("labelSelector");
            if selector.as_ref().is_none_or(|s| labels::is_empty(s) || !labels::matches(s, &pod.labels)) {
                cx.report(
                    constraint.place("labelSelector"),
                    "the constraint does not count its own pods",
                    "select the labels of the pod template",
                );
            }
        }
    }
}
