//! `service-account-token-create`: reports the right to make tokens of ServiceAccounts.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for rule in role.items("rules") {
            let verbs = rule.items("verbs");
            if !verbs.iter().filter_map(Field::str).any(|v| matches!(v, "create" | "*")) {
                continue;
            }
            for resource in rule.items("resources") {
                if matches!(resource.str(), Some("serviceaccounts/token")) {
                    cx.report(resource, "tokens of every ServiceAccount may be made", "name single accounts with resourceNames");
                }
            }
        }
    }
}
