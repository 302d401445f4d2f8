//! `large-int-scientific`: reports a number of a million or more from the values that is written without `int64`.

use crate::lint::context::Context;
use crate::lint::values::Usage;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(reads)) = (cx.chart(), cx.reads()) else { return };
    for read in reads.found.iter().filter(|r| r.chart == 0 && r.usage == Usage::Output && r.at.0 < r.at.1) {
        let number = cx.default_of(&read.path).and_then(serde_json::Value::as_i64).filter(|n| n.unsigned_abs() >= 1_000_000);
        let Some(number) = number.filter(|_| chart.templates.iter().any(|t| t.file == read.file)) else { continue };
        let message = format!("{number} is written as {}", scientific(number));
        cx.report_span(Span::new(read.file, read.at.0, read.at.1), message, "pipe it through int64");
    }
}

/// How Go prints the number as a float.
fn scientific(number: i64) -> String {
    let text = format!("{:e}", number as f64);
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{digits}e+{exponent:0>2}")
}
