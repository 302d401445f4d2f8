//! `hpa-target-not-scalable`: reports an autoscaler whose target cannot be scaled.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for scaler in cx.all("HorizontalPodAutoscaler") {
        let Some(kind) = scaler.get("spec.scaleTargetRef.kind") else { continue };
        if let Some(text) = kind.str().filter(|k| matches!(*k, "DaemonSet" | "Job" | "CronJob" | "Pod")) {
            cx.report(kind, format!("a {text} cannot be scaled"), "target a Deployment or StatefulSet");
        }
    }
}
