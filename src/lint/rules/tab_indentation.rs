//! `tab-indentation`: reports a tab in the indentation of a document that is not YAML.

use crate::lint::context::Context;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    for (file, document) in cx.input.documents.iter().filter(|(_, d)| d.error.is_some()) {
        let source = cx.input.sources.get(*file);
        let first = source.line_index(document.span.start as usize);
        let last = source.line_index((document.span.end as usize).max(document.span.start as usize));
        for range in (first..=last).filter_map(|l| source.line_range(l)) {
            let text = &source.text[range.clone()];
            let indent = text.len() - text.trim_start().len();
            if let Some(tab) = text[..indent].find('\t').filter(|_| indent < text.len()) {
                cx.report_span(
                    Span::new(*file, range.start + tab, range.start + indent),
                    "a tab is used as indentation",
                    "indent with spaces",
                );
            }
        }
    }
}
