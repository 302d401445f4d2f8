//! `minimum-replicas`: reports a Deployment with a single replica and no autoscaler.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.all("Deployment") {
        let replicas = object.int("spec.replicas").unwrap_or(1);
        if replicas == 1 && cx.autoscaler(object.object).is_none() {
            cx.report(object.place("spec.replicas"), "a single replica is a single point of failure", "run at least two");
        }
    }
}
