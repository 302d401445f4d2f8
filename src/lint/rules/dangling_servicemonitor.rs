//! `dangling-servicemonitor`: reports a ServiceMonitor (or PodMonitor) whose selector matches no Service (or pod)
//! of the set.

use crate::lint::context::Context;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for monitor in cx.of(&["ServiceMonitor", "PodMonitor"]) {
        let Some(selector) = monitor.get("spec.selector").filter(|s| !labels::is_empty(s)) else { continue };
        let of_pods = monitor.object.id.kind == "PodMonitor";
        let sets: Vec<labels::Labels> = if of_pods {
            cx.pods().iter().map(|p| p.labels.clone()).collect()
        } else {
            cx.all("Service").iter().map(|s| labels::labels(s, "metadata.labels")).collect()
        };
        if sets.iter().any(|l| labels::matches(&selector, l)) {
            continue;
        }
        // Other namespaces are watched on purpose.
        if monitor.get("spec.namespaceSelector").is_some_and(|n| n.is_true("any") || !n.items("matchNames").is_empty()) {
            continue;
        }
        let place = labels::nearest(&labels::labels(&selector, "matchLabels"), &sets)
            .map_or(selector, |l| labels::culprit(&selector, "matchLabels", l));
        let what = if of_pods { "pod" } else { "Service" };
        cx.report(
            place,
            format!("the selector matches no {what} of the set"),
            format!("select labels that a {what} carries in its metadata"),
        );
    }
}
