//! `untrusted-registry`: reports an image of a registry that is not on your list.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let allowed = cx.param("allowed");
    if allowed.is_empty() {
        return;
    }
    for (_, container) in cx.containers() {
        let Some(image) = container.field.get("image") else { continue };
        let Some(text) = image.str().filter(|t| !t.is_empty()) else { continue };
        let full = full_name(text);
        let ok = allowed.iter().any(|a| {
            let a = a.trim_end_matches('/');
            full.strip_prefix(a).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '@']))
        });
        if !ok {
            cx.report(
                image,
                format!("the image `{text}` is of a registry that is not on the list"),
                format!("allowed are: {}", allowed.join(", ")),
            );
        }
    }
}

/// The image with its registry, which is docker.io when it names none.
fn full_name(image: &str) -> String {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
        None => format!("docker.io/library/{image}"),
    }
}
