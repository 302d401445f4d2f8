//! `crd-template-syntax`: reports the actions of a template in a file of `crds/`.

use crate::lint::context::Context;
use crate::source::Span;

const ACTIONS: &[&str] = &[
    ".Values.",
    ".Release.",
    ".Chart.",
    ".Capabilities.",
    "include \"",
    "template \"",
    "- if ",
    "- end ",
    "if .",
    "end }}",
    "- range ",
    "range .",
];

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for (_, file) in chart.crd_files() {
        let source = cx.input.sources.get(file);
        for range in (0..source.line_starts().len()).filter_map(|l| source.line_range(l)) {
            let line = &source.text[range.clone()];
            // Descriptions tell of templates of other tools.
            let Some(at) = line.find("{{").filter(|_| !line.contains("description:")) else { continue };
            if ACTIONS.iter().any(|a| line[at..].contains(a)) {
                let end = line.rfind("}}").map_or(line.len(), |i| i + 2).max(at);
                cx.report_span(
                    Span::new(file, range.start + at, range.start + end),
                    "files in crds/ are not rendered",
                    "write the value out, or move the file to templates/",
                );
            }
        }
    }
}
