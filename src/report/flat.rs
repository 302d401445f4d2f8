//! Findings one by one with their place, as most formats want them.

use std::collections::BTreeMap;

use super::Section;
use super::place::{Place, place, position};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::diagnostic::fingerprint;
use crate::source::LineColumn;
use crate::source::Origin;
use crate::source::Sources;
use crate::source::Span;

/// A finding and where it is.
pub(super) struct Flat<'a> {
    pub(super) sources: &'a Sources,
    pub(super) finding: &'a Diagnostic,
    pub(super) place: Place,
    /// The file to edit; empty for none.
    pub(super) file: &'a str,
    /// Where in it; the file's start when the finding has no place.
    pub(super) start: LineColumn,
    pub(super) end: LineColumn,
    /// What tells it apart from all others of the report.
    pub(super) key: String,
}

/// All findings of a report in order.
pub(super) fn flat<'a>(sections: &[Section<'a>]) -> Vec<Flat<'a>> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut out = Vec::new();
    for section in sections {
        for finding in section.findings {
            let sources = section.sources;
            let place = place(sources, finding);
            let (start, end) = place.source.map_or((START, START), |span| ends(sources, span));
            let file = place.source.map_or("", |span| sources.get(span.file).name.as_str());
            let digest = fingerprint(sources, finding).digest();
            let count = seen.entry(digest.clone()).or_default();
            *count += 1;
            let key = if *count == 1 { digest } else { format!("{digest}-{count}") };
            out.push(Flat { sources, finding, place, file, start, end, key });
        }
    }
    out
}

const START: LineColumn = LineColumn { line: 1, column: 1 };

/// Where a span starts and ends, as people count.
pub(super) fn ends(sources: &Sources, span: Span) -> (LineColumn, LineColumn) {
    let file = sources.get(span.file);
    (file.line_column(span.start as usize), file.line_column(span.end as usize))
}

impl Flat<'_> {
    /// Whether it is more than a hint.
    pub(super) fn fails(&self) -> bool {
        self.finding.severity >= Severity::Warning
    }

    /// `file:line:column`; empty without a place.
    pub(super) fn position(&self) -> String {
        self.place.source.map_or(String::new(), |span| position(self.sources, span))
    }

    /// Other places that explain it: values, includes and what the rule names, each with its words.
    pub(super) fn related(&self) -> Vec<(Span, String)> {
        let mut out = Vec::new();
        for origin in &self.place.resolved.origins {
            if let Origin::Key { value, path, .. } = origin {
                let words = if self.place.resolved.exact { "this value" } else { "computed from this value" };
                out.push((*value, format!("{words}: {path}")));
            }
        }
        out.extend(self.place.resolved.trace.iter().map(|frame| (*frame, "included here".to_owned())));
        for label in &self.finding.labels {
            let at = crate::diagnostic::resolve(self.sources, label.span).template.unwrap_or(label.span);
            out.push((at, label.message.clone()));
        }
        out
    }
}
