//! `reclaim-policy-recycle`: reports the reclaim policy Recycle.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["PersistentVolume"]) {
        if let Some(found) = object.get("spec.persistentVolumeReclaimPolicy").filter(|f| f.str() == Some("Recycle")) {
            cx.report(found, "Recycle is deprecated", "use Retain or Delete");
        }
    }
}
