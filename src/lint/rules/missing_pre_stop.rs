//! `missing-pre-stop`: reports a container behind a Service without a preStop hook.

use crate::lint::context::Context;
use crate::lint::context::Role;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods().iter().filter(|p| !p.is(&["Job", "CronJob"])) {
        if cx.services_of(pod).is_empty() {
            continue;
        }
        let serving = pod.containers.iter().filter(|c| c.role == Role::Main).collect::<Vec<_>>();
        let any_ports = serving.iter().any(|c| c.field.has("ports"));
        for container in serving {
            if (container.field.has("ports") || !any_ports) && !container.field.has("lifecycle.preStop") {
                cx.report(
                    container.field.place("lifecycle.preStop"),
                    "the container has no preStop hook",
                    "add lifecycle.preStop.sleep with some seconds",
                );
            }
        }
    }
}
