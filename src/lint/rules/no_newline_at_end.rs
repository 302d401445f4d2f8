//! `no-newline-at-end`: reports a file that does not end with a newline.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    for file in texts::written(cx) {
        let text = &cx.input.sources.get(file).text;
        if !text.is_empty() && !text.ends_with('\n') {
            let start = text.rfind('\n').map_or(0, |i| i + 1);
            cx.report_span(Span::new(file, start, text.len()), "the file does not end with a newline", "add one");
        }
    }
}
