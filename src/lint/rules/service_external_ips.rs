//! `service-external-ips`: reports `externalIPs` of a Service.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["Service"]) {
        if let Some(found) = object.get("spec.externalIPs").filter(|f| !f.list().is_empty()) {
            cx.report(found, "traffic to these addresses is taken over", "use a LoadBalancer");
        }
    }
}
