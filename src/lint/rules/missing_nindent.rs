//! `missing-nindent`: reports a text of several lines (`toYaml` or `include` of a block) that is put into an
//! indented place without `indent` or `nindent`.

use crate::gotmpl::tree::ArgKind;
use crate::gotmpl::tree::Command;
use crate::gotmpl::tree::NodeKind;
use crate::lint::actions;
use crate::lint::context::Context;
use crate::source::Span;
use serde_json::Value;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for template in chart.templates.iter().filter(|t| !t.is_partial()) {
        let source = cx.input.sources.get(template.file);
        actions::nodes(template, &mut |node| {
            let NodeKind::Action(pipe) = &node.kind else { return };
            let (Some(first), true) = (pipe.commands.first(), pipe.decl.is_empty()) else { return };
            let functions: Vec<String> = pipe.commands.iter().filter_map(actions::function).collect();
            let last = functions.last().map_or("", String::as_str);
            if !matches!(last, "toYaml" | "include") || pipe.commands.len() != functions.len() && last != "toYaml" {
                return;
            }
            let line = source.text[..node.span.0].rsplit('\n').next().unwrap_or("");
            // At the left edge nothing has to be indented; in a text the layout is free.
            if line.is_empty() || line.contains(['"', '\'']) || line.trim_start().starts_with('#') {
                return;
            }
            let lines = match last {
                "toYaml" => value_of(cx, first).is_some_and(several),
                _ => first.args.get(1).and_then(|a| actions::text(&a.kind)).is_some_and(|n| block(cx, &n)),
            };
            if lines {
                let help = "pipe it through nindent with the width of its place, and start the action with {{-";
                cx.report_span(
                    Span::new(template.file, node.span.0, node.span.1),
                    "a text of several lines is put here without indentation",
                    help,
                );
            }
        });
    }
}

/// The default of the value that a command or the first of a pipe takes.
fn value_of<'a>(cx: &Context<'a>, command: &Command) -> Option<&'a Value> {
    let arg = if command.args.len() == 1 { command.args.first() } else { command.args.last() };
    let names = match &arg?.kind {
        ArgKind::Field(names) => &names[..],
        ArgKind::Variable(names) if names[0].to_string() == "$" => &names[1..],
        _ => return None,
    };
    let (first, path) = names.split_first()?;
    let path: Vec<String> = path.iter().map(ToString::to_string).collect();
    (first.to_string() == "Values").then(|| cx.default_of(&path))?
}

/// Whether a value takes several lines as YAML.
fn several(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            map.len() > 1
                || map.values().any(|v| v.as_object().is_some_and(|m| !m.is_empty()) || v.as_array().is_some_and(|a| !a.is_empty()))
        }
        Value::Array(items) => items.len() > 1 || items.iter().any(several),
        _ => false,
    }
}

/// Whether a named template is a block of several entries.
fn block(cx: &Context, name: &str) -> bool {
    let Some(chart) = cx.chart() else { return false };
    let tree = chart.all().iter().flat_map(|c| &c.templates).flat_map(|t| &t.trees).find(|t| t.name.to_string() == name).cloned();
    let Some(tree) = tree else { return false };
    // Whole objects stand at the left edge.
    let mut entries = 0;
    for node in tree.root() {
        if let NodeKind::Text(text) = &node.kind {
            let text = String::from_utf8_lossy(text);
            if text.lines().any(|l| l == "---" || l.starts_with("apiVersion:")) {
                return false;
            }
            entries += text
                .lines()
                .filter(|l| {
                    l.trim_end()
                        .split_once(':')
                        .is_some_and(|(k, v)| !k.trim().is_empty() && !k.trim().contains(' ') && (v.is_empty() || v.starts_with(' ')))
                })
                .count();
        }
    }
    entries > 1
}
