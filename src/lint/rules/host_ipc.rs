//! `host-ipc`: reports a pod that uses the IPC name space of its node (`hostIPC: true`).

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if let Some(found) = pod.spec.get("hostIPC").filter(|f| f.value.as_bool() == Some(true)) {
            cx.report(found, "the pod uses the IPC name space of its node", "remove hostIPC");
        }
    }
}
