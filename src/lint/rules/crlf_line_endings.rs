//! `crlf-line-endings`: reports a file whose lines end in CR LF.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    for file in texts::written(cx) {
        let text = &cx.input.sources.get(file).text;
        if text.contains("\r\n") {
            let mixed = text.matches('\n').count() != text.matches("\r\n").count();
            let what = if mixed { "some lines end in CR LF" } else { "the lines end in CR LF" };
            cx.report_span(Span::new(file, 0, 1), what, "save the file with LF alone");
        }
    }
}
