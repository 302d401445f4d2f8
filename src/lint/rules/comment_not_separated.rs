//! `comment-not-separated`: reports a `#` right after a value, which was probably meant as a comment.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::source::Span;
use crate::yaml::NodeKind;

pub(super) fn check(cx: &Context) {
    texts::scalars(cx, &mut |scalar| {
        if !matches!(scalar.node.kind, NodeKind::Str(_)) || scalar.raw.starts_with(['"', '\'', '|', '>', '#']) {
            return;
        }
        let Some((before, after)) = scalar.raw.split_once('#') else { return };
        // Colours, channels, fragments of addresses and comments of scripts have it by nature.
        let natural = before.contains('/')
            || before.contains(['\n', '$', '`', '('])
            || before.is_empty()
            || after.is_empty()
            || before.contains(['[', '^'])
            || after.starts_with(['!', '#', '{']);
        let glued = before.ends_with(|c: char| c.is_alphanumeric()) && after.starts_with(|c: char| c.is_alphanumeric() || c == ' ');
        if !natural && glued {
            let at = scalar.node.span.start as usize + before.len();
            cx.report_span(
                Span::new(scalar.node.span.file, at, at + 1),
                "the # is part of the value",
                "put a space before it, or quote the value",
            );
        }
    });
}
