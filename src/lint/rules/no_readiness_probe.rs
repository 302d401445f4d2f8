//! `no-readiness-probe`: reports a container behind a Service without a readiness probe.

use crate::lint::context::Container;
use crate::lint::context::Context;
use crate::lint::context::Pod;
use crate::lint::context::Role;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for (pod, container) in cx.containers() {
        // A container beside the one with the ports is not where the traffic goes.
        let beside = !container.field.has("ports") && pod.containers.iter().any(|c| c.role == Role::Main && c.field.has("ports"));
        let asked = pod.is(&["Deployment", "StatefulSet", "DaemonSet"]) && container.role == Role::Main && !beside;
        let services = cx.services_of(pod);
        let reached = || services.iter().any(|service| sends(service, pod, container));
        if asked && !container.field.has("readinessProbe") && reached() {
            cx.report(
                container.field.place("readinessProbe"),
                "the container has no readiness probe, but a Service sends it traffic",
                "add a readinessProbe",
            );
        }
    }
}

/// Whether a Service may send a container traffic: one of its ports leads to a port that the container declares, or to one
/// that no container does.
fn sends(service: &Field, pod: &Pod, container: &Container) -> bool {
    let declares = |container: &Container, target: &Field| {
        container.field.items("ports").iter().any(|port| match target.str() {
            Some(name) => port.text("name") == Some(name),
            None => port.int("containerPort").is_some_and(|number| target.value.as_i64() == Some(number)),
        })
    };
    let ports = service.items("spec.ports");
    let mut targets = ports.iter().filter_map(|port| port.get("targetPort").or_else(|| port.get("port"))).peekable();
    targets.peek().is_none() || targets.any(|target| declares(container, &target) || !pod.containers.iter().any(|c| declares(c, &target)))
}
