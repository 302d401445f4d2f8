//! `float-like-version`: reports an unquoted number with a point where a string such as a version is wanted.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::yaml::NodeKind;

pub(super) fn check(cx: &Context) {
    texts::scalars(cx, &mut |scalar| {
        let NodeKind::Float(value) = scalar.node.kind else { return };
        let plain = scalar.raw.bytes().all(|b| b.is_ascii_digit() || b == b'.') && scalar.raw.contains('.');
        let named = ["version", "tag", "release"].iter().any(|w| scalar.key().to_ascii_lowercase().ends_with(w));
        if plain && (scalar.is_string_field() || named) {
            cx.report_span(scalar.node.span, format!("`{}` is the number {value}, not a string", scalar.raw), "quote it");
        }
    });
}
