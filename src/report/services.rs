//! JSON for services: GitLab's code quality report and reviewdog's diagnostic format.

use serde_json::{Value, json};

use super::Section;
use super::flat::{Flat, flat};
use super::place::subject;
use crate::diagnostic::Severity;
use crate::source::Sources;
use crate::source::Span;

fn print(value: &Value) -> String {
    let mut out = serde_json::to_string_pretty(value).expect("a JSON value always prints");
    out.push('\n');
    out
}

fn relative(path: &str) -> &str {
    path.trim_start_matches("./")
}

/// The message with its object and advice.
fn words(flat: &Flat<'_>) -> String {
    let subject = subject(flat.finding.object.as_ref(), &flat.finding.field);
    let lines = [flat.finding.message.as_str(), subject.as_str(), flat.finding.help.as_str()];
    lines.into_iter().filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n")
}

/// GitLab's code quality report.
pub(super) fn gitlab(sections: &[Section<'_>]) -> String {
    let severity = |severity| match severity {
        Severity::Bug => "blocker",
        Severity::Error => "critical",
        Severity::Warning => "major",
        Severity::Info => "info",
    };
    let found = flat(sections);
    let all = found.iter().map(|flat| {
        json!({
            "type": "issue",
            "categories": ["Bug Risk"],
            "check_name": flat.finding.code,
            "description": words(flat),
            "severity": severity(flat.finding.severity),
            "fingerprint": flat.key,
            "location": { "path": relative(flat.file), "lines": { "begin": flat.start.line, "end": flat.end.line } },
        })
    });
    print(&all.collect())
}

/// A place of reviewdog's format, whose columns count bytes.
fn range(sources: &Sources, span: Span) -> Value {
    let file = sources.get(span.file);
    let at = |offset: u32| {
        let line = file.line_index(offset as usize);
        let start = file.line_starts().get(line).copied().unwrap_or(0);
        json!({ "line": line + 1, "column": offset.saturating_sub(start) + 1 })
    };
    json!({ "start": at(span.start), "end": at(span.end) })
}

fn location(sources: &Sources, span: Span) -> Value {
    json!({ "path": relative(&sources.get(span.file).name), "range": range(sources, span) })
}

/// reviewdog's diagnostic format (`-f=rdjson`).
pub(super) fn rdjson(sections: &[Section<'_>]) -> String {
    let severity = |severity| match severity {
        Severity::Bug | Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Info => "INFO",
    };
    let all: Vec<Value> = flat(sections)
        .iter()
        .map(|flat| {
            let mut out = json!({
                "message": words(flat),
                "severity": severity(flat.finding.severity),
                "code": { "value": flat.finding.code },
                "location": flat.place.source.map_or_else(|| json!({ "path": "" }), |span| location(flat.sources, span)),
            });
            let related: Vec<Value> =
                flat.related().iter().map(|(span, words)| json!({ "message": words, "location": location(flat.sources, *span) })).collect();
            if !related.is_empty() {
                out["relatedLocations"] = related.into();
            }
            let file = flat.place.source.map(|span| span.file);
            let edits = flat.finding.fixes.iter().flat_map(|f| &f.edits).filter(|e| Some(e.span.file) == file);
            let suggestions: Vec<Value> = edits.map(|e| json!({ "range": range(flat.sources, e.span), "text": e.text })).collect();
            if !suggestions.is_empty() {
                out["suggestions"] = suggestions.into();
            }
            out
        })
        .collect();
    print(&json!({ "source": { "name": "kval" }, "diagnostics": all }))
}
