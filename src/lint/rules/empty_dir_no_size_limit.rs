//! `empty-dir-no-size-limit`: reports an emptyDir without a size limit.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for volume in pod.spec.items("volumes") {
            if let Some(source) = volume.get("emptyDir").filter(|e| !e.has("sizeLimit")) {
                cx.report(source, "the directory may fill the disk of the node", "set emptyDir.sizeLimit");
            }
        }
    }
}
