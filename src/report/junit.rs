//! JUnit's XML, valid for the schemas of Ant and of Jenkins: a suite per file, a failed test per error and warning, a
//! passed one per hint and per file without findings.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::escape::{one_line, xml};
use super::flat::{Flat, flat};
use super::place::subject;
use super::{Section, files};
use crate::diagnostic::Severity;

/// A report says the same whenever it is made.
const TIME: &str = "1970-01-01T00:00:00";

pub(super) fn render(sections: &[Section<'_>]) -> String {
    let all = flat(sections);
    let mut suites: BTreeMap<&str, Vec<&Flat<'_>>> = files(sections).into_iter().map(|file| (file, Vec::new())).collect();
    for finding in &all {
        suites.entry(if finding.file.is_empty() { "kval" } else { finding.file }).or_default().push(finding);
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (id, (file, findings)) in suites.iter().enumerate() {
        let bugs = findings.iter().filter(|f| f.finding.severity == Severity::Bug).count();
        let failures = findings.iter().filter(|f| f.fails()).count() - bugs;
        let file = xml(file);
        let tests = findings.len().max(1);
        let _ = writeln!(
            out,
            "  <testsuite name=\"{file}\" package=\"kval\" id=\"{id}\" timestamp=\"{TIME}\" hostname=\"localhost\" tests=\"{tests}\" \
             failures=\"{failures}\" errors=\"{bugs}\" skipped=\"0\" time=\"0\">"
        );
        let _ = writeln!(out, "    <properties><property name=\"tool\" value=\"kval {}\"/></properties>", env!("CARGO_PKG_VERSION"));
        if findings.is_empty() {
            let _ = writeln!(out, "    <testcase name=\"no findings\" classname=\"{file}\" time=\"0\"/>");
        }
        for flat in findings {
            case(&mut out, &file, flat);
        }
        out.push_str("    <system-out></system-out>\n    <system-err></system-err>\n  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(out: &mut String, file: &str, flat: &Flat<'_>) {
    let finding = flat.finding;
    let message = one_line(&finding.message);
    let name = format!("{} at {}:{}: {message}", finding.code, flat.start.line, flat.start.column);
    // A token has single spaces.
    let name = xml(&name.split_whitespace().collect::<Vec<_>>().join(" "));
    let _ = write!(out, "    <testcase name=\"{name}\" classname=\"{file}\" time=\"0\"");
    if !flat.fails() {
        out.push_str("/>\n");
        return;
    }
    let element = if finding.severity == Severity::Bug { "error" } else { "failure" };
    let mut text = vec![flat.position(), subject(finding.object.as_ref(), &finding.field), finding.help.clone()];
    text.extend(flat.related().iter().map(|(span, words)| format!("{words} ({})", super::place::position(flat.sources, *span))));
    text.retain(|line| !line.is_empty());
    let (message, text) = (xml(&message), xml(&text.join("\n")));
    let severity = finding.severity.name();
    let _ = writeln!(out, ">\n      <{element} type=\"{severity}\" message=\"{message}\">{text}</{element}>\n    </testcase>");
}
