//! `rbac-unknown-verb`: reports a verb that Kubernetes does not have.

use crate::diagnostic::similar;
use crate::lint::context::Context;

const VERBS: &[&str] = &[
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "use",
    "bind",
    "escalate",
    "impersonate",
    "approve",
    "sign",
    "attest",
    "proxy",
    "connect",
    "put",
    "post",
    "head",
    "options",
    "*",
];

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for verb in role.items("rules").iter().flat_map(|r| r.items("verbs")) {
            // Verbs of other API groups look like impersonate:user-info.
            let known = |v: &str| VERBS.contains(&v) || v.contains(':');
            if let Some(text) = verb.str().filter(|v| !known(v)) {
                let help = similar(text, VERBS.iter().copied())
                    .map_or_else(|| "use get, list, watch, create, update, patch or delete".to_owned(), |v| format!("did you mean `{v}`?"));
                cx.report(verb, format!("`{text}` is not a verb of Kubernetes"), help);
            }
        }
    }
}
