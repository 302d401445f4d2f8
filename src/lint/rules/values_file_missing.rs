//! `values-file-missing`: reports a chart without `values.yaml`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart().filter(|c| !c.is_library()) else { return };
    if chart.file("values.yaml").is_none() {
        cx.report_file(chart, "values.yaml", "the chart has no values.yaml", "add one, even an empty one");
    }
}
