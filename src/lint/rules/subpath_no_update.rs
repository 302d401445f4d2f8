//! `subpath-no-update`: reports a ConfigMap or Secret that is mounted with `subPath`.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let volumes = pod.spec.items("volumes");
        let live = |v: &&Field| ["configMap", "secret", "projected", "downwardAPI"].iter().any(|s| v.has(s));
        let names: Vec<&str> = volumes.iter().filter(live).filter_map(|v| v.text("name")).collect();
        // An init container looks once.
        for mount in pod.containers.iter().filter(|c| c.long_running()).flat_map(|c| c.field.items("volumeMounts")) {
            let Some(path) = mount.get("subPath").or_else(|| mount.get("subPathExpr")) else { continue };
            if mount.text("name").is_some_and(|n| names.contains(&n)) {
                cx.report(path, "a file mounted with subPath never follows changes", "mount the whole volume at a directory of its own");
            }
        }
    }
}
