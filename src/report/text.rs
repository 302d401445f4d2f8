//! For people: the excerpt of the template with the action underlined, the value that supplied it, the rendered line,
//! the includes on the way and what to do.

use std::ops::Range;

use codespan_reporting::diagnostic::Diagnostic as Printed;
use codespan_reporting::diagnostic::Label;
use codespan_reporting::diagnostic::Severity as PrintedSeverity;
use codespan_reporting::files;
use codespan_reporting::term;
use codespan_reporting::term::termcolor::{Ansi, NoColor, WriteColor};

use super::place::{Place, origin_words, place, position, subject};
use super::{Section, summary};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::pipeline::Counts;
use crate::source::FileId;
use crate::source::Origin;
use crate::source::Sources;
use crate::source::Span;

/// Longest excerpt of one place: an underlined block of more lines is cut to its first line.
const MAX_LINES: usize = 1;

/// [`Sources`] as codespan reads them.
struct Texts<'a>(&'a Sources);

impl<'a> files::Files<'a> for Texts<'_> {
    type FileId = FileId;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<&'a str, files::Error> {
        Ok(&self.0.get(id).name)
    }

    fn source(&'a self, id: FileId) -> Result<&'a str, files::Error> {
        Ok(&self.0.get(id).text)
    }

    fn line_index(&'a self, id: FileId, byte_index: usize) -> Result<usize, files::Error> {
        Ok(self.0.get(id).line_index(byte_index))
    }

    fn line_range(&'a self, id: FileId, line: usize) -> Result<Range<usize>, files::Error> {
        let file = self.0.get(id);
        let starts = file.line_starts();
        let start = starts.get(line).ok_or(files::Error::LineTooLarge { given: line, max: starts.len() })?;
        Ok(*start as usize..starts.get(line + 1).map_or(file.text.len(), |&e| e as usize))
    }
}

pub(super) fn render(sections: &[Section<'_>], counts: Counts, color: bool) -> String {
    let mut bytes = Vec::new();
    for section in sections {
        for finding in section.findings {
            if color {
                emit(&mut Ansi::new(&mut bytes), section.sources, finding);
            } else {
                emit(&mut NoColor::new(&mut bytes), section.sources, finding);
            }
        }
    }
    let mut out = String::from_utf8_lossy(&bytes).into_owned();
    out.push_str(&summary(sections, counts));
    out.push('\n');
    out
}

fn emit(writer: &mut dyn WriteColor, sources: &Sources, finding: &Diagnostic) {
    let config = term::Config { tab_width: 2, ..term::Config::default() };
    // Writing to memory does not fail, and every span is of these sources.
    let _ = term::emit_to_write_style(writer, &config, &Texts(sources), &printed(sources, finding));
}

fn severity(severity: Severity) -> PrintedSeverity {
    match severity {
        Severity::Bug => PrintedSeverity::Bug,
        Severity::Error => PrintedSeverity::Error,
        Severity::Warning => PrintedSeverity::Warning,
        Severity::Info => PrintedSeverity::Note,
    }
}

/// The span's bytes, cut to its first line, on character boundaries and at least one character wide where there is one.
fn excerpt(sources: &Sources, span: Span) -> Range<usize> {
    let file = sources.get(span.file);
    let text = &file.text;
    let mut start = (span.start as usize).min(text.len());
    let mut end = (span.end as usize).clamp(start, text.len());
    // A block that begins with line breaks is shown from its first line with text.
    let blank = text.get(start..end).map_or(0, |s| s.len() - s.trim_start().len());
    if blank < end - start {
        start += blank;
    }
    let first = file.line_index(start);
    if file.line_index(end.saturating_sub(1).max(start)) >= first + MAX_LINES {
        end = file.line_range(first).map_or(end, |line| line.end.max(start));
    }
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

fn printed(sources: &Sources, finding: &Diagnostic) -> Printed<FileId> {
    let place = place(sources, finding);
    let mut out = Printed::new(severity(finding.severity)).with_code(finding.code).with_message(&finding.message);
    let labels = labels(sources, finding, &place);
    out = out.with_labels(labels);
    let subject = subject(finding.object.as_ref(), &finding.field);
    if !subject.is_empty() {
        out = out.with_note(format!("in: {subject}"));
    }
    for origin in &place.resolved.origins {
        // Keys have an excerpt of their own when they are few.
        if matches!(origin, Origin::Argument { .. }) {
            out.notes.extend(origin_words(sources, origin).map(|words| format!("value: {words}")));
        }
    }
    for frame in &place.resolved.trace {
        out = out.with_note(format!("included at {}: {}", position(sources, *frame), first_line(sources.slice(*frame))));
    }
    if !finding.help.is_empty() {
        out = out.with_note(format!("help: {}", finding.help.replace('\n', "\n      ")));
    }
    for fix in &finding.fixes {
        out = out.with_note(format!("fix: {}", fix.title));
    }
    out
}

/// How many values are shown with an excerpt.
const MAX_ORIGINS: usize = 3;

fn labels(sources: &Sources, finding: &Diagnostic, place: &Place) -> Vec<Label<FileId>> {
    let mut out: Vec<Label<FileId>> = Vec::new();
    let mut add = |label: Label<FileId>| {
        if !out.iter().any(|l| l.file_id == label.file_id && l.range == label.range) {
            out.push(label);
        }
    };
    if let Some(span) = place.source {
        add(Label::primary(span.file, excerpt(sources, span)));
    }
    for origin in place.resolved.origins.iter().take(MAX_ORIGINS) {
        if let Origin::Key { value, key, path } = origin {
            let words = if place.resolved.exact { "this value" } else { "computed from this value" };
            // A collection is shown by its key; a scalar by itself.
            let scalar = sources.start(*value).line == sources.get(value.file).line_column(value.end as usize).line;
            add(Label::secondary(key.file, excerpt(sources, if scalar { *value } else { *key })).with_message(format!("{words}: {path}")));
        }
    }
    if let Some(span) = place.rendered {
        add(Label::secondary(span.file, excerpt(sources, span)).with_message("rendered"));
    }
    for label in &finding.labels {
        let at = crate::diagnostic::resolve(sources, label.span).template.unwrap_or(label.span);
        add(Label::secondary(at.file, excerpt(sources, at)).with_message(&label.message));
    }
    out
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("").trim()
}
