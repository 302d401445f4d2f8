//! `admission-webhook-control`: reports the right to change admission webhooks.

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
                if matches!(resource.str(), Some("validatingwebhookconfigurations" | "mutatingwebhookconfigurations")) {
                    cx.report(resource, "admission webhooks may be changed", "leave it to the operator that owns them");
                }
            }
        }
    }
}
