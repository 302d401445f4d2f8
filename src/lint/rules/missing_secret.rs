//! `missing-secret`: reports a Secret that a pod needs and that is not in the set.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let mut needed: Vec<Field> = Vec::new();
        for container in &pod.containers {
            needed.extend(
                container
                    .field
                    .items("env")
                    .iter()
                    .filter_map(|e| e.get("valueFrom.secretKeyRef"))
                    .filter(wanted)
                    .filter_map(|r| r.get("name")),
            );
            needed.extend(
                container.field.items("envFrom").iter().filter_map(|e| e.get("secretRef")).filter(wanted).filter_map(|r| r.get("name")),
            );
        }
        for volume in pod.spec.items("volumes") {
            needed.extend(volume.get("secret").filter(wanted).and_then(|r| r.get("secretName")));
            for source in volume.items("projected.sources") {
                needed.extend(source.get("secret").filter(wanted).and_then(|r| r.get("name")));
            }
        }
        for name in needed {
            let Some(text) = name.str() else { continue };
            if cx.find("Secret", pod.object, text).is_none() && !cx.makes_secret(text) {
                let help = labels::similar(text, cx.names("Secret", pod.object))
                    .map_or_else(|| "add it to the set, or mark the reference as optional".to_owned(), |n| format!("did you mean `{n}`?"));
                cx.report(name, format!("the Secret `{text}` is not in the set"), help);
            }
        }
    }
}

fn wanted(reference: &Field) -> bool {
    !reference.is_true("optional")
}
