//! `statefulset-service-missing`: reports a StatefulSet whose governing Service is not in the set.

use crate::diagnostic::similar;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for set in cx.all("StatefulSet") {
        let Some(name) = set.get("spec.serviceName") else { continue };
        if let Some(text) = name.str().filter(|n| cx.find("Service", set.object, n).is_none()) {
            let help = similar(text, cx.names("Service", set.object))
                .map_or_else(|| "add a headless Service of this name".to_owned(), |n| format!("did you mean `{n}`?"));
            cx.report(name, format!("the Service `{text}` is not in the set"), help);
        }
    }
}
