//! `trailing-spaces`: reports space at the end of a line.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    for file in texts::written(cx) {
        let source = cx.input.sources.get(file);
        for range in (0..source.line_starts().len()).filter_map(|l| source.line_range(l)) {
            let text = &source.text[range.clone()];
            let kept = text.trim_end_matches([' ', '\t']).len();
            if kept < text.len() {
                cx.report_span(Span::new(file, range.start + kept, range.end), "the line ends in space", "remove it");
            }
        }
    }
}
