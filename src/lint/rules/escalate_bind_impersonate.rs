//! `escalate-bind-impersonate`: reports the verbs `escalate`, `bind` and `impersonate`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for verb in role.items("rules").iter().flat_map(|r| r.items("verbs")) {
            if let Some(text) = verb.str().filter(|v| matches!(*v, "escalate" | "bind" | "impersonate")) {
                cx.report(verb, format!("{text} lets its holder gain other rights"), "remove the verb");
            }
        }
    }
}
