//! `manage-config-maps`: reports the right to change ConfigMaps.

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
                if matches!(resource.str(), Some("configmaps")) {
                    cx.report(resource, "ConfigMaps may be changed", "name single ConfigMaps with resourceNames");
                }
            }
        }
    }
}
