//! `sub-path-expr-symlink`: reports a subPath on a writable volume that other containers share.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (pod, container) in cx.containers() {
        let volumes = pod.spec.items("volumes");
        for mount in container.field.items("volumeMounts") {
            let Some(path) = mount.get("subPath").or_else(|| mount.get("subPathExpr")) else { continue };
            let volume = volumes.iter().find(|v| v.text("name") == mount.text("name"));
            let fixed = volume.is_some_and(|v| ["configMap", "secret", "downwardAPI", "projected"].iter().any(|k| v.has(k)));
            if !fixed && !mount.is_true("readOnly") {
                cx.report(path, "subPath on a writable volume", "mount the whole volume, or mount it read-only");
            }
        }
    }
}
