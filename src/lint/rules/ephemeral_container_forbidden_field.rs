//! `ephemeral-container-forbidden-field`: reports ephemeral containers in a manifest, and fields they may not
//! have.

use crate::lint::context::Context;
use crate::lint::context::Role;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let mut reported = false;
        for container in pod.containers.iter().filter(|c| c.role == Role::Ephemeral) {
            for name in ["ports", "livenessProbe", "readinessProbe", "startupProbe", "resources", "lifecycle"] {
                let Some(field) = container.field.get(name) else { continue };
                cx.report(field, format!("an ephemeral container may not have {name}"), "remove the field");
                reported = true;
            }
        }
        if let Some(list) = pod.spec.get("ephemeralContainers").filter(|l| !reported && !l.list().is_empty()) {
            cx.report(list, "a pod cannot be created with ephemeral containers", "add them to the running pod with `kubectl debug`");
        }
    }
}
