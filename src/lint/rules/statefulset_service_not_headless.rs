//! `statefulset-service-not-headless`: reports a governing Service with a cluster IP.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for set in cx.all("StatefulSet") {
        let Some(service) = set.text("spec.serviceName").and_then(|n| cx.find("Service", set.object, n)) else { continue };
        if service.text("spec.clusterIP") != Some("None") {
            cx.report(service.place("spec.clusterIP"), "the governing Service of a StatefulSet should be headless", "set clusterIP: None");
        }
    }
}
