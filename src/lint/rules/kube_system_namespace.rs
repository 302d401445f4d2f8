//! `kube-system-namespace`: reports an object in a namespace of the system.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        let Some(namespace) = object.get("metadata.namespace") else { continue };
        let Some(text) = namespace.str().filter(|n| matches!(*n, "kube-system" | "kube-public" | "kube-node-lease")) else { continue };
        // What finds the cluster's own components, and the role that API servers are read with, are nowhere else.
        let finds = object.object.id.kind == "Service" && cx.selected_by(&object).is_empty();
        if finds || object.text("roleRef.name") == Some("extension-apiserver-authentication-reader") {
            continue;
        }
        cx.report(namespace, format!("{text} belongs to the cluster"), "use a namespace of your own");
    }
}
