//! `lookup-without-fallback`: reports a field of what `lookup` gave that is used without asking whether anything is
//! there.

use crate::lint::context::Context;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(reads)) = (cx.chart(), cx.reads()) else { return };
    for (file, at) in &reads.lookups {
        if chart.templates.iter().any(|t| t.file == *file) {
            cx.report_span(
                Span::new(*file, *at, *at + 1),
                "`lookup` may give nothing, and the field of nothing stops Helm",
                "ask with `with` or `if` first, or use dig",
            );
        }
    }
}
