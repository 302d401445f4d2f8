//! `undefined-value`: reports a value that a template reads, that `values.yaml` and the schema do not define, and
//! that nothing guards.

use std::collections::BTreeSet;

use crate::diagnostic::similar;
use crate::lint::context::Context;
use crate::lint::values::Read;
use crate::lint::values::Usage;
use crate::source::Span;
use serde_json::Value;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(reads)) = (cx.chart(), cx.reads()) else { return };
    let imports = cx.about().is_some_and(|a| a.items("dependencies").iter().any(|d| d.has("import-values")));
    let below = chart.keys_below();
    if imports || reads.replaced || chart.is_library() {
        return;
    }
    let schema = chart.schema.as_ref().and_then(|s| s.object.as_ref()).map(|o| &o.value);
    let mut seen: BTreeSet<(u32, usize)> = BTreeSet::new();
    let mentioned = chart.mentioned(cx.input.sources);
    // A range over nothing is over at once.
    let asks = |r: &&Read| r.chart == 0 && r.reached && !r.guarded && !matches!(r.usage, Usage::Condition | Usage::Range);
    for read in reads.found.iter().filter(asks) {
        let path = &read.path;
        let first = path.first().map_or("", String::as_str);
        if path.is_empty() || first == "global" || below.contains(first) || path.iter().any(|p| p == "*") || read.at.0 == read.at.1 {
            continue;
        }
        if !chart.templates.iter().any(|t| t.file == read.file)
            || reads.set.contains(path)
            || cx.default_of(path).is_some()
            || described(schema, path)
            || path.last().is_some_and(|name| mentioned.contains(name.as_str()))
        {
            continue;
        }
        // Another rule tells of what fails for a parent that is not there; users extend maps that are empty.
        let parent = &path[..path.len() - 1];
        let there = parent.is_empty() || matches!(cx.default_of(parent), Some(Value::Object(map)) if !map.is_empty());
        if !there || !seen.insert((read.file.0, read.at.0)) {
            continue;
        }
        // A variable holds what `default` made of it.
        let span = Span::new(read.file, read.at.0, read.at.1);
        let by_name = path.last().is_some_and(|name| cx.input.sources.slice(span).contains(&format!(".{name}")));
        if !by_name && reads.found.iter().any(|r| r.guarded && r.file == read.file && r.path == *path) {
            continue;
        }
        let known: Vec<&str> = match if parent.is_empty() { cx.default_of(&[]) } else { cx.default_of(parent) } {
            Some(Value::Object(map)) => map.keys().map(String::as_str).collect(),
            _ => Vec::new(),
        };
        let help = similar(path.last().map_or("", String::as_str), known)
            .map_or_else(|| "define it in values.yaml, or guard it".to_owned(), |n| format!("did you mean `{n}`?"));
        cx.report_span(span, format!("values.yaml does not define `{}`", path.join(".")), help);
    }
}

/// Whether a schema has a property at a path.
fn described(schema: Option<&Value>, path: &[String]) -> bool {
    let Some(schema) = schema else { return false };
    if schema.get("$ref").is_some() || schema.get("allOf").is_some() {
        return true;
    }
    let Some((first, rest)) = path.split_first() else { return true };
    schema.get("properties").and_then(|p| p.get(first)).is_some_and(|p| described(Some(p), rest))
}
