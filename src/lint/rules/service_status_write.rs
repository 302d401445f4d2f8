//! `service-status-write`: reports the right to write the status of Services.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for rule in role.items("rules") {
            let verbs = rule.items("verbs");
            if !verbs.iter().filter_map(Field::str).any(|v| matches!(v, "patch" | "update" | "*")) {
                continue;
            }
            for resource in rule.items("resources") {
                if matches!(resource.str(), Some("services/status")) {
                    cx.report(resource, "traffic may be taken over through the status", "leave it to the load balancer controller");
                }
            }
        }
    }
}
