//! Output formats. A report reads findings and the texts they point at; it judges nothing and writes only to the
//! buffer it is given.

mod concise;
mod json;
mod place;
mod text;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::pipeline::Counts;
use crate::source::Sources;

/// What one chart, or all plain manifests together, gave.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a> {
    /// The texts its findings point at.
    pub sources: &'a Sources,
    /// The findings, in the order they are printed.
    pub findings: &'a [Diagnostic],
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Excerpts of the template, the values and the rendered text, for people.
    Text {
        /// With terminal colours.
        color: bool,
    },
    /// One line per finding.
    Concise,
    /// Everything, for programs.
    Json,
}

/// Prints all findings in one format, with what was looked at; `extra` are further members of the JSON report.
pub fn render(format: Format, sections: &[Section<'_>], counts: Counts, extra: &[(&str, serde_json::Value)]) -> String {
    match format {
        Format::Text { color } => text::render(sections, counts, color),
        Format::Concise => concise::render(sections),
        Format::Json => json::render(sections, counts, extra),
    }
}

fn plural(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

fn count(sections: &[Section<'_>], severity: Severity) -> usize {
    sections.iter().flat_map(|s| s.findings).filter(|f| f.severity == severity).count()
}

/// One line: what was looked at and what was found.
pub fn summary(sections: &[Section<'_>], counts: Counts) -> String {
    let mut found: Vec<String> = Vec::new();
    for (severity, word) in [(Severity::Bug, "bug"), (Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "hint")] {
        match count(sections, severity) {
            0 => {}
            n => found.push(plural(n, word)),
        }
    }
    let found = if found.is_empty() { "no findings".to_owned() } else { found.join(", ") };
    let mut from: Vec<String> = Vec::new();
    if counts.charts > 0 {
        from.push(plural(counts.charts, "chart"));
    }
    if counts.files > 0 {
        from.push(plural(counts.files, "file"));
    }
    let from = if from.is_empty() { String::new() } else { format!(" from {}", from.join(" and ")) };
    format!("{found} in {}{from}", plural(counts.objects, "object"))
}
