//! `chart-notes-missing`: reports an application chart without `templates/NOTES.txt`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart().filter(|c| !c.is_library()) else { return };
    if chart.file("templates/NOTES.txt").is_none() {
        cx.report_file(chart, "templates/NOTES.txt", "the chart has no templates/NOTES.txt", "tell users how to reach what they installed");
    }
}
