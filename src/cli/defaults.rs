//! `kval validate --show-defaults` and `--summary`: the objects as the server would store them, and how many it takes.

use super::output::Output;
use crate::diagnostic::Severity;
use crate::kube;
use crate::kube::Object;
use crate::pipeline::{Outcome, Unit};
use crate::value::json::from_json;
use crate::yaml;

/// How far a line is looked for.
const REACH: usize = 400;

fn refused(unit: &Unit, object: &Object) -> bool {
    let span = object.node.span;
    let inside = |s: crate::source::Span| s.file == span.file && s.start >= span.start && s.end <= span.end.max(span.start + 1);
    unit.findings.iter().any(|f| f.severity >= Severity::Error && f.span.is_some_and(inside))
}

fn lines(value: &serde_json::Value) -> Vec<String> {
    let read = from_json(value.to_string().as_bytes());
    let text = read.and_then(|v| yaml::to_yaml(&v)).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
}

/// The lines of what is stored; `+` marks those that were added, `-` those that were written in another way.
fn marked(given: &[String], stored: &[String]) -> Vec<(char, String)> {
    let mut out = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < given.len() || j < stored.len() {
        match (given.get(i), stored.get(j)) {
            (Some(a), Some(b)) if a == b => {
                out.push((' ', b.clone()));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), Some(_)) if !stored[j..].iter().take(REACH).any(|line| line == a) => {
                out.push(('-', a.clone()));
                i += 1;
            }
            (_, Some(b)) => {
                out.push(('+', b.clone()));
                j += 1;
            }
            (Some(a), None) => {
                out.push(('-', a.clone()));
                i += 1;
            }
            (None, None) => break,
        }
    }
    out
}

/// Prints every object that is taken, with its defaults.
pub(super) fn print(outcome: &Outcome, color: bool, output: &mut Output) {
    for unit in &outcome.units {
        for object in unit.objects.iter().filter(|o| !refused(unit, o)) {
            let stored = kube::as_stored(object, &unit.objects);
            output.line("---");
            for (mark, line) in marked(&lines(&object.value), &lines(&stored)) {
                let text = format!("{mark} {line}");
                output.line(&match (mark, color) {
                    ('+', true) => format!("\u{1b}[32m{text}\u{1b}[0m"),
                    ('-', true) => format!("\u{1b}[31m{text}\u{1b}[0m"),
                    _ => text.trim_end().to_owned(),
                });
            }
        }
    }
}

/// How many objects the server takes.
pub(super) fn summary(outcome: &Outcome) -> String {
    let (mut valid, mut invalid, mut skipped) = (0, 0, 0);
    for unit in &outcome.units {
        let bad = unit.objects.iter().filter(|o| refused(unit, o)).count();
        invalid += bad;
        valid += unit.objects.len() - bad;
        skipped += unit.skipped.len();
    }
    let (all, files) = (valid + invalid + skipped, outcome.counts.files);
    format!("summary: {all} objects in {files} files: {valid} valid, {invalid} invalid, {skipped} skipped")
}
