//! `truthy-value`: reports an unquoted `yes`, `no`, `on`, `off`, `y` or `n` where a string is wanted.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::yaml::NodeKind;

pub(super) fn check(cx: &Context) {
    texts::scalars(cx, &mut |scalar| {
        let NodeKind::Bool(value) = scalar.node.kind else { return };
        let word = scalar.raw.to_ascii_lowercase();
        if matches!(word.as_str(), "yes" | "no" | "on" | "off" | "y" | "n") && scalar.is_string_field() {
            cx.report_span(scalar.node.span, format!("`{}` is the boolean {value}, not a string", scalar.raw), "quote it");
        }
    });
}
