//! `chart-version-not-bumped`: reports a chart whose files changed against the base commit while its version did
//! not.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(version) = cx.about().and_then(|a| a.get("version")) else { return };
    let text = version.scalar().unwrap_or_default();
    // `--changed` tells the version of each chart, a user one for all.
    let own = format!("{}={text}", cx.chart().map_or("", |c| c.path.as_str()));
    if cx.param("base").iter().any(|base| *base == text || *base == own) {
        cx.report(version, format!("the chart changed, but its version is still {text}"), "raise the version");
    }
}
