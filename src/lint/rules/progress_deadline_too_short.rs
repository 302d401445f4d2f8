//! `progress-deadline-too-short`: reports a progress deadline that ends before a pod can become ready.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods().iter().filter(|p| p.is(&["Deployment"])) {
        let Some(deadline) = Field::root(pod.object).get("spec.progressDeadlineSeconds") else { continue };
        let Some(seconds) = deadline.value.as_i64() else { continue };
        let steady = Field::root(pod.object).int("spec.minReadySeconds").unwrap_or(0);
        let probes = pod.containers.iter().filter_map(|c| c.field.get("readinessProbe"));
        let first = probes.map(|p| p.int("initialDelaySeconds").unwrap_or(0).saturating_add(p.int("periodSeconds").unwrap_or(10)));
        let first = first.max().unwrap_or(0);
        if seconds <= steady || seconds <= first {
            cx.report(deadline, format!("no pod can be ready within {seconds} s"), "raise progressDeadlineSeconds");
        }
    }
}
