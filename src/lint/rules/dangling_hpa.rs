//! `dangling-hpa`: reports an autoscaler whose target is not in the set.

use crate::diagnostic::similar;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for scaler in cx.all("HorizontalPodAutoscaler") {
        let Some(name) = scaler.get("spec.scaleTargetRef.name") else { continue };
        let (Some(text), Some(kind)) = (name.str(), scaler.text("spec.scaleTargetRef.kind")) else { continue };
        if cx.find(kind, scaler.object, text).is_none() {
            let help = similar(text, cx.names(kind, scaler.object))
                .map_or_else(|| "name a workload of the set".to_owned(), |n| format!("did you mean `{n}`?"));
            cx.report(name, format!("the {kind} `{text}` is not in the set"), help);
        }
    }
}
