//! `rbac-resource-names-no-effect`: reports resourceNames together with verbs that they cannot narrow: create and
//! deletecollection.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for rule in role.items("rules") {
            let Some(names) = rule.get("resourceNames").filter(|n| !n.list().is_empty()) else { continue };
            // A subresource such as serviceaccounts/token is created on an object that has a name.
            if rule.items("resources").iter().any(|r| r.str().is_some_and(|t| t.contains('/') || t == "*")) {
                continue;
            }
            let verbs = rule.items("verbs");
            let wrong: Vec<&str> = verbs.iter().filter_map(|v| v.str()).filter(|v| matches!(*v, "create" | "deletecollection")).collect();
            if !wrong.is_empty() {
                cx.report(
                    names,
                    format!("{} carries no name, so the rule never grants it", wrong.join(" and ")),
                    "give it a rule of its own without resourceNames",
                );
            }
        }
    }
}
