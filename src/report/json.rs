//! Everything about every finding, for programs. The `version` changes when a field changes its meaning or goes away;
//! new fields may come at any time.

use serde_json::{Map, Value, json};

use super::place::place;
use super::{Section, count};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::pipeline::Counts;
use crate::source::Origin;
use crate::source::Sources;
use crate::source::Span;

/// The version of the format.
const VERSION: u32 = 1;

pub(super) fn render(sections: &[Section<'_>], counts: Counts, extra: &[(&str, Value)]) -> String {
    let findings: Vec<Value> = sections.iter().flat_map(|s| s.findings.iter().map(|f| finding(s.sources, f))).collect();
    let mut report = json!({
        "version": VERSION,
        "tool": { "name": "kval", "version": env!("CARGO_PKG_VERSION") },
        "summary": {
            "charts": counts.charts,
            "files": counts.files,
            "objects": counts.objects,
            "bugs": count(sections, Severity::Bug),
            "errors": count(sections, Severity::Error),
            "warnings": count(sections, Severity::Warning),
            "infos": count(sections, Severity::Info),
        },
        "findings": findings,
    });
    for (name, value) in extra {
        report[*name] = value.clone();
    }
    let mut out = serde_json::to_string_pretty(&report).expect("a JSON value always prints");
    out.push('\n');
    out
}

fn span(sources: &Sources, span: Span) -> Value {
    let file = sources.get(span.file);
    let (start, end) = (file.line_column(span.start as usize), file.line_column(span.end as usize));
    json!({
        "file": file.name,
        "line": start.line,
        "column": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "start": span.start,
        "end": span.end,
    })
}

fn origin(sources: &Sources, origin: &Origin) -> Option<Value> {
    match origin {
        Origin::Key { value, key, path } => {
            let mut out = span(sources, *value);
            out["key"] = path.as_str().into();
            out["keyLine"] = sources.start(*key).line.into();
            out["keyColumn"] = sources.start(*key).column.into();
            Some(out)
        }
        Origin::Argument { flag, text, path } => Some(json!({ "flag": flag, "argument": text, "key": path })),
        Origin::Pieces(_) | Origin::Derived(_) => None,
    }
}

fn finding(sources: &Sources, finding: &Diagnostic) -> Value {
    let place = place(sources, finding);
    let mut out = Map::new();
    out.insert("code".into(), finding.code.into());
    out.insert("severity".into(), finding.severity.name().into());
    out.insert("message".into(), finding.message.as_str().into());
    let optional = |at: Option<Span>| at.map_or(Value::Null, |s| span(sources, s));
    out.insert("location".into(), optional(place.source));
    out.insert("template".into(), optional(place.resolved.template));
    out.insert("rendered".into(), optional(place.rendered));
    out.insert("trace".into(), place.resolved.trace.iter().map(|s| span(sources, *s)).collect());
    out.insert("origins".into(), place.resolved.origins.iter().filter_map(|o| origin(sources, o)).collect());
    out.insert("originsExact".into(), place.resolved.exact.into());
    out.insert(
        "object".into(),
        finding
            .object
            .as_ref()
            .map_or(Value::Null, |o| json!({ "apiVersion": o.api_version, "kind": o.kind, "namespace": o.namespace, "name": o.name })),
    );
    out.insert("field".into(), finding.field.as_str().into());
    let labels = finding.labels.iter().map(|l| {
        let mut label = span(sources, l.span);
        label["message"] = l.message.as_str().into();
        label
    });
    out.insert("labels".into(), labels.collect());
    out.insert("help".into(), finding.help.as_str().into());
    let fixes = finding.fixes.iter().map(|fix| {
        let edits: Vec<Value> = fix.edits.iter().map(|e| json!({ "at": span(sources, e.span), "text": e.text })).collect();
        json!({ "title": fix.title, "safe": fix.safe, "edits": edits })
    });
    out.insert("fixes".into(), fixes.collect());
    Value::Object(out)
}
