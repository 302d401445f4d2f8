//! `latest-tag`: reports an image with the tag `latest`, or with neither tag nor digest.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let Some(image) = container.field.get("image") else { continue };
        let Some(text) = image.str().filter(|t| !t.is_empty() && !t.contains('@')) else { continue };
        let name = text.rsplit('/').next().unwrap_or(text);
        let message = match name.split_once(':') {
            None => format!("the image `{text}` has no tag"),
            Some((_, "latest")) => format!("the image `{text}` uses the tag latest"),
            Some(_) => continue,
        };
        cx.report(image, message, "name a fixed version, or better a digest");
    }
}
