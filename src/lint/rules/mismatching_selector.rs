//! `mismatching-selector`: reports a workload whose `spec.selector` does not match the labels of its own pod
//! template.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if !pod.is(&["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"]) {
            continue;
        }
        let Some(selector) = Field::root(pod.object).get("spec.selector") else { continue };
        if labels::is_empty(&selector) || labels::matches(&selector, &pod.labels) {
            continue;
        }
        let place = labels::culprit(&selector, "matchLabels", &pod.labels);
        cx.report(
            place,
            "the selector does not match the labels of the pod template",
            "make spec.selector and the template's labels agree",
        );
    }
}
