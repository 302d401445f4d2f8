//! `status-in-manifest`: reports a status with content in a manifest.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        // Kinds that are nothing but a status, and definitions that generators write with an empty one.
        if !object.has("spec") || object.object.id.kind == "CustomResourceDefinition" {
            continue;
        }
        let Some(status) = object.get("status") else { continue };
        let full = match status.value {
            serde_json::Value::Object(map) => map.values().any(|v| !v.is_null() && v.as_object().is_none_or(|m| !m.is_empty())),
            _ => true,
        };
        if full {
            cx.report(status, "the status is ignored on apply", "remove it");
        }
    }
}
