//! `restricted-volume-types`: reports a volume type outside the restricted Pod Security Standard.

use crate::lint::context::Context;
use serde_json::Value;

const ALLOWED: &[&str] =
    &["name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"];

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for volume in pod.spec.items("volumes") {
            let Value::Object(entries) = volume.value else { continue };
            for source in entries.keys().filter(|k| !ALLOWED.contains(&k.as_str()) && k.as_str() != "hostPath") {
                cx.report(
                    volume.place(source),
                    format!("volumes of type {source} are not allowed by the restricted standard"),
                    "use a persistent volume claim",
                );
            }
        }
    }
}
