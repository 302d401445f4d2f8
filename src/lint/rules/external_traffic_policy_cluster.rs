//! `external-traffic-policy-cluster`: reports `externalTrafficPolicy: Cluster`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["Service"]) {
        if let Some(found) = object.get("spec.externalTrafficPolicy").filter(|f| f.str() == Some("Cluster")) {
            cx.report(found, "the address of the client is lost", "use Local where the address matters");
        }
    }
}
