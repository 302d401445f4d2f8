//! `missing-quote`: reports a rendered value without quotes that YAML reads as a boolean or a number where a string
//! is wanted.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::yaml::NodeKind;

pub(super) fn check(cx: &Context) {
    if cx.chart().is_none() {
        return;
    }
    texts::scalars(cx, &mut |scalar| {
        let what = match scalar.node.kind {
            NodeKind::Bool(_) => "a boolean",
            NodeKind::Int(_) | NodeKind::Uint(_) | NodeKind::Float(_) => "a number",
            _ => return,
        };
        let Some(map) = &cx.input.sources.get(scalar.node.span.file).map else { return };
        let written = map.within(scalar.node.span.range()).iter().any(|s| s.action);
        if written && scalar.is_string_field() {
            cx.report_span(scalar.node.span, format!("`{}` is {what} here, not a string", scalar.raw), "pipe it through quote");
        }
    });
}
