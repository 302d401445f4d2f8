//! `ssh-port`: reports a container that declares port 22.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for port in container.field.items("ports") {
            if let Some(found) = port.get("containerPort").filter(|f| f.value.as_i64().is_some_and(|n| n == 22)) {
                cx.report(found, "the container seems to run an SSH server", "use `kubectl exec`");
            }
        }
    }
}
