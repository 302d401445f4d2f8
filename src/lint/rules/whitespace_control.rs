//! `whitespace-control`: reports an indented line that holds nothing but a control action without a dash.

use crate::lint::context::Context;
use crate::source::Span;

const WORDS: &[&str] = &["if ", "else", "end", "range ", "with ", "/*", "$"];

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for template in chart.templates.iter().filter(|t| !t.is_partial() && !t.name.ends_with(".txt")) {
        let source = cx.input.sources.get(template.file);
        for range in (0..source.line_starts().len()).filter_map(|l| source.line_range(l)) {
            let line = &source.text[range.clone()];
            let action = line.trim();
            let alone = action.starts_with("{{") && action.ends_with("}}") && line.starts_with(' ');
            let dashed = action.starts_with("{{-") || action.ends_with("-}}");
            let inner = action.trim_start_matches("{{").trim_start();
            let assigns = !inner.starts_with('$') || inner.contains(":=") || inner.contains(" = ");
            if alone && !dashed && assigns && WORDS.iter().any(|w| inner.starts_with(w)) {
                let start = range.start + line.len() - line.trim_start().len();
                cx.report_span(
                    Span::new(template.file, start, start + action.len()),
                    "the action leaves a line of space in the output",
                    "start it with {{-",
                );
            }
        }
    }
}
