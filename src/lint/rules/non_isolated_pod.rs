//! `non-isolated-pod`: reports a workload that no NetworkPolicy selects.

use crate::lint::context::Context;
use crate::lint::context::namespace;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    let policies = cx.all("NetworkPolicy");
    for pod in cx.pods() {
        let selected = policies.iter().any(|p| {
            namespace(p.object) == namespace(pod.object) && p.get("spec.podSelector").is_some_and(|s| labels::matches(&s, &pod.labels))
        });
        if !selected {
            cx.report(pod.object, "no NetworkPolicy selects the pods", "add a policy that denies by default, and allow what is needed");
        }
    }
}
