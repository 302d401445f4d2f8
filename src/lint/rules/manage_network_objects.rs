//! `manage-network-objects`: reports the right to change Services, Ingresses and network policies.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for rule in role.items("rules") {
            let verbs = rule.items("verbs");
            if !verbs.iter().filter_map(Field::str).any(|v| matches!(v, "create" | "update" | "patch" | "delete" | "*")) {
                continue;
            }
            for resource in rule.items("resources") {
                if matches!(resource.str(), Some("services" | "ingresses" | "networkpolicies")) {
                    cx.report(resource, "traffic may be redirected", "leave it to the deployment pipeline");
                }
            }
        }
    }
}
