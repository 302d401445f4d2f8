//! `duplicate-mount-path`: reports two volume mounts of one container at the same path.

use std::collections::BTreeSet;

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let mut seen = BTreeSet::new();
        for mount in container.field.items("volumeMounts") {
            let Some(path) = mount.get("mountPath") else { continue };
            if !path.str().is_none_or(|p| seen.insert(p)) {
                let shown = path.scalar().unwrap_or_default();
                cx.report(path, format!("`{shown}` is mounted twice"), "mount each volume at a path of its own");
            }
        }
    }
}
