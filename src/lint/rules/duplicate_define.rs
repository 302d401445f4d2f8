//! `duplicate-define`: reports a named template that one chart defines twice.

use crate::lint::actions;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    let mut seen: Vec<String> = Vec::new();
    for template in &chart.templates {
        for (name, range) in actions::defines(&cx.input.sources.get(template.file).text) {
            if seen.contains(&name) {
                cx.report_span(
                    actions::span(template, range.start, range.end),
                    format!("`{name}` is defined twice"),
                    "remove or rename one",
                );
            }
            seen.push(name);
        }
    }
}
