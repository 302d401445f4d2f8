//! `cluster-admin-in-role-binding`: reports a RoleBinding to `cluster-admin`, or to a Role of the set that grants
//! everything.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for binding in cx.all("RoleBinding") {
        let Some(name) = binding.get("roleRef.name") else { continue };
        let Some(text) = name.str() else { continue };
        let role = match binding.text("roleRef.kind") {
            Some("Role") => cx.find("Role", binding.object, text),
            _ => cx.find_anywhere("ClusterRole", text),
        };
        let star = |r: &Field, list: &str| r.items(list).iter().any(|i| i.str() == Some("*"));
        let everything = role.is_some_and(|r| r.items("rules").iter().any(|r| star(r, "verbs") && star(r, "resources")));
        if text == "cluster-admin" || everything {
            cx.report(name, "the subjects may do everything in this namespace", "bind a role that grants what is needed");
        }
    }
}
