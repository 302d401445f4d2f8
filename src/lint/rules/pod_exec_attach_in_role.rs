//! `pod-exec-attach-in-role`: reports the right to run commands in pods of a namespace.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role"]) {
        for rule in role.items("rules") {
            let verbs = rule.items("verbs");
            if !verbs.iter().filter_map(Field::str).any(|v| matches!(v, "get" | "create" | "*")) {
                continue;
            }
            for resource in rule.items("resources") {
                if matches!(resource.str(), Some("pods/exec" | "pods/attach")) {
                    cx.report(resource, "commands may be run in every pod of the namespace", "leave it to people who debug");
                }
            }
        }
    }
}
