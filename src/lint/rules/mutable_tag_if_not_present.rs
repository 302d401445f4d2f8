//! `mutable-tag-if-not-present`: reports a moving tag with a pull policy that does not look for news.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let Some(policy) = container.field.get("imagePullPolicy").filter(|p| matches!(p.str(), Some("IfNotPresent" | "Never"))) else {
            continue;
        };
        let image = container.field.text("image").unwrap_or("");
        let name = image.rsplit('/').next().unwrap_or(image);
        let tag = name.split_once(':').map_or("latest", |(_, t)| t);
        if !image.contains('@')
            && matches!(tag, "latest" | "main" | "master" | "stable" | "dev" | "develop" | "edge" | "nightly" | "canary")
        {
            cx.report(policy, format!("the tag {tag} moves, but nodes keep the image they have"), "name a fixed version, or pull always");
        }
    }
}
