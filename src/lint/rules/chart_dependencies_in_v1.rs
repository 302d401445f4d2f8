//! `chart-dependencies-in-v1`: reports `dependencies` or `type` in a chart of apiVersion v1.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(about) = cx.about().filter(|a| a.text("apiVersion") == Some("v1")) else { return };
    for name in ["dependencies", "type"] {
        if let Some(field) = about.get(name) {
            cx.report(field, format!("`{name}` needs apiVersion v2"), "use `apiVersion: v2`");
        }
    }
}
