//! `access-to-secrets`: reports access to Secrets.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for rule in role.items("rules") {
            let verbs = rule.items("verbs");
            if !verbs
                .iter()
                .filter_map(Field::str)
                .any(|v| matches!(v, "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "*"))
            {
                continue;
            }
            for resource in rule.items("resources") {
                if matches!(resource.str(), Some("secrets")) {
                    cx.report(resource, "Secrets may be read or changed", "name single Secrets with resourceNames");
                }
            }
        }
    }
}
