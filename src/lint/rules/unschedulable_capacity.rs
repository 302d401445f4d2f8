//! `unschedulable-capacity`: reports a workload of which not all replicas fit on the nodes of the set.

use crate::lint::cluster;
use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    for pod in cx.pods().iter().filter(|p| p.is(&["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"])) {
        // Host ports and affinity have rules of their own.
        let free = cluster::eligible(pod, &nodes);
        let ports =
            pod.containers.iter().any(|c| c.field.items("ports").iter().any(|p| p.has("hostPort"))) || pod.spec.is_true("hostNetwork");
        if nodes.is_empty() || cluster::blocked(pod, &nodes).is_some() || ports || cluster::keeps_away(pod, "kubernetes.io/hostname") {
            continue;
        }
        let (fit, wanted) = (cluster::capacity(pod, &free), i128::from(pod.replicas()));
        if fit < wanted {
            cx.report(
                Field::root(pod.object).place("spec.replicas"),
                format!("{fit} of {wanted} pods fit on the nodes"),
                "lower the requests or the replicas, or add nodes",
            );
        }
    }
}
