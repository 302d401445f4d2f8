//! `no-liveness-probe`: reports a long-running container without a liveness probe.

use crate::lint::context::Context;
use crate::lint::context::Role;

pub(super) fn check(cx: &Context) {
    for (pod, container) in cx.containers() {
        let asked = pod.is(&["Deployment", "StatefulSet", "DaemonSet"]) && container.role == Role::Main;
        if asked && !container.field.has("livenessProbe") {
            cx.report(container.field.place("livenessProbe"), "the container has no liveness probe", "add a livenessProbe");
        }
    }
}
