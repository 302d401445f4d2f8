//! `namespace-without-quota`: reports a Namespace without a ResourceQuota.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let quotas = cx.all("ResourceQuota");
    for namespace in cx.all("Namespace") {
        let name = &namespace.object.id.name;
        if !quotas.iter().any(|r| r.object.id.namespace == *name) {
            cx.report(namespace, format!("the Namespace `{name}` has no ResourceQuota"), "add one");
        }
    }
}
