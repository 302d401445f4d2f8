//! `host-path-volume`: reports a hostPath volume.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for volume in pod.spec.items("volumes") {
            if let Some(host) = volume.get("hostPath") {
                cx.report(host, "the volume is a directory of the node", "use a persistent volume claim, a ConfigMap or an emptyDir");
            }
        }
    }
}
