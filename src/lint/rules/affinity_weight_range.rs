//! `affinity-weight-range`: reports a weight of a preferred affinity outside 1 to 100.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for kind in ["nodeAffinity", "podAffinity", "podAntiAffinity"] {
            for term in pod.spec.items(&format!("affinity.{kind}.preferredDuringSchedulingIgnoredDuringExecution")) {
                let Some(weight) = term.get("weight") else { continue };
                if weight.value.as_i64().is_some_and(|w| !(1..=100).contains(&w)) {
                    cx.report(weight, "a weight is between 1 and 100", "choose one of that range");
                }
            }
        }
    }
}
