//! `unused-role`: reports a Role or ClusterRole that nothing binds, and a ServiceAccount that no pod uses.

use crate::lint::context::Context;
use crate::lint::context::namespace;

pub(super) fn check(cx: &Context) {
    let bindings = cx.of(&["RoleBinding", "ClusterRoleBinding"]);
    for role in cx.of(&["Role", "ClusterRole"]) {
        let id = &role.object.id;
        let bound = bindings.iter().any(|b| {
            let here = id.kind == "ClusterRole" || namespace(b.object) == namespace(role.object);
            here && b.text("roleRef.kind") == Some(&id.kind) && b.text("roleRef.name") == Some(&id.name)
        });
        // Aggregated roles extend others without a binding.
        let aggregated = role.entries("metadata.labels").iter().any(|(k, _)| k.starts_with("rbac.authorization.k8s.io/aggregate-to-"));
        if !bound && !aggregated {
            cx.report(role, format!("nothing binds the {} `{}`", id.kind, id.name), "remove it, or bind it");
        }
    }
    for account in cx.all("ServiceAccount") {
        let name = account.object.id.name.as_str();
        let used = cx
            .pods_beside(account.object)
            .iter()
            .any(|p| p.spec.text("serviceAccountName").or_else(|| p.spec.text("serviceAccount")).unwrap_or("default") == name);
        let bound = bindings
            .iter()
            .any(|b| b.items("subjects").iter().any(|s| s.text("kind") == Some("ServiceAccount") && s.text("name") == Some(name)));
        if !used && !bound && name != "default" {
            cx.report(account, format!("no pod uses the ServiceAccount `{name}`"), "remove it, or name it in a pod");
        }
    }
}
