//! `non-existent-service-account`: reports a ServiceAccount that a pod uses and that is not in the set.

use crate::diagnostic::similar;
use crate::lint::context::Context;
use crate::lint::outside;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let Some(name) = pod.spec.get("serviceAccountName") else { continue };
        let Some(text) = name.str().filter(|n| !n.is_empty() && *n != "default") else { continue };
        // A chart may name the namespace in one place and leave it to the release in another.
        let there = || cx.chart().is_some() && cx.find_anywhere("ServiceAccount", text).is_some();
        let elsewhere = || there() || cx.made_by_operator(text) || outside::brought(cx, "ServiceAccount", pod.object, text);
        if cx.find("ServiceAccount", pod.object, text).is_none() && !elsewhere() {
            let help = similar(text, cx.names("ServiceAccount", pod.object))
                .map_or_else(|| "add the ServiceAccount".to_owned(), |n| format!("did you mean `{n}`?"));
            cx.report(name, format!("the ServiceAccount `{text}` is not in the set"), help);
        }
    }
}
