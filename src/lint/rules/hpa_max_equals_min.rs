//! `hpa-max-equals-min`: reports an autoscaler whose maximum is not above its minimum.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for scaler in cx.all("HorizontalPodAutoscaler") {
        let Some(max) = scaler.get("spec.maxReplicas") else { continue };
        let min = scaler.int("spec.minReplicas").unwrap_or(1);
        if max.value.as_i64().is_some_and(|m| m <= min) {
            cx.report(max, format!("the maximum is not above the minimum of {min}"), "raise maxReplicas");
        }
    }
}
