//! `persistent-volume-create`: reports the right to create persistent volumes.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    // A Role is about what lives in its namespace, and persistent volumes live in none.
    for role in cx.of(&["ClusterRole"]) {
        for rule in role.items("rules") {
            let verbs = rule.items("verbs");
            if !verbs.iter().filter_map(Field::str).any(|v| matches!(v, "create" | "*")) {
                continue;
            }
            for resource in rule.items("resources") {
                if matches!(resource.str(), Some("persistentvolumes")) {
                    cx.report(resource, "a hostPath volume may be made", "leave it to the storage provisioner");
                }
            }
        }
    }
}
