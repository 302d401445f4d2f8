//! Where a finding is, for people: the template and the values first, the rendered text beside them.

use std::fmt::Write;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::ObjectRef;
use crate::diagnostic::Resolved;
use crate::diagnostic::resolve;
use crate::source::Origin;
use crate::source::Sources;
use crate::source::Span;

/// A finding's place in the text that was judged and in the sources the user wrote.
pub(super) struct Place {
    /// In the text the user edits: the template, or the manifest itself.
    pub(super) source: Option<Span>,
    /// In the rendered text; `None` for a plain manifest.
    pub(super) rendered: Option<Span>,
    /// Includes, values keys and arguments.
    pub(super) resolved: Resolved,
}

/// Resolves a finding's place.
pub(super) fn place(sources: &Sources, finding: &Diagnostic) -> Place {
    let Some(span) = finding.span else { return Place { source: None, rendered: None, resolved: Resolved::default() } };
    let resolved = resolve(sources, span);
    match resolved.template {
        Some(template) => Place { source: Some(template), rendered: Some(span), resolved },
        None => Place { source: Some(span), rendered: None, resolved },
    }
}

/// `file:line:column`.
pub(super) fn position(sources: &Sources, span: Span) -> String {
    let at = sources.start(span);
    format!("{}:{}:{}", sources.get(span.file).name, at.line, at.column)
}

/// `Deployment shop/web, field spec.replicas`; empty when nothing is known.
pub(super) fn subject(object: Option<&ObjectRef>, field: &str) -> String {
    let mut out = String::new();
    if let Some(object) = object.filter(|o| !(o.kind.is_empty() && o.name.is_empty())) {
        out.push_str(if object.kind.is_empty() { "object" } else { &object.kind });
        if !object.name.is_empty() {
            let slash = if object.namespace.is_empty() { "" } else { "/" };
            let _ = write!(out, " {}{slash}{}", object.namespace, object.name);
        }
    }
    if !field.is_empty() {
        let _ = write!(out, "{}field {field}", if out.is_empty() { "" } else { ", " });
    }
    out
}

/// What an origin is, in words.
pub(super) fn origin_words(sources: &Sources, origin: &Origin) -> Option<String> {
    match origin {
        Origin::Key { key, path, .. } => Some(format!("{path} ({})", position(sources, *key))),
        Origin::Argument { flag, text, path } => Some(format!("{path} ({flag} {text})")),
        Origin::Pieces(_) | Origin::Derived(_) => None,
    }
}
