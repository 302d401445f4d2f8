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
            if first != text && !variants(&first[end..], &text[end..]) {
                cx.report(image, format!("another container uses `{first}`"), "use the same version in all containers");
            }
        }
    }
}

/// Whether two tags are variants of one version: `1.4.2-search` and `1.4.2-app`.
fn variants(one: &str, other: &str) -> bool {
    let version = |tag: &str| -> Vec<String> {
        let tag = tag.split('@').next().unwrap_or("").trim_start_matches(':');
        tag.split(['-', '_', '+']).filter(|part| numbered(part)).map(str::to_owned).collect()
    };
    let (one, other) = (version(one), version(other));
    !one.is_empty() && one == other
}

/// Whether a part of a tag counts something: `1.4.2`, `v2`, `r3`, `rc1`, `beta`.
fn numbered(part: &str) -> bool {
    let rest = ["v", "r", "rc", "alpha", "beta", "pre"].iter().find_map(|word| part.strip_prefix(word).filter(|r| !r.starts_with(char::is_alphabetic)));
    rest.unwrap_or(part).starts_with(|c: char| c.is_ascii_digit() || c == '.') || matches!(part, "rc" | "alpha" | "beta" | "pre")
}
