//! `deprecated-registry`: reports an image from a registry that is frozen.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let Some(image) = container.field.get("image") else { continue };
        if image.str().is_some_and(|i| {
            i.starts_with("k8s.gcr.io/") || i.starts_with("gcr.io/google-containers/") || i.starts_with("gcr.io/google_containers/")
        }) {
            cx.report(image, "the registry is frozen", "use registry.k8s.io");
        }
    }
}
