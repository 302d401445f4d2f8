//! `access-to-create-pods`: reports the right to create pods or workloads.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for rule in role.items("rules") {
            let verbs = rule.items("verbs");
            if !verbs.iter().filter_map(Field::str).any(|v| matches!(v, "create" | "*")) {
                continue;
            }
            for resource in rule.items("resources") {
                if matches!(
                    resource.str(),
                    Some(
                        "pods"
                            | "deployments"
                            | "daemonsets"
                            | "statefulsets"
                            | "replicasets"
                            | "jobs"
                            | "cronjobs"
                            | "replicationcontrollers"
                    )
                ) {
                    cx.report(
                        resource,
                        "who may create pods may use every Secret and account of the namespace",
                        "leave it to the deployment pipeline",
                    );
                }
            }
        }
    }
}
