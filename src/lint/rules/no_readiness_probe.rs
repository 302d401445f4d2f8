//! `no-readiness-probe`: reports a container behind a Service without a readiness probe.

use crate::lint::context::Context;
use crate::lint::context::Role;

pub(super) fn check(cx: &Context) {
    for (pod, container) in cx.containers() {
        // A container beside the one with the ports is not where the traffic goes.
        let beside = !container.field.has("ports") && pod.containers.iter().any(|c| c.role == Role::Main && c.field.has("ports"));
        let asked = pod.is(&["Deployment", "StatefulSet", "DaemonSet"]) && container.role == Role::Main && !beside;
        if asked && !container.field.has("readinessProbe") && !cx.services_of(pod).is_empty() {
            cx.report(
                container.field.place("readinessProbe"),
                "the container has no readiness probe, but a Service sends it traffic",
                "add a readinessProbe",
            );
        }
    }
}
