//! `zero-grace-period`: reports `terminationGracePeriodSeconds: 0`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if let Some(grace) = pod.spec.get("terminationGracePeriodSeconds").filter(|g| g.value.as_i64() == Some(0)) {
            cx.report(grace, "processes are killed without warning", "give them time to shut down");
        }
    }
}
