//! `read-secret-from-env-var`: reports a Secret that reaches a container through its environment.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for variable in container.field.items("env") {
            if let Some(reference) = variable.get("valueFrom.secretKeyRef") {
                cx.report(reference, "the Secret is readable in the environment", "mount the Secret as a file");
            }
        }
    }
}
