//! `deprecated-service-account-field`: reports `serviceAccount`, the old name of `serviceAccountName`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let Some(old) = pod.spec.get("serviceAccount") else { continue };
        // The API server fills both fields, so that a manifest read back from a cluster has both.
        if pod.spec.text("serviceAccountName") != old.str() {
            cx.report(old, "serviceAccount is deprecated", "rename it to serviceAccountName");
        }
    }
}
