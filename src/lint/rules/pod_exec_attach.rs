//! `pod-exec-attach`: reports the right to run commands in pods.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::runs;

pub(super) fn check(cx: &Context) {
    // Of a Role another rule tells, where it runs.
    let kinds: &[&str] = if runs("pod-exec-attach-in-role", cx.input.options) { &["ClusterRole"] } else { &["Role", "ClusterRole"] };
    for role in cx.of(kinds) {
        for rule in role.items("rules") {
            let verbs = rule.items("verbs");
            if !verbs.iter().filter_map(Field::str).any(|v| matches!(v, "get" | "create" | "*")) {
                continue;
            }
            for resource in rule.items("resources") {
                if matches!(resource.str(), Some("pods/exec" | "pods/attach")) {
                    cx.report(resource, "commands may be run in every pod", "leave it to people who debug");
                }
            }
        }
    }
}
