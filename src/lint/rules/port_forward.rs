//! `port-forward`: reports the right to forward ports of pods.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for rule in role.items("rules") {
            let verbs = rule.items("verbs");
            if !verbs.iter().filter_map(Field::str).any(|v| matches!(v, "create" | "get" | "*")) {
                continue;
            }
            for resource in rule.items("resources") {
                if matches!(resource.str(), Some("pods/portforward")) {
                    cx.report(resource, "every port of every pod may be reached", "leave it to people who debug");
                }
            }
        }
    }
}
