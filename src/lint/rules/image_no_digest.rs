//! `image-no-digest`: reports an image that is not pinned by digest.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let Some(image) = container.field.get("image") else { continue };
        if image.str().is_some_and(|i| !i.is_empty() && !i.contains("@sha256:")) {
            cx.report(image, "the image is not pinned by digest", "append @sha256:…");
        }
    }
}
