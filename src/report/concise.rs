//! One line per finding: `file:line:column: severity[code] message`. The position is the template's where there is one.

use std::fmt::Write;

use super::Section;
use super::escape::one_line;
use super::place::{place, position, subject};

pub(super) fn render(sections: &[Section<'_>]) -> String {
    let mut out = String::new();
    for section in sections {
        for finding in section.findings {
            let place = place(section.sources, finding);
            if let Some(span) = place.source {
                let _ = write!(out, "{}: ", position(section.sources, span));
            }
            let _ = write!(out, "{}[{}] {}", finding.severity.name(), finding.code, one_line(&finding.message));
            let subject = subject(finding.object.as_ref(), "");
            if !subject.is_empty() {
                let _ = write!(out, " ({subject})");
            }
            out.push('\n');
        }
    }
    out
}
