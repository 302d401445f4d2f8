//! `dot-rebinding`: reports `.Values`, `.Release`, `.Chart` or `.Capabilities` inside a `with` or `range` where the
//! dot is something else.

use std::collections::BTreeSet;

use crate::lint::context::Context;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(reads)) = (cx.chart(), cx.reads()) else { return };
    let mut seen = BTreeSet::new();
    for rebound in &reads.rebound {
        let own = chart.templates.iter().any(|t| t.file == rebound.file && !t.is_partial());
        let end = rebound.at + rebound.name.len() + 1;
        let written = cx.input.sources.slice(Span::new(rebound.file, rebound.at, end)) == format!(".{}", rebound.name);
        if own && written && seen.insert((rebound.file, rebound.at)) {
            let message = format!("the dot is not the top here, so `.{}` is not there", rebound.name);
            cx.report_span(Span::new(rebound.file, rebound.at, end), message, format!("write $.{}", rebound.name));
        }
    }
}
