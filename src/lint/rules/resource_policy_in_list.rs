//! `resource-policy-in-list`: reports the annotation `helm.sh/resource-policy` on an object inside a List.

use crate::kube::Object;
use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for (file, document) in cx.input.documents {
        let Some(root) = document.root.as_ref().filter(|r| r.get("items").is_some()) else { continue };
        let list = Object::new(*file, root.clone());
        for item in Field::root(&list).items("items") {
            for (key, value) in item.entries("metadata.annotations") {
                if key == "helm.sh/resource-policy" {
                    cx.report(value, "the annotation has no effect inside a List", "write the object as a document of its own");
                }
            }
        }
    }
}
