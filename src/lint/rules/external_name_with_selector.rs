//! `external-name-with-selector`: reports a selector of an ExternalName Service.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for service in cx.all("Service").into_iter().filter(|s| s.text("spec.type") == Some("ExternalName")) {
        if let Some(selector) = service.get("spec.selector") {
            cx.report(selector, "the selector has no effect on an external name", "remove the selector, or the type");
        }
    }
}
