//! `no-readiness-probe`: reports a container behind a Service without a readiness probe.

use crate::lint::context::Context;
use crate::lint::context::Role;

pub(super) fn check(cx: &Context) {
    for (pod, container) in cx.containers() {
        let asked = pod.is(&["Deployment", "StatefulSet", "DaemonSet"]) && container.role == Role::Main;
        if asked && !container.field.has("readinessProbe") && !cx.services_of(pod).is_empty() {
            cx.report(
                container.field.place("readinessProbe"),
                "the container has no readiness probe, but a Service sends it traffic",
                "add a readinessProbe",
            );
        }
    }
}
