//! `host-network`: reports a pod that uses the network of its node (`hostNetwork: true`).

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if let Some(found) = pod.spec.get("hostNetwork").filter(|f| f.value.as_bool() == Some(true)) {
            cx.report(found, "the pod uses the network of its node", "remove hostNetwork");
        }
    }
}
