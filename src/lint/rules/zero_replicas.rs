//! `zero-replicas`: reports `replicas: 0`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["Deployment", "StatefulSet"]) {
        if let Some(found) = object.get("spec.replicas").filter(|f| f.value.as_i64() == Some(0)) {
            cx.report(found, "the workload runs no pods", "remove it, or say why in an ignore comment");
        }
    }
}
