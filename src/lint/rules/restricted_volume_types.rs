//! `restricted-volume-types`: reports a volume type outside the restricted Pod Security Standard.

use crate::kube::pod_security::RESTRICTED_VOLUMES;
use crate::lint::context::Context;
use serde_json::Value;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for volume in pod.spec.items("volumes") {
            let Value::Object(entries) = volume.value else { continue };
            let allowed = |key: &&String| RESTRICTED_VOLUMES.contains(&key.as_str()) || ["name", "hostPath"].contains(&key.as_str());
            for source in entries.keys().filter(|key| !allowed(key)) {
                cx.report(
                    volume.place(source),
                    format!("volumes of type {source} are not allowed by the restricted standard"),
                    "use a persistent volume claim",
                );
            }
        }
    }
}
