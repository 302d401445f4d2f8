//! `template-instead-of-include`: reports a `template` action that puts a block into an indented place.

use crate::gotmpl::tree::Node;
use crate::gotmpl::tree::NodeKind;
use crate::lint::ChartSource;
use crate::lint::actions;
use crate::lint::context::Context;

/// How many lines nodes write at most.
fn lines(nodes: &[Node], depth: usize) -> usize {
    let of = |node: &Node| match &node.kind {
        NodeKind::Text(text) => text.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty()).count(),
        NodeKind::Range(_) => 2,
        NodeKind::If(branch) | NodeKind::With(branch) if depth < 50 => {
            lines(&branch.list, depth + 1).max(lines(branch.other.as_deref().unwrap_or_default(), depth + 1))
        }
        _ => 0,
    };
    nodes.iter().map(of).sum()
}

/// Whether what a named template writes stands as deep as the call.
fn fits(cx: &Context, chart: &ChartSource, name: &str, depth: usize) -> bool {
    for template in chart.all().iter().flat_map(|c| &c.templates) {
        let text = &cx.input.sources.get(template.file).text;
        let defines = actions::defines(text);
        let Some(at) = defines.iter().position(|(known, _)| known == name) else { continue };
        let end = defines.get(at + 1).map_or(text.len(), |(_, range)| range.start);
        // One line fits anywhere; what is named after several things will have more.
        let tree = template.trees.iter().find(|t| t.name.to_string() == name);
        if !name.ends_with('s') && tree.is_some_and(|t| lines(t.root(), 0) <= 1) {
            return true;
        }
        let body = without_comments(&text[defines[at].1.end..end]);
        let comment = |l: &&str| !l.trim_start().starts_with(['{', '}', '*', '/']);
        let mut written = body.lines().skip(1).filter(|l| !l.trim().is_empty()).filter(comment);
        return written.all(|l| l.len() - l.trim_start().len() >= depth);
    }
    true
}

/// A template without its comments.
fn without_comments(mut text: &str) -> String {
    let mut out = String::new();
    while let Some(at) = ["{{/*", "{{- /*"].iter().filter_map(|open| text.find(open)).min() {
        out.push_str(&text[..at]);
        let Some(end) = text[at..].find("*/") else { return out };
        let rest = &text[at + end..];
        text = rest.find("}}").map_or("", |close| &rest[close + 2..]);
    }
    out.push_str(text);
    out
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
