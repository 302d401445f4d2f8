//! `image-same-repo-different-tag`: reports two tags of one image in a pod.

use std::collections::BTreeMap;

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for container in &pod.containers {
            let Some(image) = container.field.get("image") else { continue };
            let Some(text) = image.str() else { continue };
            let slash = text.rfind('/').map_or(0, |i| i + 1);
            let end = text[slash..].find([':', '@']).map_or(text.len(), |i| slash + i);
            let first = *seen.entry(&text[..end]).or_insert(text);
            if first != text {
                cx.report(image, format!("another container uses `{first}`"), "use the same version in all containers");
            }
        }
    }
}
