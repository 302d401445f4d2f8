//! `share-process-namespace`: reports a pod whose containers share one process name space.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if let Some(found) = pod.spec.get("shareProcessNamespace").filter(|f| f.value.as_bool() == Some(true)) {
            cx.report(
                found,
                "the containers of this pod see each other's processes",
                "remove shareProcessNamespace unless a sidecar needs it",
            );
        }
    }
}
