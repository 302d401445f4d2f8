//! `yaml-syntax`: reports a document that is not YAML.

use crate::lint::context::Context;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    for (file, document) in cx.input.documents {
        let Some(error) = &document.error else { continue };
        let start = error.offset.unwrap_or(document.span.start as usize);
        cx.report_span(Span::new(*file, start, start), error.message.clone(), "mend the indentation or quotes near this line");
    }
}
