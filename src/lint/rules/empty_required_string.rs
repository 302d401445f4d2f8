//! `empty-required-string`: reports an empty name or image.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        if object.text("metadata.name") == Some("") && !object.has("metadata.generateName") {
            cx.report(object.place("metadata.name"), "the name is empty", "give the object a name");
        }
    }
    for (_, container) in cx.containers() {
        for name in ["name", "image"] {
            if container.field.text(name) == Some("") {
                cx.report(container.field.place(name), format!("the {name} of the container is empty"), format!("set {name}"));
            }
        }
    }
}
