//! SARIF 2.1.0, as code scanning services read it: places in templates and manifests, values and includes as related
//! locations, fixes, and fingerprints that survive moves.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Section;
use super::escape::uri;
use super::flat::{Flat, ends, flat};
use crate::diagnostic::Fix;
use crate::diagnostic::Severity;
use crate::lint;
use crate::source::Sources;
use crate::source::Span;

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Bug | Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn region(sources: &Sources, span: Span) -> Value {
    let (start, end) = ends(sources, span);
    json!({ "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column })
}

fn location(sources: &Sources, span: Span) -> Value {
    json!({ "artifactLocation": { "uri": uri(&sources.get(span.file).name) }, "region": region(sources, span) })
}

/// The body of a page, without its front matter.
fn body(page: &str) -> &str {
    page.splitn(3, "---\n").nth(2).unwrap_or(page).trim()
}

fn rule(code: &str) -> Value {
    let page = lint::page(code).map_or("", body);
    let known = lint::rules().iter().find(|r| r.id == code);
    let summary = page.split_once("## What it does\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or(""));
    let summary = summary.replace('\n', " ");
    let mut out = json!({ "id": code });
    if !summary.is_empty() {
        out["shortDescription"] = json!({ "text": summary });
        out["fullDescription"] = json!({ "text": summary });
        out["help"] = json!({ "text": page, "markdown": page });
    }
    if let Some(known) = known {
        out["defaultConfiguration"] = json!({ "level": level(known.severity), "enabled": known.on });
        if !known.same_as.is_empty() {
            out["properties"] = json!({ "sameAs": known.same_as });
        }
    }
    out
}

fn fix(sources: &Sources, fix: &Fix) -> Value {
    let mut files: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for edit in &fix.edits {
        let change = json!({ "deletedRegion": region(sources, edit.span), "insertedContent": { "text": edit.text } });
        files.entry(&sources.get(edit.span.file).name).or_default().push(change);
    }
    let changes: Vec<Value> =
        files.into_iter().map(|(file, edits)| json!({ "artifactLocation": { "uri": uri(file) }, "replacements": edits })).collect();
    json!({ "description": { "text": fix.title }, "artifactChanges": changes })
}

fn result(flat: &Flat<'_>, index: usize) -> Value {
    let finding = flat.finding;
    let text = if finding.help.is_empty() { finding.message.clone() } else { format!("{}\n{}", finding.message, finding.help) };
    let mut out = json!({
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": text },
        "partialFingerprints": { "kval/v1": flat.key },
    });
    let mut place = json!({});
    if let Some(span) = flat.place.source {
        place["physicalLocation"] = location(flat.sources, span);
    }
    if let Some(object) = &finding.object {
        let slash = if object.namespace.is_empty() { "" } else { "/" };
        let mut full = format!("{}/{}{slash}{}", object.kind, object.namespace, object.name);
        if !finding.field.is_empty() {
            full.push_str(&format!(":{}", finding.field));
        }
        let name = if object.name.is_empty() { &object.kind } else { &object.name };
        place["logicalLocations"] = json!([{ "name": name, "fullyQualifiedName": full, "kind": "object" }]);
    }
    if place != json!({}) {
        out["locations"] = json!([place]);
    }
    let related = flat.related();
    if !related.is_empty() {
        let related = related.iter().zip(1..).map(
            |((span, words), id)| json!({ "id": id, "physicalLocation": location(flat.sources, *span), "message": { "text": words } }),
        );
        out["relatedLocations"] = related.collect();
    }
    if let Some(span) = flat.place.rendered {
        let at = flat.sources.start(span);
        let rendered = flat.sources.get(span.file);
        out["properties"] = json!({ "rendered": { "name": rendered.name, "line": at.line, "column": at.column } });
    }
    if !finding.fixes.is_empty() {
        out["fixes"] = finding.fixes.iter().map(|f| fix(flat.sources, f)).collect();
    }
    out
}

pub(super) fn render(sections: &[Section<'_>]) -> String {
    let all = flat(sections);
    let mut codes: Vec<&str> = all.iter().map(|f| f.finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let results: Vec<Value> = all.iter().map(|f| result(f, codes.binary_search(&f.finding.code).unwrap_or(0))).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "kval",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let mut out = serde_json::to_string_pretty(&log).expect("a JSON value always prints");
    out.push('\n');
    out
}
