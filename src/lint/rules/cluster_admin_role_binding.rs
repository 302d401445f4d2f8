//! `cluster-admin-role-binding`: reports a binding to `cluster-admin`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for binding in cx.of(&["ClusterRoleBinding", "RoleBinding"]) {
        if let Some(name) = binding.get("roleRef.name").filter(|n| n.str() == Some("cluster-admin")) {
            cx.report(name, "the subjects may do everything", "bind a role that grants what is needed");
        }
    }
}
