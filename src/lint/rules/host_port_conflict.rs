//! `host-port-conflict`: reports a workload with a host port and more replicas than nodes.

use crate::lint::cluster;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    if nodes.is_empty() {
        return;
    }
    for pod in cx.pods().iter().filter(|p| p.is(&["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"])) {
        let free = cluster::eligible(pod, &nodes).len() as i64;
        let network = pod.spec.is_true("hostNetwork");
        let ports = pod.ports();
        let taken = ports.iter().find_map(|p| p.get("hostPort").or_else(|| p.get("containerPort").filter(|_| network)));
        if let Some(port) = taken.filter(|_| free > 0 && pod.replicas() > free) {
            let message = format!("{} replicas want the port {} of {free} nodes", pod.replicas(), port.value);
            cx.report(port, message, "use a Service, or a DaemonSet");
        }
    }
}
