//! `service-selects-several-workloads`: reports a Service that selects the pods of several workloads with different
//! ports and sends connections to a port that not all of them have.

use std::collections::BTreeSet;

use crate::lint::context::Context;
use crate::lint::context::Pod;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for service in cx.all("Service") {
        let pods = cx.selected_by(&service);
        let lasting: Vec<_> = pods.into_iter().filter(|p| !p.is(&["Job", "CronJob"]) && !cx.is_hook(p.object) && !p.ports().is_empty()).collect();
        let ports: BTreeSet<BTreeSet<i64>> = lasting.iter().map(|p| declared(p)).collect();
        if lasting.len() > 1 && ports.len() > 1 && misses(&service, &lasting) {
            let names: Vec<String> = lasting.iter().map(|p| format!("{}/{}", p.kind(), p.object.id.name)).collect();
            cx.report(
                service.place("spec.selector"),
                format!("the Service selects the pods of {} workloads with different ports", names.len()),
                format!("{}: select the one that is meant by a further label", names.join(", ")),
            );
        }
    }
}

fn declared(pod: &Pod) -> BTreeSet<i64> {
    pod.ports().iter().filter_map(|f| f.int("containerPort")).collect()
}

/// Whether connections may arrive at a pod that does not listen. A port by name leads to the pods that have it, each with
/// its own number; the name of a headless Service that governs the workloads is for their pods, not for connections.
fn misses(service: &Field, pods: &[&Pod]) -> bool {
    let headless = service.text("spec.clusterIP") == Some("None");
    let governs = |pod: &&Pod| Field::root(pod.object).text("spec.serviceName") == Some(service.object.id.name.as_str());
    if headless && pods.iter().all(governs) {
        return false;
    }
    let targets = service.items("spec.ports");
    let numbers = targets.iter().filter_map(|port| port.get("targetPort").or_else(|| port.get("port"))?.value.as_i64());
    numbers.into_iter().any(|number| pods.iter().any(|pod| !declared(pod).contains(&number)))
}
