//! `hpa-metric-without-request`: reports an autoscaler that measures utilization of a resource its target does
//! not request.

use crate::lint::context::Container;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for scaler in cx.all("HorizontalPodAutoscaler") {
        let target = (scaler.text("spec.scaleTargetRef.kind"), scaler.text("spec.scaleTargetRef.name"));
        let beside = cx.pods_beside(scaler.object);
        let Some(pod) = beside.iter().find(|p| (Some(p.kind()), Some(p.object.id.name.as_str())) == target) else { continue };
        for metric in scaler.items("spec.metrics") {
            if metric.text("resource.target.type") != Some("Utilization") {
                continue;
            }
            let Some(name) = metric.get("resource.name") else { continue };
            let Some(text) = name.str() else { continue };
            let lacks =
                |c: &&Container| c.long_running() && !["requests", "limits"].iter().any(|l| c.field.has(&format!("resources.{l}.{text}")));
            if let Some(container) = pod.containers.iter().find(lacks) {
                cx.report(
                    name,
                    format!("the container `{}` has no {text} request", container.name),
                    "set resources.requests in every container",
                );
            }
        }
    }
}
