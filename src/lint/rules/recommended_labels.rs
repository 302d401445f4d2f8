//! `recommended-labels`: reports an object without the recommended labels `app.kubernetes.io/name`, `instance`,
//! `version` and `managed-by`.

use crate::lint::context::Context;

const LABELS: &[&str] =
    &["app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by"];

pub(super) fn check(cx: &Context) {
    let wanted: Vec<&str> = match cx.param("labels") {
        [] => LABELS.to_vec(),
        list => list.iter().map(String::as_str).collect(),
    };
    for object in cx.objects().filter(|o| !o.object.id.kind.is_empty()) {
        let have = object.entries("metadata.labels");
        let missing: Vec<&str> = wanted.iter().filter(|w| !have.iter().any(|(k, _)| k == *w)).copied().collect();
        if !missing.is_empty() {
            cx.report(object.place("metadata.labels"), format!("the object lacks the labels {}", missing.join(", ")), "add them");
        }
    }
}
