//! `template-instead-of-include`: reports a `template` action that puts a block into an indented place.

use crate::gotmpl::tree::NodeKind;
use crate::lint::ChartSource;
use crate::lint::actions;
use crate::lint::context::Context;

/// Whether what a named template writes stands as deep as the call.
fn fits(cx: &Context, chart: &ChartSource, name: &str, depth: usize) -> bool {
    for template in chart.all().iter().flat_map(|c| &c.templates) {
        let text = &cx.input.sources.get(template.file).text;
        let defines = actions::defines(text);
        let Some(at) = defines.iter().position(|(known, _)| known == name) else { continue };
        let end = defines.get(at + 1).map_or(text.len(), |(_, range)| range.start);
        let body = &text[defines[at].1.end..end];
        let comment = |l: &&str| !l.trim_start().starts_with(['{', '}', '*', '/']);
        let mut written = body.lines().skip(1).filter(|l| !l.trim().is_empty()).filter(comment);
        return written.all(|l| l.len() - l.trim_start().len() >= depth);
    }
    true
}

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for template in chart.templates.iter().filter(|t| !t.is_partial() && !t.name.ends_with(".txt")) {
        let text = &cx.input.sources.get(template.file).text;
        actions::nodes(template, &mut |node| {
            let NodeKind::Template(name, _) = &node.kind else { return };
            let line = text[..node.span.0].rsplit('\n').next().unwrap_or("");
            let after = text[node.span.1..].lines().next().unwrap_or("").trim();
            let alone = after.is_empty() || after.starts_with("{{- /*") || after.starts_with("{{/*");
            let name = name.to_string();
            if !line.is_empty() && line.trim().is_empty() && alone && !fits(cx, chart, &name, line.len()) {
                cx.report_span(
                    actions::span(template, node.span.0, node.span.1),
                    format!("what `template \"{name}\"` writes cannot be indented"),
                    "use include and nindent",
                );
            }
        });
    }
}
