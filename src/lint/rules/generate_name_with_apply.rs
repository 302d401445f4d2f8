//! `generate-name-with-apply`: reports `generateName` without `name`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        let Some(prefix) = object.get("metadata.generateName") else { continue };
        if object.text("metadata.name").is_none_or(str::is_empty) {
            cx.report(prefix, "the object cannot be applied without a name", "use metadata.name");
        }
    }
}
