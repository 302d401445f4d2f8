//! `block-scalar-newline`: reports a block text (`|` or `>`) that ends in a newline where it matters: a secret of
//! one line, an image, a variable.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::source::Span;
use crate::yaml::NodeKind;

pub(super) fn check(cx: &Context) {
    texts::scalars(cx, &mut |scalar| {
        let NodeKind::Str(value) = &scalar.node.kind else { return };
        let block = scalar.raw.starts_with(['|', '>']);
        if !block || !value.ends_with('\n') || value.trim_end().contains('\n') {
            return;
        }
        let parent = scalar.keys.iter().rev().nth(1).copied().unwrap_or("");
        let secret = scalar.kind == "Secret" && matches!(parent, "data" | "stringData");
        // Certificates and keys of several lines end in a newline by custom.
        let single = matches!(scalar.key(), "image" | "name" | "value" | "namespace");
        if secret || single && scalar.kind != "ConfigMap" {
            let end = scalar.node.span.start as usize + 1;
            cx.report_span(
                Span::new(scalar.node.span.file, scalar.node.span.start as usize, end),
                "the text ends in a newline",
                "write |- or >-",
            );
        }
    });
}
