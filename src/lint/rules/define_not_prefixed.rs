//! `define-not-prefixed`: reports a named template that is used and whose name does not start with the name of a
//! chart.

use crate::lint::actions;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    let used: Vec<String> = chart.templates.iter().flat_map(|t| actions::calls(t).0).map(|(n, _)| n).collect();
    for template in &chart.templates {
        for (name, range) in actions::defines(&cx.input.sources.get(template.file).text) {
            let prefixed = name.starts_with(chart.name()) || name.contains(['.', '/', '-']);
            if !prefixed && used.contains(&name) {
                let help = format!("call it `{}.{name}`", chart.name());
                cx.report_span(actions::span(template, range.start, range.end), format!("the name `{name}` has no prefix"), help);
            }
        }
    }
}
