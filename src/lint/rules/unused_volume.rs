//! `unused-volume`: reports a volume that no container mounts.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let mounts: Vec<_> =
            pod.containers.iter().flat_map(|c| ["volumeMounts", "volumeDevices"].map(|l| c.field.items(l))).flatten().collect();
        for volume in pod.spec.items("volumes") {
            let Some(name) = volume.get("name") else { continue };
            if name.str().is_some_and(|n| !mounts.iter().any(|m| m.text("name") == Some(n))) {
                let shown = name.scalar().unwrap_or_default();
                cx.report(name, format!("no container mounts the volume `{shown}`"), "mount it or remove it");
            }
        }
    }
}
