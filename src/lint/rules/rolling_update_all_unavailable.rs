//! `rolling-update-all-unavailable`: reports a rolling update that may take all pods away at once.

use crate::lint::amount;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["Deployment", "DaemonSet"]) {
        let deployment = object.object.id.kind == "Deployment";
        let list = if deployment { "spec.strategy.rollingUpdate" } else { "spec.updateStrategy.rollingUpdate" };
        let Some(max) = object.get(&format!("{list}.maxUnavailable")) else { continue };
        let replicas = object.int("spec.replicas").unwrap_or(1);
        let all =
            max.str() == Some("100%") || deployment && replicas > 1 && amount::scaled(&max, replicas, false).is_some_and(|m| m >= replicas);
        if all {
            cx.report(max, "a rollout may take all pods away at once", "lower maxUnavailable");
        }
    }
}
