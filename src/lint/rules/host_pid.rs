//! `host-pid`: reports a pod that uses the process table of its node (`hostPID: true`).

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if let Some(found) = pod.spec.get("hostPID").filter(|f| f.value.as_bool() == Some(true)) {
            cx.report(found, "the pod uses the process table of its node", "remove hostPID");
        }
    }
}
