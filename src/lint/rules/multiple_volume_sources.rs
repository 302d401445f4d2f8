//! `multiple-volume-sources`: reports a volume with more than one source.

use crate::lint::context::Context;
use serde_json::Value;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for volume in pod.spec.items("volumes") {
            let Value::Object(entries) = volume.value else { continue };
            let mut sources: Vec<_> = entries.iter().filter(|(k, v)| *k != "name" && !v.is_null()).map(|(k, _)| volume.place(k)).collect();
            sources.sort_by_key(|s| s.span().start);
            for extra in sources.into_iter().skip(1) {
                cx.report(extra, "the volume has more than one source", "keep one source, or make two volumes");
            }
        }
    }
}
