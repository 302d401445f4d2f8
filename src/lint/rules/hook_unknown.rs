//! `hook-unknown`: reports an event of `helm.sh/hook` that Helm does not know, and a weight that is no integer.

use crate::diagnostic::similar;
use crate::lint::context::Context;
use crate::source::Span;

const EVENTS: &[&str] = &[
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
    "test-success",
    "test-failure",
    "crd-install",
];

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    // Helm drops what it does not know before anything can be seen of it, so the template is read.
    for template in &chart.templates {
        let source = cx.input.sources.get(template.file);
        for range in (0..source.line_starts().len()).filter_map(|l| source.line_range(l)) {
            let line = &source.text[range.clone()];
            let Some((key, value)) = line.split_once(": ") else { continue };
            let key = key.trim().trim_matches(['"', '\'']);
            let value = value.split(" #").next().unwrap_or("").trim().trim_matches(['"', '\'']);
            if value.contains("{{") || value.is_empty() {
                continue;
            }
            let at = range.start + line.find(value).unwrap_or(0);
            let span = Span::new(template.file, at, at + value.len());
            match key {
                "helm.sh/hook" => {
                    let wrong = value.split(',').map(str::trim).find(|e| !EVENTS.contains(e));
                    if let Some(event) = wrong {
                        let help = similar(event, EVENTS.iter().copied())
                            .map_or_else(|| format!("known are: {}", EVENTS.join(", ")), |n| format!("did you mean `{n}`?"));
                        cx.report_span(span, format!("Helm does not know the hook `{event}`"), help);
                    }
                }
                "helm.sh/hook-weight" if value.parse::<i64>().is_err() => {
                    cx.report_span(span, format!("the weight `{value}` is no integer"), "write an integer in quotes, such as \"-5\"");
                }
                _ => {}
            }
        }
    }
}
