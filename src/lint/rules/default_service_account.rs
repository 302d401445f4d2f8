//! `default-service-account`: reports a pod that uses the default ServiceAccount.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if matches!(pod.spec.text("serviceAccountName"), None | Some("" | "default")) {
            cx.report(pod.spec.place("serviceAccountName"), "the pod uses the default ServiceAccount", "make one for the workload");
        }
    }
}
