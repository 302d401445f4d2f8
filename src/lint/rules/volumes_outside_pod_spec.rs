//! `volumes-outside-pod-spec`: reports fields of a pod's spec that stand in the spec of the workload instead.

use crate::lint::context::Context;
use crate::lint::context::template_path;
use crate::lint::field::Field;

/// Fields of a pod's spec that no workload has in its own.
const FIELDS: &[&str] = &[
    "volumes",
    "containers",
    "initContainers",
    "nodeSelector",
    "affinity",
    "tolerations",
    "imagePullSecrets",
    "restartPolicy",
    "securityContext",
    "serviceAccountName",
    "terminationGracePeriodSeconds",
    "topologySpreadConstraints",
    "hostNetwork",
    "dnsPolicy",
    "priorityClassName",
    "schedulerName",
    "nodeName",
];

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let object = Field::root(pod.object);
        let Some(path) = template_path(pod.object).filter(|p| p.starts_with("spec.")) else { continue };
        let mut parents = vec!["spec".to_owned(), path.to_owned()];
        if pod.kind() == "CronJob" {
            parents.push("spec.jobTemplate.spec".to_owned());
            parents.push("spec.jobTemplate".to_owned());
        }
        for parent in parents {
            for name in FIELDS {
                if let Some(field) = object.get(&format!("{parent}.{name}")) {
                    cx.report(field, format!("`{name}` belongs into {path}.spec"), format!("move it below {path}.spec"));
                }
            }
        }
    }
}
