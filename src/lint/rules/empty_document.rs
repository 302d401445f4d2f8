//! `empty-document`: reports a document without content between two `---`.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    for file in texts::written(cx) {
        let source = cx.input.sources.get(file);
        let mut open = None;
        let last = source.line_starts().len();
        for range in (0..last).filter_map(|l| source.line_range(l)) {
            let text = &source.text[range.clone()];
            let marker = text == "---"
                || text
                    .strip_prefix("---")
                    .is_some_and(|r| r.starts_with([' ', '\t']) && matches!(r.trim_start().chars().next(), None | Some('#')));
            if marker {
                report(cx, open);
                open = Some(Span::new(file, range.start, range.start + 3));
            } else if !text.trim().is_empty() && !text.trim_start().starts_with('#') {
                open = None;
            }
        }
        report(cx, open);
    }
}

fn report(cx: &Context, open: Option<Span>) {
    if let Some(span) = open {
        cx.report_span(span, "the document holds nothing but comments", "remove the marker");
    }
}
