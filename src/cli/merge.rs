//! `kval report merge`: several JSON reports as one, in any format.

use std::collections::BTreeMap;

use clap::ArgMatches;
use serde_json::{Value, json};

use super::args::strings;
use super::error::Error;
use super::output::Output;
use super::world::{RealWorld, write_atomically};
use super::{BUG, CLEAN, FINDINGS, lint, options};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Edit;
use crate::diagnostic::FailOn;
use crate::diagnostic::Fix;
use crate::diagnostic::Label;
use crate::diagnostic::ObjectRef;
use crate::diagnostic::Severity;
use crate::pipeline::Counts;
use crate::report;
use crate::report::Format;
use crate::report::Section;
use crate::source::FileId;
use crate::source::Sources;
use crate::source::Span;
use crate::source::World;

/// The version of the JSON report that is understood.
const VERSION: u64 = 1;

pub(super) fn run(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = RealWorld::new(None, None);
    let mut reports = Vec::new();
    for path in strings(matches, "paths") {
        let bytes = if path == "-" { world.stdin()? } else { world.read(&path)? };
        let report: Value = serde_json::from_slice(&bytes).map_err(|e| Error::unusable(format!("{path}: not JSON: {e}")))?;
        if report["tool"]["name"] != "kval" || !report["findings"].is_array() {
            return Err(Error::unusable(format!("{path}: not a report of `kval lint --format json`")));
        }
        if report["version"].as_u64() != Some(VERSION) {
            return Err(Error::unusable(format!("{path}: a report of version {}, known is {VERSION}", report["version"])));
        }
        reports.push(report);
    }
    let merged = merged(&reports);
    let (sources, findings, counts) = read(&world, &merged);
    let section = [Section { sources: &sources, findings: &findings, objects: &[], skipped: &[], empty: &[] }];
    let (formats, files) = lint::formats(matches)?;
    let mut said = false;
    for (i, name) in formats.iter().enumerate() {
        let file = files.get(i).map_or("-", String::as_str);
        let text = match Format::named(name).unwrap_or(Format::Concise) {
            Format::Json => {
                let mut text = serde_json::to_string_pretty(&merged).unwrap_or_default();
                text.push('\n');
                text
            }
            Format::Text { .. } => {
                said |= file == "-";
                report::render(Format::Text { color: file == "-" && lint::color(matches) }, &section, counts, &[])
            }
            format => report::render(format, &section, counts, &[]),
        };
        match file {
            "-" => output.stdout.extend_from_slice(text.as_bytes()),
            file => write_atomically(file, text.as_bytes())?,
        }
    }
    if !said {
        output.note(&report::summary(&section, counts));
    }
    let limit = options::fail_on(matches).unwrap_or(FailOn::From(Severity::Error));
    let worst = findings.iter().map(|f| f.severity).max();
    Ok(match worst {
        Some(Severity::Bug) => BUG,
        Some(severity) if limit.fails(severity) => FINDINGS,
        _ => CLEAN,
    })
}

/// All findings, each once, in order of file and place; the counts of all together.
fn merged(reports: &[Value]) -> Value {
    let mut findings: Vec<&Value> = reports.iter().flat_map(|r| r["findings"].as_array().into_iter().flatten()).collect();
    let key = |f: &Value| {
        let at = &f["location"];
        (at["file"].as_str().unwrap_or("").to_owned(), at["start"].as_u64(), f["code"].as_str().unwrap_or("").to_owned(), f.to_string())
    };
    findings.sort_by_cached_key(|f| key(f));
    findings.dedup();
    let mut summary: BTreeMap<&str, u64> = BTreeMap::new();
    for name in ["charts", "files", "objects"] {
        summary.insert(name, reports.iter().filter_map(|r| r["summary"][name].as_u64()).sum());
    }
    for (name, severity) in [("bugs", "bug"), ("errors", "error"), ("warnings", "warning"), ("infos", "info")] {
        summary.insert(name, findings.iter().filter(|f| f["severity"] == severity).count() as u64);
    }
    json!({
        "version": VERSION,
        "tool": { "name": "kval", "version": env!("CARGO_PKG_VERSION") },
        "summary": summary,
        "findings": findings,
    })
}

/// The texts that places of a report are in: read again where they are there, else of blank lines as long as needed.
#[derive(Default)]
struct Texts {
    sources: Sources,
    known: BTreeMap<String, FileId>,
}

/// The offset of a line and column (both from 1) in a text.
fn offset(text: &str, line: u64, column: u64) -> Option<usize> {
    let start = match line.checked_sub(2) {
        Some(breaks) => text.match_indices('\n').nth(usize::try_from(breaks).ok()?)?.0 + 1,
        None => 0,
    };
    let row = text[start..].split('\n').next().unwrap_or("");
    let column = usize::try_from(column).ok()?.saturating_sub(1);
    let within = row.char_indices().nth(column).map(|(at, _)| at).or_else(|| (row.chars().count() == column).then_some(row.len()))?;
    Some(start + within)
}

impl Texts {
    fn prepare(&mut self, world: &RealWorld, places: &[&Value]) {
        let mut most: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for place in places {
            let Some(file) = place["file"].as_str() else { continue };
            let entry = most.entry(file).or_default();
            for (line, column) in [("line", "column"), ("endLine", "endColumn")] {
                entry.0 = entry.0.max(place[line].as_u64().unwrap_or(1));
                entry.1 = entry.1.max(place[column].as_u64().unwrap_or(1));
            }
        }
        for (file, (lines, columns)) in most {
            let fits = |text: &String| places.iter().filter(|p| p["file"] == file).all(|p| span_in(text, p).is_some());
            let read = world.read(file).ok().and_then(|bytes| String::from_utf8(bytes).ok()).filter(fits);
            // A report may name any place; a text for it has its limits.
            let (lines, columns) = (lines.min(100_000) as usize, columns.min(2000) as usize);
            let text = read.unwrap_or_else(|| format!("{}\n", " ".repeat(columns)).repeat(lines));
            let id = self.sources.add(file, text);
            self.known.insert(file.to_owned(), id);
        }
    }

    fn span(&self, place: &Value) -> Option<Span> {
        let file = *self.known.get(place["file"].as_str()?)?;
        let (start, end) = span_in(&self.sources.get(file).text, place)?;
        Some(Span::new(file, start, end))
    }
}

fn span_in(text: &str, place: &Value) -> Option<(usize, usize)> {
    let start = offset(text, place["line"].as_u64()?, place["column"].as_u64()?)?;
    let end = offset(text, place["endLine"].as_u64()?, place["endColumn"].as_u64()?)?;
    (start <= end).then_some((start, end))
}

fn array<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value[name].as_array().into_iter().flatten()
}

/// The findings of a report, as far as it tells of them.
fn read(world: &RealWorld, report: &Value) -> (Sources, Vec<Diagnostic>, Counts) {
    let mut places: Vec<&Value> = Vec::new();
    for finding in array(report, "findings") {
        places.push(&finding["location"]);
        places.extend(array(finding, "origins").chain(array(finding, "labels")));
        places.extend(array(finding, "fixes").flat_map(|f| array(f, "edits")).map(|e| &e["at"]));
    }
    let mut texts = Texts::default();
    texts.prepare(world, &places);
    let findings = array(report, "findings").map(|f| finding(&texts, f)).collect();
    let count = |name: &str| usize::try_from(report["summary"][name].as_u64().unwrap_or(0)).unwrap_or(usize::MAX);
    let counts = Counts { charts: count("charts"), files: count("files"), objects: count("objects") };
    (texts.sources, findings, counts)
}

fn finding(texts: &Texts, value: &Value) -> Diagnostic {
    let text = |name: &str| value[name].as_str().unwrap_or("").to_owned();
    let code = text("code");
    let known = crate::lint::rules().iter().map(|r| r.id).chain(crate::lint::verdicts()).find(|id| *id == code);
    let severity = Severity::named(&text("severity")).unwrap_or(Severity::Bug);
    // Ids of a team's own rules live as long as the program.
    let mut out = Diagnostic::new(known.unwrap_or_else(|| String::leak(code)), severity, text("message")).help(text("help"));
    out.span = texts.span(&value["location"]);
    out.field = text("field");
    let object = &value["object"];
    let part = |name: &str| object[name].as_str().unwrap_or("").to_owned();
    out.object = object.is_object().then(|| ObjectRef {
        api_version: part("apiVersion"),
        kind: part("kind"),
        namespace: part("namespace"),
        name: part("name"),
    });
    let words = |o: &Value| format!("value {}", o["key"].as_str().unwrap_or(""));
    out.labels = array(value, "origins").filter_map(|o| Some(Label { span: texts.span(o)?, message: words(o) })).collect();
    let label = |l: &Value| Some(Label { span: texts.span(l)?, message: l["message"].as_str().unwrap_or("").to_owned() });
    out.labels.extend(array(value, "labels").filter_map(label));
    let edit = |e: &Value| Some(Edit { span: texts.span(&e["at"])?, text: e["text"].as_str()?.to_owned() });
    let fix = |f: &Value| {
        let edits: Option<Vec<Edit>> = array(f, "edits").map(edit).collect();
        Some(Fix { title: f["title"].as_str()?.to_owned(), safe: f["safe"].as_bool()?, edits: edits? })
    };
    out.fixes = array(value, "fixes").filter_map(fix).collect();
    out
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn places_are_found_again() {
        assert_eq!(offset("ab\ncäd\n", 1, 1), Some(0));
        assert_eq!(offset("ab\ncäd\n", 2, 3), Some(6));
        assert_eq!(offset("ab\ncäd\n", 2, 4), Some(7));
        assert_eq!(offset("ab\n", 1, 9), None);
        assert_eq!(offset("ab\n", 5, 1), None);
    }
}
