//! `exposed-node-port`: reports a Service of type NodePort.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["Service"]) {
        if let Some(found) = object.get("spec.type").filter(|f| f.str() == Some("NodePort")) {
            cx.report(found, "the port is open on every node", "use an Ingress or a LoadBalancer");
        }
    }
}
