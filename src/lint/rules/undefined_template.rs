//! `undefined-template`: reports `include` or `template` of a name that nothing defines.

use crate::diagnostic::similar;
use crate::lint::actions;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    // Dependencies that are not there may define it, and so may the chart that uses a library.
    let declared = cx.about().map(|a| a.items("dependencies")).unwrap_or_default();
    let missing = declared.iter().any(|d| !chart.below.iter().any(|(_, c)| Some(c.name()) == d.text("name")));
    if missing || chart.is_library() || chart.all().iter().flat_map(|c| &c.templates).any(|t| t.error.is_some()) {
        return;
    }
    let known: Vec<String> = chart.all().iter().flat_map(|c| &c.templates).flat_map(|t| &t.trees).map(|t| t.name.to_string()).collect();
    for template in &chart.templates {
        for (name, at) in actions::calls(template).0 {
            if !known.contains(&name) && !name.contains("/templates/") {
                let help = similar(&name, known.iter().map(String::as_str))
                    .map_or_else(|| "define it in a file such as templates/_helpers.tpl".to_owned(), |n| format!("did you mean `{n}`?"));
                cx.report_span(actions::span(template, at, at + 7), format!("nothing defines `{name}`"), help);
            }
        }
    }
}
