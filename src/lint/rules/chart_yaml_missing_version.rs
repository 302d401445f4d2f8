//! `chart-yaml-missing-version`: reports a `Chart.yaml` without version.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(about) = cx.about() else { return };
    if about.get("version").is_none_or(|v| v.str() == Some("")) {
        cx.report(about.place("version"), "the chart has no version", "add `version: 0.1.0`");
    }
}
