//! `tab-before-comment`: reports a tab between a value and a comment.

use crate::lint::context::Context;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    for (file, document) in cx.input.documents {
        let source = cx.input.sources.get(*file);
        if source.map.is_some() {
            continue;
        }
        for comment in document.comments.iter().filter(|c| !c.own_line) {
            let before = &source.text[..comment.span.start as usize];
            let gap = before.len() - before.trim_end_matches([' ', '\t']).len();
            if before[before.len() - gap..].contains('\t') {
                let span = Span::new(*file, before.len() - gap, before.len() + 1);
                cx.report_span(span, "a tab stands between the value and the comment", "use spaces");
            }
        }
    }
}
