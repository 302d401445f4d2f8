//! `empty-dir-memory-unbounded`: reports an emptyDir in memory without a size limit.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for volume in pod.spec.items("volumes") {
            let Some(medium) = volume.get("emptyDir.medium").filter(|m| m.str() == Some("Memory")) else { continue };
            if !volume.has("emptyDir.sizeLimit") {
                cx.report(medium, "the directory may fill the memory", "set emptyDir.sizeLimit");
            }
        }
    }
}
