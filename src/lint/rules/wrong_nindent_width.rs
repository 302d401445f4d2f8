//! `wrong-nindent-width`: reports a `nindent` (or `indent`) whose width does not fit the place where the text goes.

use crate::gotmpl::tree::ArgKind;
use crate::gotmpl::tree::NodeKind;
use crate::lint::actions;
use crate::lint::context::Context;
use serde_json::Value;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for template in chart.templates.iter().filter(|t| !t.is_partial() && !t.name.ends_with(".txt")) {
        let source = cx.input.sources.get(template.file);
        actions::nodes(template, &mut |node| {
            let NodeKind::Action(pipe) = &node.kind else { return };
            let Some(last) = pipe.commands.last().filter(|c| actions::function(c).as_deref() == Some("nindent")) else { return };
            let Some(ArgKind::Number(width)) = last.args.get(1).map(|a| &a.kind) else { return };
            let Some(width) = width.int.and_then(|w| usize::try_from(w).ok()) else { return };
            let (before, line) = source.text[..node.span.0].rsplit_once('\n').unwrap_or(("", ""));
            // Several actions on a line, or text before one, make their own rules.
            if !line.trim().is_empty() {
                return;
            }
            let Some(above) = before.lines().rev().find(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#')) else { return };
            if above.contains("{{") && !above.contains(": {{") {
                return;
            }
            let indent = above.len() - above.trim_start().len();
            let key = above.trim();
            // What a named template writes may be a list, whose items may stand below the key.
            let list = !source.text[node.span.0..node.span.1].contains("toYaml") || is_list(cx, pipe);
            if key.ends_with(':') && !key.starts_with("- ") {
                let least = if list { indent } else { indent + 1 };
                if width < least {
                    let message = format!("the block below `{key}` needs more than {indent} columns, not {width}");
                    cx.report_span(actions::span(template, node.span.0, node.span.1), message, format!("use nindent {}", indent + 2));
                }
            } else if key.contains(": ")
                && !key.starts_with("- ")
                && !key.ends_with(['|', '>', '-'])
                && !key.starts_with(['"', '\'', '{', '['])
                && width > indent
            {
                let message = format!("the block is indented by {width}, the line before it by {indent}");
                cx.report_span(actions::span(template, node.span.0, node.span.1), message, format!("use nindent {indent}"));
            }
        });
    }
}

/// Whether the value at the start of a pipe is a list by default, or unknown.
fn is_list(cx: &Context, pipe: &crate::gotmpl::tree::Pipe) -> bool {
    let mut list = true;
    actions::commands(pipe, &mut |command| {
        for arg in &command.args {
            if let ArgKind::Field(names) = &arg.kind {
                let path: Vec<String> = names.iter().skip(1).map(ToString::to_string).collect();
                if names[0].to_string() == "Values" {
                    list = !matches!(cx.default_of(&path), Some(Value::Object(_)));
                }
            }
        }
    });
    list
}
