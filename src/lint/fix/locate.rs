//! Where the user wrote what an object holds: the manifest itself, the literal text of a template, or a values file.

use crate::source::Origin;
use crate::source::Segment;
use crate::source::Sources;
use crate::source::Span;

/// The text behind a part of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Written out as it is.
    Literal(Span),
    /// In a template, by actions or by actions and text.
    Actions(Span),
    /// In a values file: the key and the value.
    Value {
        /// The key.
        key: Span,
        /// The value.
        value: Span,
    },
}

/// Finds the text behind a span of a judged text.
pub(super) fn written(sources: &Sources, span: Span) -> Option<Written> {
    let file = sources.get(span.file);
    let Some(map) = &file.map else { return Some(Written::Literal(span)) };
    let range = span.range();
    let touched = map.within(range.start..range.end.max(range.start + 1));
    let (first, last) = (touched.first()?, touched.last()?);
    // All of it has to be accounted for.
    if first.start as usize > range.start || (last.end as usize) < range.end || touched.windows(2).any(|w| w[0].end != w[1].start) {
        return None;
    }
    let literal = |s: &Segment| !s.action && s.template.end - s.template.start == s.end - s.start;
    if touched.len() == 1 && literal(first) {
        return Some(Written::Literal(first.template_of(span.start..span.end)));
    }
    // A value of a values file that was moved here whole.
    if touched.iter().all(|s| s.action && s.origin == first.origin) && first.start as usize == range.start && last.end as usize == range.end
    {
        if let Some(Origin::Key { key, value, .. }) = map.origins.get(first.origin) {
            return Some(Written::Value { key: *key, value: *value });
        }
    }
    let (from, to) = (first.template_of(span.start..span.end), last.template_of(span.start..span.end));
    let joined = from.file == to.file && first.frame == last.frame && from.start <= to.start;
    joined.then_some(Written::Actions(Span { file: from.file, start: from.start, end: to.end.max(from.end) }))
}
