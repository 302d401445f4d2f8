//! `rwo-volume-multi-replica`: reports a Deployment with several replicas that share one volume which only one node
//! (or one pod) can mount.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods().iter().filter(|p| p.is(&["Deployment", "ReplicaSet", "ReplicationController"])) {
        let replicas = pod.replicas();
        if replicas < 2 {
            continue;
        }
        if let Some((_, name)) = cx.single_node_claim(pod) {
            cx.report(
                Field::root(pod.object).place("spec.replicas"),
                format!("{replicas} replicas share the claim `{name}`, which one node at a time can mount"),
                "use a StatefulSet with volumeClaimTemplates, or a volume with ReadWriteMany",
            );
        }
    }
}
