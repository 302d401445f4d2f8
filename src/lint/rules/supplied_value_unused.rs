//! `supplied-value-unused`: reports a key of a values file given with `-f` that no template reads.

use crate::lint::context::Context;
use crate::lint::values::Reads;
use crate::source::Span;
use crate::yaml::Node;
use crate::yaml::NodeKind;

/// Deeper keys are not looked at.
const MAX_DEPTH: usize = 30;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(reads)) = (cx.chart(), cx.reads()) else { return };
    let all = chart.all();
    let lifted = all.iter().any(|c| c.about().is_some_and(|a| a.value.pointer("/dependencies").is_some_and(imports)));
    if reads.replaced || lifted || all.iter().any(|c| c.templates.iter().any(|t| t.error.is_some())) {
        return;
    }
    for root in cx.input.supplied {
        walk(cx, reads, root, &mut Vec::new());
    }
}

/// Whether values of a dependency are read under another name.
fn imports(dependencies: &serde_json::Value) -> bool {
    dependencies.as_array().is_some_and(|d| d.iter().any(|d| d.get("import-values").is_some() || d.get("alias").is_some()))
}

fn walk(cx: &Context, reads: &Reads, node: &Node, path: &mut Vec<String>) {
    let NodeKind::Mapping(entries) = &node.kind else { return };
    for entry in entries {
        path.push(entry.key.clone());
        if !matches!(path[0].as_str(), "global" | "tags") && !condition(cx, path) {
            if used(cx, reads, path) {
                if path.len() < MAX_DEPTH {
                    walk(cx, reads, &entry.value, path);
                }
            } else {
                tell(cx, reads, entry.key_span, path);
            }
        }
        path.pop();
    }
}

/// Whether the chart reads it, or the chart below whose name the path starts with.
fn used(cx: &Context, reads: &Reads, path: &[String]) -> bool {
    let Some(chart) = cx.chart() else { return true };
    let all = chart.all();
    if reads.uses(0, path) {
        return true;
    }
    // The path to a chart below is that of its names; what it reads counts from there.
    all.iter().enumerate().skip(1).any(|(number, below)| {
        path.iter().position(|name| name == below.name()).is_some_and(|at| at + 1 == path.len() || reads.uses(number, &path[at + 1..]))
    })
}

/// Whether the path decides if a dependency is there, or leads to such a path.
fn condition(cx: &Context, path: &[String]) -> bool {
    let mut dependencies = cx.about().map(|a| a.items("dependencies")).unwrap_or_default().into_iter();
    dependencies.any(|d| {
        d.text("condition").is_some_and(|c| c.split(',').any(|c| c.trim().split('.').map(str::to_owned).collect::<Vec<_>>().starts_with(path)))
    })
}

fn tell(cx: &Context, reads: &Reads, at: Span, path: &[String]) {
    let help = reads.near(path, |name| {
        let mut other = path[..path.len() - 1].to_vec();
        other.push(name.to_owned());
        // What the file supplies as well was not misspelt here.
        cx.input.supplied.iter().any(|root| has(root, &other))
    });
    let help = help.map_or_else(|| "remove it; it has no effect".to_owned(), |n| format!("templates read `{n}`: did you mean that?"));
    cx.report_span(at, format!("no template reads `{}`", path.join(".")), help);
}

fn has(root: &Node, path: &[String]) -> bool {
    match path.split_first() {
        Some((first, rest)) => root.get(first).is_some_and(|e| has(&e.value, rest)),
        None => true,
    }
}
