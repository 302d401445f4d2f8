//! `external-traffic-policy-on-cluster-ip`: reports `externalTrafficPolicy` on a Service without external
//! traffic.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for service in cx.all("Service").into_iter().filter(|s| matches!(s.text("spec.type"), None | Some("ClusterIP"))) {
        if let Some(policy) = service.get("spec.externalTrafficPolicy").filter(|_| service.items("spec.externalIPs").is_empty()) {
            cx.report(policy, "a ClusterIP Service has no external traffic", "remove externalTrafficPolicy");
        }
    }
}
