//! `wildcard-in-rules`: reports `*` in the rules of a role.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for rule in role.items("rules") {
            for list in ["apiGroups", "resources", "verbs"] {
                for item in rule.items(list).into_iter().filter(|i| i.str() == Some("*")) {
                    cx.report(item, format!("the rule grants all {list}"), "name what is needed");
                }
            }
        }
    }
}
