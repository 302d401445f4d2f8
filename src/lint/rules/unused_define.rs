//! `unused-define`: reports a named template that nothing includes.

use crate::lint::actions;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart().filter(|c| !c.is_library()) else { return };
    let mut used: Vec<String> = Vec::new();
    for template in chart.all().iter().flat_map(|c| &c.templates) {
        let (names, computed) = actions::calls(template);
        let own = chart.templates.iter().any(|t| t.file == template.file);
        // A computed name may be any; a template that does not parse may call any.
        if computed && own || template.error.is_some() {
            return;
        }
        used.extend(names.into_iter().map(|(n, _)| n));
    }
    let values = chart.values.as_ref().map_or("", |v| &cx.input.sources.get(v.file).text);
    for template in &chart.templates {
        for (name, range) in actions::defines(&cx.input.sources.get(template.file).text) {
            if !used.contains(&name) && !values.contains(&name) {
                cx.report_span(actions::span(template, range.start, range.end), format!("nothing includes `{name}`"), "remove it");
            }
        }
    }
}
