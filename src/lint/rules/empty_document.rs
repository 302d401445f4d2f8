//! `empty-document`: reports a document without content between two `---`.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::source::Span;
use memchr::memmem;

pub(super) fn check(cx: &Context) {
    for file in texts::written(cx) {
        let text = &cx.input.sources.get(file).text;
        let mut from = 0;
        while let Some(at) = marker(text, from) {
            let next = marker(text, at + 3).unwrap_or(text.len());
            let mut lines = text[at..next].lines().skip(1).map(str::trim_start);
            if lines.all(|line| line.is_empty() || line.starts_with('#')) {
                cx.report_span(Span::new(file, at, at + 3), "the document holds nothing but comments", "remove the marker");
            }
            from = next.max(at + 3);
        }
    }
}

/// The next marker of a document from an offset on.
fn marker(text: &str, mut from: usize) -> Option<usize> {
    loop {
        let at = if from == 0 && text.starts_with("---") { 0 } else { start_of_marker(text, from)? };
        let rest = text[at + 3..].split('\n').next().unwrap_or("").trim_end_matches('\r');
        let alone = rest.is_empty() || rest.starts_with([' ', '\t']) && matches!(rest.trim_start().chars().next(), None | Some('#'));
        if alone {
            return Some(at);
        }
        from = at + 3;
    }
}

/// Three dashes at the start of a line after the first, from an offset on.
fn start_of_marker(text: &str, from: usize) -> Option<usize> {
    let before = from.saturating_sub(1);
    Some(before + memmem::find(&text.as_bytes()[before..], b"\n---")? + 1)
}
