//! `unschedulable-anti-affinity`: reports a required anti-affinity between the pods of a workload that has more
//! replicas than there are domains.

use std::collections::BTreeSet;

use crate::lint::cluster;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    if nodes.is_empty() {
        return;
    }
    for pod in cx.pods().iter().filter(|p| p.is(&["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"])) {
        let free = cluster::eligible(pod, &nodes);
        for term in pod.spec.items("affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution") {
            let Some(key) = term.text("topologyKey") else { continue };
            // Nodes without the label are no domain, and take any number.
            if !cluster::keeps_away(pod, key) || free.iter().any(|n| !n.labels.contains_key(key)) || free.is_empty() {
                continue;
            }
            let domains: BTreeSet<&str> = free.iter().filter_map(|n| n.labels.get(key).copied()).collect();
            if pod.replicas() > domains.len() as i64 {
                let message = format!("{} replicas must not share a {key}, of which there are {}", pod.replicas(), domains.len());
                cx.report(pod.spec.place("affinity.podAntiAffinity"), message, "use preferredDuringSchedulingIgnoredDuringExecution");
                break;
            }
        }
    }
}
