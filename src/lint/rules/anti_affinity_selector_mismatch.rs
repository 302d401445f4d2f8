//! `anti-affinity-selector-mismatch`: reports an anti-affinity between pods whose selector does not match the pod's
//! own labels.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods().iter().filter(|p| !p.is(&["Pod", "Job", "CronJob"]) || p.is(&["Pod"])) {
        let mut terms = pod.spec.items("affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution");
        let preferred = pod.spec.items("affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution");
        terms.extend(preferred.iter().filter_map(|p| p.get("podAffinityTerm")));
        let selectors: Vec<Field> = terms.iter().filter_map(|t| t.get("labelSelector")).collect();
        // One term for itself is enough; others may keep away from other workloads.
        if selectors.iter().any(|s| labels::matches(s, &pod.labels)) {
            continue;
        }
        let others = |s: &Field| cx.pods().iter().any(|p| !std::ptr::eq(p.object, pod.object) && labels::matches(s, &p.labels));
        for selector in selectors.into_iter().filter(|s| !others(s)) {
            cx.report(selector, "the selector does not match the pod's own labels", "select the labels of the pod template");
        }
    }
}
