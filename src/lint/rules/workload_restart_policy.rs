//! `workload-restart-policy`: reports a restart policy other than Always in a Deployment, StatefulSet or
//! DaemonSet.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods().iter().filter(|p| p.is(&["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"])) {
        if let Some(policy) = pod.spec.get("restartPolicy").filter(|p| p.str() != Some("Always")) {
            cx.report(policy, format!("the pods of a {} restart always", pod.kind()), "remove restartPolicy, or use a Job");
        }
    }
}
