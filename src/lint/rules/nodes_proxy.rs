//! `nodes-proxy`: reports access to `nodes/proxy`.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for rule in role.items("rules") {
            let verbs = rule.items("verbs");
            if !verbs.iter().filter_map(Field::str).any(|v| matches!(v, "get" | "create" | "update" | "patch" | "delete" | "*")) {
                continue;
            }
            for resource in rule.items("resources") {
                if matches!(resource.str(), Some("nodes/proxy")) {
                    cx.report(resource, "the kubelets' API is open", "use the metrics endpoints meant for it");
                }
            }
        }
    }
}
