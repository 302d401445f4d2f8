//! `no-break-space`: reports a no-break or zero-width space in indentation or keys.

use crate::lint::context::Context;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    let mut files: Vec<_> = cx.input.documents.iter().map(|(f, _)| *f).collect();
    files.dedup();
    for file in files {
        let source = cx.input.sources.get(file);
        if source.text.is_ascii() {
            continue;
        }
        for range in (0..source.line_starts().len()).filter_map(|l| source.line_range(l)) {
            let text = &source.text[range.clone()];
            if text.is_ascii() {
                continue;
            }
            if let Some((start, end)) = find(text) {
                cx.report_span(
                    Span::new(file, range.start + start, range.start + end),
                    "an invisible character stands in the indentation or key",
                    "replace it by a space or remove it",
                );
            }
        }
    }
}

/// Where the line is wrong.
fn find(text: &str) -> Option<(usize, usize)> {
    let end = text.find(['#', '"', '\'']).unwrap_or(text.len());
    let key = text[..end].find(':').unwrap_or(end);
    let at = text[..key].find(['\u{a0}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}'])?;
    Some((at, at + text[at..].chars().next().map_or(0, char::len_utf8)))
}
