//! `role-ref-missing`: reports a binding to a role that is neither in the set nor built in.

use crate::diagnostic::similar;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for binding in cx.of(&["ClusterRoleBinding", "RoleBinding"]) {
        let Some(name) = binding.get("roleRef.name") else { continue };
        let (Some(text), Some(kind)) = (name.str(), binding.text("roleRef.kind")) else { continue };
        let built_in = match kind {
            "ClusterRole" => matches!(text, "cluster-admin" | "admin" | "edit" | "view") || text.starts_with("system:"),
            // The API server keeps these in its own namespaces.
            _ => text == "extension-apiserver-authentication-reader" || text.starts_with("system:"),
        };
        let found = if kind == "Role" { cx.find(kind, binding.object, text) } else { cx.find_anywhere(kind, text) };
        if found.is_none() && !built_in {
            let help = similar(text, cx.names(kind, binding.object))
                .map_or_else(|| "add the role".to_owned(), |n| format!("did you mean `{n}`?"));
            cx.report(name, format!("the {kind} `{text}` is not in the set"), help);
        }
    }
}
