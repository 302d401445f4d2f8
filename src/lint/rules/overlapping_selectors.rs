//! `overlapping-selectors`: reports a controller whose selector also matches the pods of another controller of its
//! namespace.

use crate::diagnostic::Severity;
use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::labels;
use crate::lint::labels::Selector;

const KINDS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"];

pub(super) fn check(cx: &Context) {
    for pod in cx.pods().iter().filter(|p| p.is(KINDS)) {
        let Some(selector) = Field::root(pod.object).get("spec.selector") else { continue };
        if labels::is_empty(&selector) {
            continue;
        }
        let chosen = Selector::of(&selector);
        let other = cx.pods_beside(pod.object).into_iter().find(|o| {
            let same = o.object.id.kind == pod.object.id.kind && o.object.id.name == pod.object.id.name;
            o.is(KINDS) && !same && chosen.matches(&o.labels)
        });
        if let Some(other) = other {
            let id = &other.object.id;
            // A StatefulSet only takes pods that are called as it is.
            let numbered = pod.is(&["StatefulSet"]) && other.is(&["StatefulSet"]);
            cx.report_as(
                if numbered { Severity::Warning } else { Severity::Error },
                selector,
                format!("the selector also matches the pods of {}/{}", id.kind, id.name),
                "give each workload a label of its own, in the selector and in the pod template",
            );
        }
    }
}
