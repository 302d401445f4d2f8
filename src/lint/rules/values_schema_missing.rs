//! `values-schema-missing`: reports a chart without `values.schema.json`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    if chart.schema.is_none() && chart.values.is_some() {
        cx.report_file(chart, "values.schema.json", "the chart has no values.schema.json", "write one: it tells users of wrong values before anything is installed");
    }
}
