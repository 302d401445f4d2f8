//! `chart-api-version`: reports an `apiVersion` of `Chart.yaml` that is missing or neither v1 nor v2.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(about) = cx.about() else { return };
    match about.text("apiVersion") {
        Some("v1" | "v2") => {}
        None | Some("") => cx.report(about.place("apiVersion"), "the chart has no apiVersion", "add `apiVersion: v2`"),
        Some(other) => cx.report(about.place("apiVersion"), format!("the apiVersion `{other}` is neither v1 nor v2"), "use v2"),
    }
}
