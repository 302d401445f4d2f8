//! `minimum-replicas`: reports a Deployment with a single replica and no autoscaler.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.all("Deployment") {
        // What is no integer is told by the API server's own rules.
        let single = object.get("spec.replicas").is_none_or(|r| r.value.as_i64() == Some(1));
        if single && cx.autoscaler(object.object).is_none() {
            cx.report(object.place("spec.replicas"), "a single replica is a single point of failure", "run at least two");
        }
    }
}
