//! `nil-pointer-value`: reports a read of a field below a value that `values.yaml` does not define.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::lint::context::Context;
use crate::source::FileId;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(reads)) = (cx.chart(), cx.reads()) else { return };
    let imports = cx.about().is_some_and(|a| a.items("dependencies").iter().any(|d| d.has("import-values")));
    if imports || reads.replaced || chart.is_library() {
        return;
    }
    let below = chart.keys_below();
    let mut seen: BTreeSet<(u32, usize)> = BTreeSet::new();
    let mentioned = chart.mentioned(cx.input.sources);
    let own: BTreeSet<FileId> = chart.templates.iter().map(|t| t.file).collect();
    let guarded: BTreeSet<&[String]> = reads.found.iter().filter(|r| r.guarded).map(|r| r.path.as_slice()).collect();
    for read in reads.found.iter().filter(|r| r.chart == 0 && r.reached && r.at.0 < r.at.1) {
        let path = &read.path;
        let first = path.first().map_or("", String::as_str);
        let known = path.len() < 2 || first == "global" || below.contains(first) || path.iter().any(|p| p == "*");
        if known || !own.contains(&read.file) {
            continue;
        }
        let parent = &path[..path.len() - 1];
        // What a comment of `values.yaml` tells users to give.
        if mentioned.contains(parent[parent.len() - 1].as_str()) {
            continue;
        }
        // Where it is asked for first somewhere, it is meant to be absent.
        if cx.default_of(parent).is_some_and(|v| !v.is_null()) || read.guarded && guarded.contains(parent) {
            continue;
        }
        // Who gives what a condition around asks for, gives all of it.
        let given = |names: usize| read.asks(names) && cx.default_of(&path[..names]).is_none_or(nothing);
        if (1..path.len()).any(given) || reads.set.iter().any(|s| parent.starts_with(s)) {
            continue;
        }
        // The text of the action must walk through the absent parent in one go. A condition such as
        // `eq .Values.provider "infoblox"` chooses by the name of what is then given.
        let text = cx.input.sources.slice(Span::new(read.file, read.at.0, read.at.1));
        let before = &cx.input.sources.get(read.file).text[..read.at.0];
        let whole = text.ends_with(&path[path.len() - 2..].join(".")) && !before.contains(&format!("\"{first}\""));
        if whole && seen.insert((read.file.0, read.at.0)) {
            // What is above may be missing as well: the first that is stops Helm.
            let missing = (1..path.len()).find(|n| cx.default_of(&path[..*n]).is_none_or(Value::is_null)).unwrap_or(path.len() - 1);
            let above = path[..missing].join(".");
            let message = format!("`{above}` is not defined, so `.{}` stops Helm", path[missing]);
            let safe = path[missing..].iter().fold(format!(".Values.{above}"), |text, name| format!("({text}).{name}"));
            cx.report_span(Span::new(read.file, read.at.0, read.at.1), message, format!("write {safe}, or define a default"));
        }
    }
}

/// Whether a condition takes a default for nothing.
fn nothing(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty)
}
