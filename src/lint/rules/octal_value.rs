//! `octal-value`: reports an unquoted number that starts with 0 where no file mode is meant.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::yaml::NodeKind;

pub(super) fn check(cx: &Context) {
    texts::scalars(cx, &mut |scalar| {
        let NodeKind::Int(value) = scalar.node.kind else { return };
        let digits = scalar.raw.strip_prefix(['-', '+']).unwrap_or(scalar.raw);
        let octal = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        let mode = scalar.key().to_ascii_lowercase().ends_with("mode") || scalar.key().to_ascii_lowercase().contains("mask");
        if octal && !mode {
            cx.report_span(scalar.node.span, format!("`{}` is the number {value}", scalar.raw), "quote it, or drop the zeros");
        }
    });
}
