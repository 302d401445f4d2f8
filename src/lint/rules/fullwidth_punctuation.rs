//! `fullwidth-punctuation`: reports full-width punctuation where YAML wants ASCII.

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
                    "full-width punctuation is not YAML",
                    "use the ASCII character",
                );
            }
        }
    }
}

/// Where the line is wrong.
fn find(text: &str) -> Option<(usize, usize)> {
    let body = text.trim_start().trim_start_matches("- ");
    let at = text.len() - body.len();
    let word = body.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')))?;
    let sign = body[word..].chars().next()?;
    let full = matches!(sign, '\u{ff1a}' | '\u{ff0c}' | '\u{201c}' | '\u{201d}' | '\u{3000}');
    (word > 0 && full && !body.starts_with('#')).then(|| (at + word, at + word + sign.len_utf8()))
}
