//! `no-rolling-update-strategy`: reports a Deployment behind a Service that stops all its pods before it starts new
//! ones (Recreate).

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods().iter().filter(|p| p.is(&["Deployment"])) {
        let Some(kind) = Field::root(pod.object).get("spec.strategy.type").filter(|k| k.str() == Some("Recreate")) else { continue };
        // A volume for one node at a time leaves no other choice.
        let claims = pod.spec.items("volumes").iter().any(|v| v.has("persistentVolumeClaim"));
        if !claims && !cx.services_of(pod).is_empty() {
            cx.report(kind, "with Recreate each update is an outage", "use RollingUpdate");
        }
    }
}
