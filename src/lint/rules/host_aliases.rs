//! `host-aliases`: reports `hostAliases` in a pod.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if let Some(found) = pod.spec.get("hostAliases") {
            cx.report(found, "host aliases override DNS in this pod", "use DNS or a Service of type ExternalName");
        }
    }
}
