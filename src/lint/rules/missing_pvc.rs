//! `missing-pvc`: reports a persistent volume claim that a pod needs and that is not in the set.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for volume in pod.spec.items("volumes") {
            let Some(name) = volume.get("persistentVolumeClaim.claimName") else { continue };
            if let Some(text) = name.str().filter(|n| cx.find("PersistentVolumeClaim", pod.object, n).is_none()) {
                cx.report(name, format!("the claim `{text}` is not in the set"), "add the PersistentVolumeClaim");
            }
        }
    }
}
