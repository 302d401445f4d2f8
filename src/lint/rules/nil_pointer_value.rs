//! `nil-pointer-value`: reports a read of a field below a value that `values.yaml` does not define.

use std::collections::BTreeSet;

use crate::lint::context::Context;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(reads)) = (cx.chart(), cx.reads()) else { return };
    let imports = cx.about().is_some_and(|a| a.items("dependencies").iter().any(|d| d.has("import-values")));
    if imports || reads.replaced || chart.is_library() {
        return;
    }
    let below: Vec<&str> = chart.below.iter().map(|(_, c)| c.name()).collect();
    let mut seen: BTreeSet<(u32, usize)> = BTreeSet::new();
    for read in reads.found.iter().filter(|r| r.chart == 0 && r.at.0 < r.at.1) {
        let path = &read.path;
        let first = path.first().map_or("", String::as_str);
        if path.len() < 2
            || first == "global"
            || below.contains(&first)
            || path.iter().any(|p| p == "*")
            || !chart.templates.iter().any(|t| t.file == read.file)
        {
            continue;
        }
        // The text of the action must walk through the absent parent in one go.
        let text = cx.input.sources.slice(Span::new(read.file, read.at.0, read.at.1));
        let tail = path[path.len() - 2..].join(".");
        let parent = path[..path.len() - 1].to_vec();
        // A condition such as `eq .Values.provider "infoblox"` chooses by the name of what is then given.
        let before = &cx.input.sources.get(read.file).text[..read.at.0];
        if read.parent_guarded || before.contains(&format!("\"{first}\"")) {
            continue;
        }
        let guarded = read.guarded && reads.found.iter().any(|r| r.path == parent && r.guarded);
        let absent = cx.default_of(&parent).is_none_or(serde_json::Value::is_null);
        if text.ends_with(&tail)
            && absent
            && !guarded
            && !reads.set.iter().any(|s| parent.starts_with(s))
            && seen.insert((read.file.0, read.at.0))
        {
            // Somewhere else it is asked for first: then it is meant to be absent, and only this use forgets it.
            let message = format!("`{}` is not defined, so `.{}` stops Helm", parent.join("."), path[path.len() - 1]);
            cx.report_span(
                Span::new(read.file, read.at.0, read.at.1),
                message,
                format!("write (.Values.{}).{}, or define a default", parent.join("."), path[path.len() - 1]),
            );
        }
    }
}
