//! `template-instead-of-include`: reports a `template` action that puts a block into an indented place.

use crate::gotmpl::tree::NodeKind;
use crate::lint::actions;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for template in chart.templates.iter().filter(|t| !t.is_partial() && !t.name.ends_with(".txt")) {
        let text = &cx.input.sources.get(template.file).text;
        actions::nodes(template, &mut |node| {
            let NodeKind::Template(name, _) = &node.kind else { return };
            let line = text[..node.span.0].rsplit('\n').next().unwrap_or("");
            let after = text[node.span.1..].lines().next().unwrap_or("").trim();
            let alone = after.is_empty() || after.starts_with("{{- /*") || after.starts_with("{{/*");
            if !line.is_empty() && line.trim().is_empty() && alone {
                let name = name.to_string();
                cx.report_span(
                    actions::span(template, node.span.0, node.span.1),
                    format!("what `template \"{name}\"` writes cannot be indented"),
                    "use include and nindent",
                );
            }
        });
    }
}
