//! `immutable-field-from-values`: reports a label of a selector that comes from the values.

use crate::diagnostic::resolve;
use crate::lint::context::Context;
use crate::source::Origin;

pub(super) fn check(cx: &Context) {
    if cx.chart().is_none() {
        return;
    }
    for object in cx.of(&["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"]) {
        for (_, label) in object.entries("spec.selector.matchLabels") {
            let resolved = resolve(cx.input.sources, object.object.span(&label.path()));
            let value = resolved.origins.iter().find_map(|o| match o {
                Origin::Key { path, .. } | Origin::Argument { path, .. } => Some(path),
                _ => None,
            });
            // Names that users override once, before the first install.
            let Some(value) = value.filter(|p| {
                !["nameOverride", "fullnameOverride", "name", "component", "app"]
                    .iter()
                    .any(|n| p == n || p.ends_with(&format!(".{n}")) || p.ends_with("Override"))
            }) else {
                continue;
            };
            // Where templates put other values in the place of all, users leave out the key below which these stand.
            let replaced = value.starts_with('_') && cx.reads().is_some_and(|r| r.replaced);
            let value = value.split_once('.').filter(|_| replaced).map_or(value.as_str(), |(_, rest)| rest);
            cx.report(label, format!("the selector cannot be changed, but comes from the value `{value}`"), "leave it out of the selector");
        }
    }
}
