//! `line-too-long`: reports a line of more than 120 characters.

use crate::lint::context::Context;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    let mut files: Vec<_> = cx.input.documents.iter().map(|(f, _)| *f).collect();
    files.dedup();
    for file in files {
        let source = cx.input.sources.get(file);
        for range in (0..source.line_starts().len()).filter_map(|l| source.line_range(l)) {
            let text = &source.text[range.clone()];
            if let Some((start, end)) = find(text) {
                cx.report_span(
                    Span::new(file, range.start + start, range.start + end),
                    "the line is longer than 120 characters",
                    "break it",
                );
            }
        }
    }
}

/// Where the line is wrong.
fn find(text: &str) -> Option<(usize, usize)> {
    let (at, _) = text.char_indices().nth(120)?;
    Some((at, text.len()))
}
