//! `volatile-label-in-selector`: reports a selector with a label that changes with each version.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["Deployment", "StatefulSet", "DaemonSet", "Service"]) {
        let list = if object.object.id.kind == "Service" { "spec.selector" } else { "spec.selector.matchLabels" };
        for (key, value) in object.entries(list) {
            if matches!(
                key,
                "app.kubernetes.io/version"
                    | "helm.sh/chart"
                    | "chart"
                    | "version"
                    | "revision"
            ) && changes(key, value.str().unwrap_or(""))
            {
                let message = if object.object.id.kind == "Service" {
                    format!("the label {key} changes, and the Service loses its pods while an upgrade runs")
                } else {
                    format!("the label {key} changes, but the selector cannot")
                };
                cx.report(value, message, "select by name and instance only");
            }
        }
    }
}

/// Whether a label's value is another one in the next version: the name of a chart without its version is not.
fn changes(key: &str, value: &str) -> bool {
    !key.ends_with("chart") || value.rsplit('-').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit() || c == 'v'))
}
