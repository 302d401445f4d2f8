//! `chart-missing-icon`: reports a chart without icon.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(about) = cx.about().filter(|_| cx.chart().is_some_and(|c| !c.is_library())) else { return };
    if about.text("icon").unwrap_or("").is_empty() {
        cx.report(about.place("icon"), "the chart has no icon", "add the address of a picture");
    }
}
