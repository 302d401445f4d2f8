//! A baseline: today's findings, accepted. An entry names a finding by its rule, file, object and field and not by its
//! line, so that it holds while the text around it moves.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Outcome;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Fingerprint;
use crate::diagnostic::Severity;
use crate::diagnostic::fingerprint;
use crate::source::Sources;

/// The version of the file's format.
const VERSION: u64 = 1;

/// Accepted findings, each with how many there are of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeMap<Fingerprint, u64>,
}

/// What a baseline did to a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Findings it left out.
    pub left_out: usize,
    /// Findings it knows that are gone.
    pub gone: u64,
}

/// A path as it is in the file: below the file's directory where it is there.
fn relative(directory: &str, current: &str, path: &str) -> String {
    let full = super::config::absolute(current, path);
    let below = full.strip_prefix(directory.trim_end_matches('/')).and_then(|p| p.strip_prefix('/'));
    below.map_or_else(|| full.clone(), str::to_owned)
}

fn entry(sources: &Sources, finding: &Diagnostic, directory: &str, current: &str) -> Fingerprint {
    let mut out = fingerprint(sources, finding);
    if !out.file.is_empty() {
        out.file = relative(directory, current, &out.file);
    }
    out
}

/// The directory of a file, absolute.
fn directory(current: &str, path: &str) -> String {
    let full = super::config::absolute(current, path);
    full.rsplit_once('/').map_or(String::new(), |(dir, _)| dir.to_owned())
}

impl Baseline {
    /// All findings of a run, but for defects of kval; `path` is where the baseline will be written.
    pub fn of(outcome: &Outcome, current: &str, path: &str) -> Self {
        let directory = directory(current, path);
        let mut entries: BTreeMap<Fingerprint, u64> = BTreeMap::new();
        for unit in &outcome.units {
            for finding in unit.findings.iter().filter(|f| f.severity != Severity::Bug) {
                *entries.entry(entry(&unit.sources, finding, &directory, current)).or_default() += 1;
            }
        }
        Self { entries }
    }

    /// How many findings it accepts.
    pub fn len(&self) -> u64 {
        self.entries.values().sum()
    }

    /// Whether it accepts none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The file's text.
    pub fn print(&self) -> String {
        let findings: Vec<Value> = self
            .entries
            .iter()
            .map(|(f, count)| json!({ "rule": f.code, "file": f.file, "object": f.object, "field": f.field, "count": count }))
            .collect();
        let mut out =
            serde_json::to_string_pretty(&json!({ "version": VERSION, "findings": findings })).expect("a JSON value always prints");
        out.push('\n');
        out
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// A sentence for the user when it is no baseline.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|e| format!("this is no baseline: {e}"))?;
        if value["version"].as_u64() != Some(VERSION) {
            return Err(format!("this is no baseline of version {VERSION}; `--write-baseline` writes one"));
        }
        let mut entries = BTreeMap::new();
        for finding in value["findings"].as_array().map_or(&[][..], Vec::as_slice) {
            let text = |key: &str| finding[key].as_str().unwrap_or("").to_owned();
            let key = Fingerprint { code: text("rule"), file: text("file"), object: text("object"), field: text("field") };
            if key.code.is_empty() {
                return Err("a finding of the baseline has no `rule`".to_owned());
            }
            *entries.entry(key).or_default() += finding["count"].as_u64().unwrap_or(1);
        }
        Ok(Self { entries })
    }

    /// Takes the accepted findings out of a run; `path` is where the baseline was read from.
    pub fn apply(mut self, outcome: &mut Outcome, current: &str, path: &str) -> Accepted {
        let directory = directory(current, path);
        let mut accepted = Accepted::default();
        for unit in &mut outcome.units {
            let sources = &unit.sources;
            unit.findings.retain(|finding| {
                let left = match finding.severity {
                    Severity::Bug => None,
                    _ => self.entries.get_mut(&entry(sources, finding, &directory, current)).filter(|n| **n > 0),
                };
                match left {
                    Some(left) => {
                        *left -= 1;
                        accepted.left_out += 1;
                        false
                    }
                    None => true,
                }
            });
        }
        accepted.gone = self.len();
        accepted
    }
}
