//! Drops findings that the user asked to ignore: by comment, or by another tool's annotation.

use std::collections::BTreeMap;

use super::rules;
use crate::diagnostic::Diagnostic;
use crate::kube::Object;
use crate::source::FileId;
use crate::source::Sources;
use crate::source::Span;
use crate::yaml::Document;

/// One `# kval:ignore` comment.
#[derive(Clone, Debug)]
pub(super) struct Ignore<'a> {
    /// The ids it names.
    pub(super) ids: Vec<&'a str>,
    /// The comment.
    pub(super) span: Span,
    /// The line (from 0) it silences.
    pub(super) line: usize,
}

/// All ignore comments of a set of documents.
pub(super) fn comments<'a>(sources: &'a Sources, documents: &[(FileId, Document)]) -> Vec<(FileId, Ignore<'a>)> {
    let mut out = Vec::new();
    for (file, document) in documents {
        let source = sources.get(*file);
        let own: Vec<usize> = document.comments.iter().filter(|c| c.own_line).map(|c| source.line_index(c.span.start as usize)).collect();
        for comment in &document.comments {
            let text = sources.slice(comment.span).trim_start_matches('#').trim_start();
            let Some(rest) = text.strip_prefix("kval:ignore") else { continue };
            let Some(ids) = rest.split_whitespace().next() else { continue };
            let mut line = source.line_index(comment.span.start as usize);
            // A comment of its own speaks about the next line that is not a comment.
            while own.contains(&line) {
                line += 1;
            }
            let ids = ids.split(',').filter(|id| !id.is_empty()).collect();
            out.push((*file, Ignore { ids, span: comment.span, line }));
        }
    }
    out
}

/// The checks of other tools that an object's annotations switch off, as `tool/check`.
fn annotated(object: &Object) -> Vec<String> {
    let Some(annotations) = object.value.pointer("/metadata/annotations").and_then(|a| a.as_object()) else { return Vec::new() };
    let mut out = Vec::new();
    for (key, value) in annotations {
        if let Some(check) = key.strip_prefix("ignore-check.kube-linter.io/") {
            out.push(format!("kube-linter/{check}"));
        } else if key == "kube-linter.io/ignore-all" {
            out.push("kube-linter/*".to_owned());
        } else if let Some(check) = key.strip_prefix("polaris.fairwinds.com/").and_then(|k| k.strip_suffix("-exempt")) {
            if value.as_str() == Some("true") {
                out.push(format!("polaris/{check}"));
            }
        } else if key == "kube-score/ignore" {
            out.extend(value.as_str().unwrap_or("").split(',').map(|c| format!("kube-score/{}", c.trim())));
        }
    }
    out
}

/// Drops the findings that a comment on their line, a comment above it, or an annotation of their object silences.
///
/// The findings may be of any phase: their codes are compared with the ids in the comments.
pub fn suppress(sources: &Sources, documents: &[(FileId, Document)], objects: &[Object], found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut lines: BTreeMap<(FileId, usize), Vec<&str>> = BTreeMap::new();
    for (file, ignore) in comments(sources, documents) {
        lines.entry((file, ignore.line)).or_default().extend(ignore.ids);
    }
    let mut silent: BTreeMap<(FileId, &str, &str, &str), Vec<String>> = BTreeMap::new();
    for object in objects {
        let checks = annotated(object);
        if !checks.is_empty() {
            silent.insert((object.file, &object.id.kind, &object.id.namespace, &object.id.name), checks);
        }
    }
    let kept = |d: &Diagnostic| {
        let Some(span) = d.span else { return true };
        let line = sources.get(span.file).line_index(span.start as usize);
        if lines.get(&(span.file, line)).is_some_and(|ids| ids.contains(&d.code)) {
            return false;
        }
        let checks = d.object.as_ref().and_then(|o| silent.get(&(span.file, o.kind.as_str(), o.namespace.as_str(), o.name.as_str())));
        let Some(checks) = checks else { return true };
        let same_as = rules::RULES.iter().find(|r| r.id == d.code).map_or(&[][..], |r| &r.same_as);
        !same_as.iter().any(|name| {
            let tool = name.split('/').next().unwrap_or("");
            checks.iter().any(|c| c == name || c.strip_suffix("/*") == Some(tool))
        })
    };
    found.into_iter().filter(kept).collect()
}
