//! The shapes of kubeconform's reports (JSON, JUnit, TAP, text, pretty), for what already reads them: an entry per document, with
//! the API server's sentences. Unlike kubeconform's, the order is that of the input.

use std::fmt::Write;

use serde_json::Value;
use serde_json::json;

use super::Section;
use super::escape::{one_line, xml};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::kube::Object;
use crate::source::Span;

/// What a report of kubeconform shows besides failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Documents that are valid or skipped, too.
    pub verbose: bool,
    /// How many there are of each status.
    pub summary: bool,
    /// Kinds without a schema are skipped, not errors.
    pub skip_missing: bool,
    /// Nothing behind the first document that is no valid one.
    pub until_failure: bool,
}

/// The formats by their names on the command line.
pub const FORMATS: &[&str] = &["kubeconform-json", "kubeconform-junit", "kubeconform-pretty", "kubeconform-tap", "kubeconform-text"];

#[derive(Clone, Copy, PartialEq)]
enum Status {
    Valid,
    Invalid,
    Error,
    Skipped,
    Empty,
}

struct Entry {
    file: String,
    kind: String,
    name: String,
    namespace: String,
    version: String,
    status: Status,
    message: String,
    causes: Vec<(String, String)>,
    place: Span,
}

impl Entry {
    fn plain(file: &str, place: Span, status: Status, message: String) -> Self {
        let file = file.to_owned();
        let (kind, name, namespace, version) = Default::default();
        Self { file, kind, name, namespace, version, status, message, causes: Vec::new(), place }
    }

    fn of(file: &str, object: &Object) -> Self {
        let mut entry = Self::plain(file, object.node.span, Status::Valid, String::new());
        let prefix = object.value.pointer("/metadata/generateName").and_then(Value::as_str);
        entry.name = match (object.id.name.as_str(), prefix) {
            ("", Some(prefix)) => format!("{prefix}{{{{ generateName }}}}"),
            (name, _) => name.to_owned(),
        };
        entry.kind.clone_from(&object.id.kind);
        entry.version.clone_from(&object.id.api_version);
        entry.namespace.clone_from(&object.id.namespace);
        entry
    }
}

/// `spec.ports[0].port` as a pointer: `/spec/ports/0/port`.
fn pointer(field: &str) -> String {
    let mut out = String::new();
    for c in field.chars() {
        match c {
            '.' | '[' => out.push('/'),
            ']' => {}
            c => out.push(c),
        }
    }
    if out.is_empty() || out.starts_with('/') { out } else { format!("/{out}") }
}

fn inside(outer: Span, inner: Option<Span>) -> bool {
    inner.is_some_and(|s| s.file == outer.file && s.start >= outer.start && s.end <= outer.end.max(outer.start + 1))
}

fn judged(entry: &mut Entry, findings: &[&Diagnostic], missing: &[(&str, &str)], shown: Shown) {
    if missing.contains(&(entry.version.as_str(), entry.kind.as_str())) {
        entry.status = if shown.skip_missing { Status::Skipped } else { Status::Error };
        if !shown.skip_missing {
            entry.message = format!("could not find schema for {}", entry.kind);
        }
        return;
    }
    let bad: Vec<&&Diagnostic> = findings.iter().filter(|f| f.severity >= Severity::Error).collect();
    let Some(first) = bad.first() else { return };
    if first.code == "rejected-kind" {
        entry.status = Status::Error;
        entry.message.clone_from(&first.message);
        return;
    }
    if first.code == "missing-required-field"
        && (first.field == "kind" || first.field == "apiVersion")
        && first.message.starts_with("Object '")
    {
        let key = if bad.iter().any(|f| f.field == "kind") { "kind" } else { first.field.as_str() };
        *entry = Entry::plain(&entry.file, entry.place, Status::Error, format!("error while parsing: missing '{key}' key"));
        return;
    }
    entry.status = Status::Invalid;
    entry.message = bad.iter().map(|f| one_line(&f.message)).collect::<Vec<_>>().join("; ");
    for finding in bad {
        let message = finding.message.strip_prefix(&format!("{}: ", finding.field)).unwrap_or(&finding.message);
        entry.causes.push((pointer(&finding.field), message.to_owned()));
    }
}

fn entries(sections: &[Section<'_>], shown: Shown) -> Vec<Entry> {
    let mut out = Vec::new();
    for section in sections {
        let name = |span: Span| match section.sources.get(span.file).name.as_str() {
            "<stdin>" => "stdin",
            other => other,
        };
        let missing: Vec<(&str, &str)> = section
            .findings
            .iter()
            .filter(|f| f.code == "unchecked-kind")
            .filter_map(|f| f.object.as_ref())
            .map(|o| (o.api_version.as_str(), o.kind.as_str()))
            .collect();
        let mut said = vec![false; section.findings.len()];
        let mut own: Vec<Entry> = Vec::new();
        for object in section.objects {
            let mut entry = Entry::of(name(object.node.span), object);
            let mut mine = Vec::new();
            for (finding, said) in section.findings.iter().zip(&mut said) {
                if inside(object.node.span, finding.span) {
                    *said = true;
                    mine.push(finding);
                }
            }
            judged(&mut entry, &mine, &missing, shown);
            own.push(entry);
        }
        for object in section.skipped {
            own.push(Entry { status: Status::Skipped, ..Entry::of(name(object.node.span), object) });
        }
        for span in section.empty {
            own.push(Entry::plain(name(*span), *span, Status::Empty, String::new()));
        }
        for (finding, _) in section.findings.iter().zip(said).filter(|(f, said)| !said && f.severity >= Severity::Error) {
            let place = finding.span.unwrap_or_default();
            let file = if finding.span.is_some() { name(place) } else { "" };
            let message = match finding.message.strip_prefix("yaml: ") {
                Some(_) => format!("error unmarshalling resource: error converting YAML to JSON: {}", finding.message),
                None => finding.message.clone(),
            };
            own.push(Entry::plain(file, place, Status::Error, message));
        }
        own.sort_by_key(|e| e.place);
        out.append(&mut own);
    }
    out
}

/// Prints a report in one of [`FORMATS`].
pub fn render(format: &str, sections: &[Section<'_>], shown: Shown) -> String {
    let mut entries = entries(sections, shown);
    if shown.until_failure {
        entries.truncate(entries.iter().position(is_bad).map_or(entries.len(), |i| i + 1));
    }
    match format {
        "kubeconform-json" => as_json(&entries, shown),
        "kubeconform-junit" => as_junit(&entries),
        "kubeconform-pretty" => as_pretty(&entries, shown),
        "kubeconform-tap" => as_tap(&entries),
        _ => as_text(&entries, shown),
    }
}

fn count(entries: &[Entry], status: Status) -> usize {
    entries.iter().filter(|e| e.status == status).count()
}

fn is_bad(entry: &Entry) -> bool {
    matches!(entry.status, Status::Invalid | Status::Error)
}

fn as_json(entries: &[Entry], shown: Shown) -> String {
    let text = |text: &str| Value::from(text).to_string();
    let mut out = String::from("{\n  \"resources\": [");
    let listed: Vec<&Entry> = entries.iter().filter(|e| shown.verbose || is_bad(e)).collect();
    for (i, entry) in listed.iter().enumerate() {
        let status = match entry.status {
            Status::Valid => "statusValid",
            Status::Invalid => "statusInvalid",
            Status::Error => "statusError",
            Status::Skipped => "statusSkipped",
            Status::Empty => "",
        };
        let members = [
            ("filename", entry.file.as_str()),
            ("kind", &entry.kind),
            ("name", &entry.name),
            ("version", &entry.version),
            ("status", status),
            ("msg", &entry.message),
        ];
        let members: Vec<String> = members.iter().map(|(key, value)| format!("      \"{key}\": {}", text(value))).collect();
        let _ = write!(out, "{}\n    {{\n{}", if i == 0 { "" } else { "," }, members.join(",\n"));
        if !entry.causes.is_empty() {
            let cause = |(path, message): &(String, String)| {
                format!("        {{\n          \"path\": {},\n          \"msg\": {}\n        }}", text(path), text(message))
            };
            let causes: Vec<String> = entry.causes.iter().map(cause).collect();
            let _ = write!(out, ",\n      \"validationErrors\": [\n{}\n      ]", causes.join(",\n"));
        }
        out.push_str("\n    }");
    }
    out.push_str(if listed.is_empty() { "]" } else { "\n  ]" });
    if shown.summary {
        let _ = write!(
            out,
            ",\n  \"summary\": {{\n    \"valid\": {},\n    \"invalid\": {},\n    \"errors\": {},\n    \"skipped\": {}\n  }}",
            count(entries, Status::Valid),
            count(entries, Status::Invalid),
            count(entries, Status::Error),
            count(entries, Status::Skipped)
        );
    }
    out.push_str("\n}\n");
    debug_assert!(serde_json::from_str::<Value>(&out).is_ok_and(|v| v != json!(null)));
    out
}

fn as_junit(entries: &[Entry]) -> String {
    let entries: Vec<&Entry> = entries.iter().filter(|e| e.status != Status::Empty).collect();
    let of = |status: Status| entries.iter().filter(|e| e.status == status).count();
    let mut out = format!(
        "<testsuites name=\"kubeconform\" time=\"0\" tests=\"{}\" failures=\"{}\" disabled=\"0\" errors=\"{}\">\n",
        entries.len(),
        of(Status::Invalid),
        of(Status::Error)
    );
    let mut files: Vec<&str> = Vec::new();
    for entry in &entries {
        if !files.contains(&entry.file.as_str()) {
            files.push(&entry.file);
        }
    }
    for (id, file) in files.iter().enumerate() {
        let mine: Vec<&&Entry> = entries.iter().filter(|e| e.file == *file).collect();
        let of = |status: Status| mine.iter().filter(|e| e.status == status).count();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" id=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" disabled=\"0\" skipped=\"{}\">",
            xml(file),
            id + 1,
            mine.len(),
            of(Status::Invalid),
            of(Status::Error),
            of(Status::Skipped)
        );
        for entry in mine {
            let name = if entry.namespace.is_empty() { entry.name.clone() } else { format!("{}/{}", entry.namespace, entry.name) };
            let class = format!("{}@{}", entry.kind, entry.version);
            let _ = write!(out, "    <testcase name=\"{}\" classname=\"{}\" time=\"0\">", xml(&name), xml(&class));
            let message = xml(&entry.message);
            match entry.status {
                Status::Invalid => {
                    let _ = write!(out, "\n      <failure message=\"{message}\" type=\"\"></failure>\n    ");
                }
                Status::Error => {
                    let _ = write!(out, "\n      <error message=\"{message}\" type=\"\"></error>\n    ");
                }
                Status::Skipped => out.push_str("\n      <skipped></skipped>\n    "),
                Status::Valid | Status::Empty => {}
            }
            out.push_str("</testcase>\n");
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn as_tap(entries: &[Entry]) -> String {
    let mut out = String::from("TAP version 13\n");
    for (number, entry) in (1..).zip(entries) {
        let what = match entry.status {
            Status::Empty => " (empty)".to_owned(),
            _ if entry.kind.is_empty() || entry.message.starts_with("could not find schema") => String::new(),
            _ => format!(" ({}/{}/{}/{})", entry.version, entry.kind, entry.namespace, entry.name),
        };
        let _ = match entry.status {
            Status::Invalid | Status::Error => writeln!(out, "not ok {number} - {}{what}: {}", entry.file, entry.message),
            Status::Skipped => writeln!(out, "ok {number} - {}{what} # skip", entry.file),
            Status::Valid | Status::Empty => writeln!(out, "ok {number} - {}{what}", entry.file),
        };
    }
    let _ = writeln!(out, "1..{}", entries.len());
    out
}

fn as_text(entries: &[Entry], shown: Shown) -> String {
    let mut out = String::new();
    for entry in entries {
        let (file, kind, name, message) = (&entry.file, &entry.kind, &entry.name, &entry.message);
        let _ = match entry.status {
            Status::Invalid => writeln!(out, "{file} - {kind} {name} is invalid: {message}"),
            Status::Error if kind.is_empty() => writeln!(out, "{file} - failed validation: {message}"),
            Status::Error => writeln!(out, "{file} - {kind} {name} failed validation: {message}"),
            Status::Valid if shown.verbose => writeln!(out, "{file} - {kind} {name} is valid"),
            Status::Skipped if shown.verbose => writeln!(out, "{file} - {kind} {name} skipped"),
            _ => Ok(()),
        };
    }
    out + &summed(entries, shown)
}

/// Coloured, always.
fn as_pretty(entries: &[Entry], shown: Shown) -> String {
    let mut out = String::new();
    for entry in entries {
        let (kind, name, message) = (&entry.kind, &entry.name, &entry.message);
        let (color, mark, text) = match entry.status {
            Status::Invalid => (31, '✖', format!("{kind} {name} is invalid: {message}")),
            // Where there is no object, the gap before its name stays.
            Status::Error if kind.is_empty() => (31, '✖', format!("failed validation: {name} {message}")),
            Status::Error => (31, '✖', format!("{kind} failed validation: {name} {message}")),
            Status::Valid if shown.verbose => (32, '✔', format!("{kind} {name} is valid")),
            Status::Skipped if shown.verbose => (33, '-', format!("{kind} {name} skipped")),
            _ => continue,
        };
        let _ = writeln!(out, "\x1b[{color}m{mark}\x1b[0m {}: \x1b[{color}m{text}\x1b[0m", entry.file);
    }
    out + &summed(entries, shown)
}

/// The last line, where one is asked for.
fn summed(entries: &[Entry], shown: Shown) -> String {
    let mut out = String::new();
    if shown.summary {
        let found: Vec<&Entry> = entries.iter().filter(|e| e.status != Status::Empty).collect();
        let mut files: Vec<&str> = entries.iter().map(|e| e.file.as_str()).collect();
        files.dedup();
        let place = match files.as_slice() {
            ["stdin"] => "parsing stdin".to_owned(),
            [_] => "in 1 file".to_owned(),
            files => format!("in {} files", files.len()),
        };
        let _ = writeln!(
            out,
            "Summary: {} resource{} found {place} - Valid: {}, Invalid: {}, Errors: {}, Skipped: {}",
            found.len(),
            if found.len() == 1 { "" } else { "s" },
            count(entries, Status::Valid),
            count(entries, Status::Invalid),
            count(entries, Status::Error),
            count(entries, Status::Skipped)
        );
    }
    out
}
