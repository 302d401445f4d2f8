//! `revision-history-zero`: reports `revisionHistoryLimit: 0`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["Deployment", "StatefulSet", "DaemonSet"]) {
        if let Some(found) = object.get("spec.revisionHistoryLimit").filter(|f| f.value.as_i64() == Some(0)) {
            cx.report(found, "no revision is kept to roll back to", "keep at least one");
        }
    }
}
