//! `stateless-statefulset`: reports a StatefulSet without volumeClaimTemplates.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.all("StatefulSet") {
        if object.items("spec.volumeClaimTemplates").is_empty() {
            cx.report(
                object.place("kind"),
                "the StatefulSet has no volumeClaimTemplates",
                "use a Deployment, unless the pods need stable names",
            );
        }
    }
}
