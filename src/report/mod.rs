//! Output formats. A report reads findings and the texts they point at; it judges nothing and writes only to the
//! buffer it is given.

mod concise;
mod escape;
mod flat;
mod html;
mod json;
mod junit;
pub mod kubeconform;
mod lines;
mod picture;
mod place;
mod sarif;
mod services;
mod text;

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::kube::Object;
use crate::pipeline::Counts;
use crate::source::Sources;
use crate::source::Span;

/// What one chart, or all plain manifests together, gave.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a> {
    /// The texts its findings point at.
    pub sources: &'a Sources,
    /// The findings, in the order they are printed.
    pub findings: &'a [Diagnostic],
    /// The objects that were judged.
    pub objects: &'a [Object],
    /// The objects that were not, because the user said so.
    pub skipped: &'a [Object],
    /// Documents with nothing in them.
    pub empty: &'a [Span],
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
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit's XML.
    Junit,
    /// TAP 14.
    Tap,
    /// The commands of GitHub's runner.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// reviewdog's diagnostic format.
    Rdjson,
    /// Tables for a comment or a job's summary.
    Markdown,
    /// One page to look at.
    Html,
}

impl Format {
    /// The formats by their names on the command line, without colours.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("text", Self::Text { color: false }),
        ("concise", Self::Concise),
        ("json", Self::Json),
        ("sarif", Self::Sarif),
        ("junit", Self::Junit),
        ("tap", Self::Tap),
        ("github", Self::Github),
        ("gitlab", Self::Gitlab),
        ("rdjson", Self::Rdjson),
        ("markdown", Self::Markdown),
        ("html", Self::Html),
    ];

    /// The format of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
    }
}

/// Prints all findings in one format, with what was looked at; `extra` are further members of the JSON report.
pub fn render(format: Format, sections: &[Section<'_>], counts: Counts, extra: &[(&str, serde_json::Value)]) -> String {
    match format {
        Format::Text { color } => text::render(sections, counts, color),
        Format::Concise => concise::render(sections),
        Format::Json => json::render(sections, counts, extra),
        Format::Sarif => sarif::render(sections),
        Format::Junit => junit::render(sections),
        Format::Tap => lines::tap(sections),
        Format::Github => lines::github(sections),
        Format::Gitlab => services::gitlab(sections),
        Format::Rdjson => services::rdjson(sections),
        Format::Markdown => lines::markdown(sections, counts),
        Format::Html => html::render(sections, counts),
    }
}

/// A number of things that `word` names, as a sentence has it: `1 rule`, `2 rules`.
pub fn plural(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

fn count(sections: &[Section<'_>], severity: Severity) -> usize {
    sections.iter().flat_map(|s| s.findings).filter(|f| f.severity == severity).count()
}

/// The names of the manifests and templates that objects came from.
fn files<'a>(sections: &[Section<'a>]) -> BTreeSet<&'a str> {
    let mut out = BTreeSet::new();
    for section in sections {
        for object in section.objects {
            let span = object.node.span;
            let file = crate::diagnostic::resolve(section.sources, span).template.map_or(span.file, |t| t.file);
            out.insert(section.sources.get(file).name.as_str());
        }
    }
    out
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
