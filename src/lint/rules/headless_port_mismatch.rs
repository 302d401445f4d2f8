//! `headless-port-mismatch`: reports a headless Service without selector whose port and target port differ.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for service in cx.all("Service").into_iter().filter(|s| s.text("spec.clusterIP") == Some("None") && !s.has("spec.selector")) {
        for port in service.items("spec.ports") {
            let Some(target) = port.get("targetPort") else { continue };
            if target.value.as_i64().is_some_and(|t| port.int("port") != Some(t)) {
                cx.report(target, "nothing translates the port of a headless Service", "use the same number for port and targetPort");
            }
        }
    }
}
