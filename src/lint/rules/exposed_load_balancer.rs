//! `exposed-load-balancer`: reports a Service of type LoadBalancer.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["Service"]) {
        if let Some(found) = object.get("spec.type").filter(|f| f.str() == Some("LoadBalancer")) {
            cx.report(found, "the Service is open through a balancer of its own", "share an Ingress or Gateway");
        }
    }
}
