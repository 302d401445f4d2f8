//! Formats of one line, or one small block, per finding: TAP, the commands of GitHub's runner, Markdown.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::escape::one_line;
use super::flat::{Flat, flat};
use super::place::subject;
use super::{Section, summary};
use crate::diagnostic::Severity;
use crate::pipeline::Counts;

/// TAP 14: errors and warnings are `not ok`, hints are `ok`.
pub(super) fn tap(sections: &[Section<'_>]) -> String {
    let all = flat(sections);
    let mut out = format!("TAP version 14\n1..{}\n", all.len().max(1));
    if all.is_empty() {
        out.push_str("ok 1 - no findings\n");
    }
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    for (flat, number) in all.iter().zip(1..) {
        let finding = flat.finding;
        let verdict = if flat.fails() { "not ok" } else { "ok" };
        // A hash would begin a directive.
        let message = one_line(&finding.message).replace('\\', "\\\\").replace('#', "\\#");
        let _ = writeln!(out, "{verdict} {number} - {}: {message}\n  ---\n  severity: {}", finding.code, finding.severity.name());
        for (key, text) in
            [("at", flat.position()), ("subject", subject(finding.object.as_ref(), &finding.field)), ("help", one_line(&finding.help))]
        {
            if !text.is_empty() {
                let _ = writeln!(out, "  {key}: {}", quoted(&text));
            }
        }
        out.push_str("  ...\n");
    }
    out
}

/// GitHub's workflow commands, which show findings beside the changed lines.
pub(super) fn github(sections: &[Section<'_>]) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut out = String::new();
    for flat in flat(sections) {
        let finding = flat.finding;
        let command = match finding.severity {
            Severity::Bug | Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let _ = write!(out, "::{command} title={}", property(&format!("{} [{}]", finding.severity.name(), finding.code)));
        if !flat.file.is_empty() {
            let file = property(flat.file.trim_start_matches("./"));
            let _ = write!(out, ",file={file},line={},endLine={},col={}", flat.start.line, flat.end.line, flat.start.column);
            // An end column means something within one line only.
            if flat.start.line == flat.end.line {
                let _ = write!(out, ",endColumn={}", flat.end.column);
            }
        }
        let help = if finding.help.is_empty() { String::new() } else { format!("\n{}", finding.help) };
        let subject = subject(finding.object.as_ref(), &finding.field);
        let subject = if subject.is_empty() { String::new() } else { format!("\n{subject}") };
        let _ = writeln!(out, "::{}", data(&format!("{}{subject}{help}", finding.message)));
    }
    out
}

/// A page with one table per file, such as the summary of a GitHub job.
pub(super) fn markdown(sections: &[Section<'_>], counts: Counts) -> String {
    let all = flat(sections);
    let mut out = format!("## kval\n\n{}\n", summary(sections, counts));
    let mut files: BTreeMap<&str, Vec<&Flat<'_>>> = BTreeMap::new();
    for flat in &all {
        files.entry(flat.file).or_default().push(flat);
    }
    let cell = |text: &str| one_line(text).replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;");
    for (file, findings) in files {
        let heading = if file.is_empty() { "without a file".to_owned() } else { format!("`{file}`") };
        let _ = writeln!(out, "\n### {heading}\n\n| line | severity | rule | finding | object |\n|---|---|---|---|---|");
        for flat in findings {
            let finding = flat.finding;
            let help = if finding.help.is_empty() { String::new() } else { format!("<br>_{}_", cell(&finding.help)) };
            let _ = writeln!(
                out,
                "| {} | {} | `{}` | {}{help} | {} |",
                flat.start.line,
                finding.severity.name(),
                finding.code,
                cell(&finding.message),
                cell(&subject(finding.object.as_ref(), ""))
            );
        }
    }
    out
}
