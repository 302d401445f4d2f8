//! `writable-host-mount`: reports a hostPath volume that is mounted writable.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let volumes = pod.spec.items("volumes");
        let host: Vec<&str> = volumes.iter().filter(|v| v.has("hostPath")).filter_map(|v| v.text("name")).collect();
        for mount in pod.containers.iter().flat_map(|c| c.field.items("volumeMounts")) {
            if mount.text("name").is_some_and(|n| host.contains(&n)) && !mount.is_true("readOnly") {
                cx.report(mount.place("readOnly"), "a directory of the node is mounted writable", "set readOnly: true");
            }
        }
    }
}
