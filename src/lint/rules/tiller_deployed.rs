//! `tiller-deployed`: reports Tiller, the server of Helm 2.

use crate::lint::context::Context;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for (pod, container) in cx.containers() {
        if let Some(image) = container
            .field
            .get("image")
            .filter(|i| i.str().is_some_and(|t| t.contains("/tiller:") || t.ends_with("/tiller") || t.starts_with("tiller:")))
        {
            cx.report(image, "Tiller runs with all rights and without fixes", "use Helm 3 or later, which needs no server");
        } else if pod.labels.get("app") == Some(&"helm") && pod.labels.get("name") == Some(&"tiller") {
            cx.report(container.field.place("image"), "the labels are those of Tiller", "use Helm 3 or later, which needs no server");
        }
    }
    for service in cx.all("Service") {
        let wanted = labels::labels(&service, "spec.selector");
        if wanted.get("app") == Some(&"helm") && wanted.get("name") == Some(&"tiller") {
            cx.report(service.place("spec.selector"), "the Service selects Tiller", "use Helm 3 or later, which needs no server");
        }
    }
}
