//! `delete-logs-events`: reports the right to delete events and logs.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for rule in role.items("rules") {
            let verbs = rule.items("verbs");
            if !verbs.iter().filter_map(Field::str).any(|v| matches!(v, "delete" | "deletecollection" | "*")) {
                continue;
            }
            for resource in rule.items("resources") {
                if matches!(resource.str(), Some("events" | "pods/log")) {
                    cx.report(resource, "traces may be removed", "do not grant delete");
                }
            }
        }
    }
}
