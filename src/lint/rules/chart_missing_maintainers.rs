//! `chart-missing-maintainers`: reports a chart without maintainers.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(about) = cx.about() else { return };
    if about.items("maintainers").is_empty() {
        cx.report(about.place("maintainers"), "the chart has no maintainers", "add one");
    }
}
