//! `server-populated-fields`: reports fields that only the API server fills.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        for name in ["creationTimestamp", "generation", "resourceVersion", "uid", "managedFields", "selfLink"] {
            if let Some(field) = object.get("metadata").and_then(|m| m.get(name)) {
                cx.report(field, format!("{name} is filled by the API server"), "remove it");
            }
        }
    }
}
