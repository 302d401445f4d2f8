//! `missing-selector`: reports an apps/v1 workload without `spec.selector`.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if !pod.is(&["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"]) || pod.object.id.api_version != "apps/v1" {
            continue;
        }
        let root = Field::root(pod.object);
        if root.get("spec.selector").is_none_or(|s| labels::is_empty(&s)) {
            cx.report(
                root.place("spec.selector"),
                "the workload has no selector",
                "copy the pod template's labels to spec.selector.matchLabels",
            );
        }
    }
}
