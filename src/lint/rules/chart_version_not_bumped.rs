//! `chart-version-not-bumped`: reports a chart whose files changed against the base commit while its version did
//! not.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(version) = cx.about().and_then(|a| a.get("version")) else { return };
    let text = version.scalar().unwrap_or_default();
    if cx.param("base").contains(&text) {
        cx.report(version, format!("the chart changed, but its version is still {text}"), "raise the version");
    }
}
