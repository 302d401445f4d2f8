//! One file to look at: every finding beside its source, a picture of the objects, filters. It needs no network and loads
//! nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::escape::xml;
use super::flat::{Flat, flat};
use super::place::subject;
use super::{Section, count, picture, summary};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::lint;
use crate::pipeline::Counts;
use crate::source::Origin;
use crate::source::Sources;
use crate::source::Span;

const STYLE: &str = include_str!("html.css");
const SCRIPT: &str = include_str!("html.js");

/// Lines shown above and below a place.
const AROUND: usize = 2;

/// A finding that spans more lines is shown from its start.
const MOST_LINES: usize = 12;

pub(super) fn render(sections: &[Section<'_>], counts: Counts) -> String {
    let all = flat(sections);
    let summary = xml(&summary(sections, counts));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <title>kval: {summary}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n\
         <header>\n<h1>kval</h1>\n<p>{summary}</p>\n</header>\n<main>\n"
    );
    filters(&mut out, sections, &all);
    pictures(&mut out, sections);
    out.push_str("<div id=\"findings\">\n");
    let mut files: BTreeMap<&str, Vec<(usize, &Flat<'_>)>> = BTreeMap::new();
    for (number, flat) in all.iter().enumerate() {
        files.entry(flat.file).or_default().push((number, flat));
    }
    if all.is_empty() {
        out.push_str("<p>Nothing was found.</p>\n");
    }
    for (file, findings) in files {
        let heading = if file.is_empty() { "Without a file".to_owned() } else { xml(file) };
        let _ = writeln!(out, "<section class=\"file\">\n<h2>{heading}</h2>");
        for (number, flat) in findings {
            article(&mut out, number, flat);
        }
        out.push_str("</section>\n");
    }
    out.push_str("</div>\n");
    rules(&mut out, &all);
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(
        out,
        "</main>\n<footer><p class=\"soft\">Made by kval {version}.</p></footer>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    );
    out
}

fn filters(out: &mut String, sections: &[Section<'_>], all: &[Flat<'_>]) {
    out.push_str("<form id=\"filters\" aria-label=\"Filter the findings\" hidden>\n<fieldset><legend>Severity</legend>\n");
    for severity in [Severity::Bug, Severity::Error, Severity::Warning, Severity::Info] {
        let (name, n) = (severity.name(), count(sections, severity));
        if n > 0 {
            let _ = writeln!(out, "<label><input type=\"checkbox\" name=\"severity\" value=\"{name}\" checked>{name} ({n})</label>");
        }
    }
    let codes: BTreeSet<&str> = all.iter().map(|f| f.finding.code).collect();
    let options: String = codes.iter().map(|code| format!("<option>{code}</option>")).collect();
    let _ = writeln!(
        out,
        "</fieldset>\n<select name=\"rule\" aria-label=\"Rule\"><option value=\"\">all rules</option>{options}</select>\n\
         <input type=\"search\" name=\"text\" aria-label=\"Search in the findings\" placeholder=\"Search\">\n\
         <button type=\"reset\">Reset</button>\n<button type=\"button\" id=\"theme\">Light or dark</button>\n\
         <output id=\"count\" aria-live=\"polite\"></output>\n</form>"
    );
}

fn pictures(out: &mut String, sections: &[Section<'_>]) {
    let mut first = 0;
    let mut all = String::new();
    for section in sections {
        let findings: Vec<(usize, &Diagnostic)> = section.findings.iter().enumerate().map(|(i, f)| (first + i, f)).collect();
        first += section.findings.len();
        let svg = picture::svg(section.objects, &findings);
        if !svg.is_empty() {
            let _ = writeln!(
                all,
                "<div class=\"picture\" tabindex=\"0\" role=\"region\" aria-label=\"Objects and their references\">{svg}</div>"
            );
        }
    }
    if !all.is_empty() {
        let _ = writeln!(out, "<details open>\n<summary><strong>Objects and what they refer to</strong></summary>\n{all}</details>");
    }
}

fn article(out: &mut String, number: usize, flat: &Flat<'_>) {
    let finding = flat.finding;
    let (code, severity) = (finding.code, finding.severity.name());
    let _ = writeln!(
        out,
        "<article id=\"f{number}\" class=\"{severity}\" data-severity=\"{severity}\" data-rule=\"{code}\">\n<div>\n\
         <h3><span class=\"badge {severity}\">{severity}</span>{}</h3>",
        xml(&finding.message)
    );
    let page = if lint::page(code).is_some() { format!("<a href=\"#rule-{code}\">{code}</a>") } else { code.to_owned() };
    let _ = writeln!(out, "<p>{page}</p>");
    let subject = subject(finding.object.as_ref(), &finding.field);
    if !subject.is_empty() {
        let _ = writeln!(out, "<p class=\"soft\">{}</p>", xml(&subject));
    }
    if !finding.help.is_empty() {
        let _ = writeln!(out, "<p><strong>Help:</strong> {}</p>", xml(&finding.help));
    }
    for fix in &finding.fixes {
        let how = if fix.safe { "--fix" } else { "--fix --unsafe" };
        let _ = writeln!(out, "<p><strong>Fix</strong> (<code>{how}</code>): {}</p>", xml(&fix.title));
    }
    for origin in &flat.place.resolved.origins {
        if let Origin::Argument { flag, text, .. } = origin {
            let _ = writeln!(out, "<p>Value: <code>{} {}</code></p>", xml(flag), xml(text));
        }
    }
    out.push_str("</div>\n<div>\n");
    if let Some(span) = flat.place.source {
        excerpt(out, flat.sources, span, "");
    }
    for (span, words) in flat.related().into_iter().take(4) {
        excerpt(out, flat.sources, span, &words);
    }
    if let Some(span) = flat.place.rendered {
        excerpt(out, flat.sources, span, "rendered");
    }
    out.push_str("</div>\n</article>\n");
}

/// The lines around a place, with the place marked.
fn excerpt(out: &mut String, sources: &Sources, span: Span, words: &str) {
    let file = sources.get(span.file);
    let (start, end) = (span.start as usize, (span.end as usize).max(span.start as usize));
    let first = file.line_index(start);
    let last = file.line_index(end.saturating_sub(1).max(start)).min(first + MOST_LINES);
    let at = sources.start(span);
    let words = if words.is_empty() { String::new() } else { format!(" — {}", xml(words)) };
    let _ = write!(out, "<figure>\n<figcaption>{}:{}:{}{words}</figcaption>\n<pre tabindex=\"0\">", xml(&file.name), at.line, at.column);
    for line in first.saturating_sub(AROUND)..=last + AROUND {
        let Some(range) = file.line_range(line) else { break };
        let text = &file.text[range.clone()];
        let inside = (first..=last).contains(&line);
        let class = if inside { " class=\"at\"" } else { "" };
        let _ = write!(out, "<span data-n=\"{}\"{class}>", line + 1);
        let cut = |offset: usize| {
            let mut at = offset.clamp(range.start, range.end) - range.start;
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (from, to) = (cut(start), cut(end));
        if inside && from < to {
            let _ = write!(out, "{}<mark>{}</mark>{}", colored(&text[..from]), xml(&text[from..to]), colored(&text[to..]));
        } else {
            out.push_str(&colored(text));
        }
        out.push_str("</span>");
    }
    out.push_str("</pre>\n</figure>\n");
}

/// A piece of a line with its comment, its key and its template actions told apart.
fn colored(text: &str) -> String {
    if text.trim_start().starts_with('#') {
        return format!("<i>{}</i>", xml(text));
    }
    let mut out = String::new();
    let mut rest = text;
    let key = rest.find(':').filter(|at| rest[..*at].chars().all(|c| c.is_alphanumeric() || " -_./\"'".contains(c)));
    if let Some(at) = key {
        let _ = write!(out, "<b>{}</b>", xml(&rest[..at]));
        rest = &rest[at..];
    }
    while let Some(from) = rest.find("{{") {
        let to = rest[from..].find("}}").map_or(rest.len(), |n| from + n + 2);
        let _ = write!(out, "{}<u>{}</u>", xml(&rest[..from]), xml(&rest[from..to]));
        rest = &rest[to..];
    }
    out.push_str(&xml(rest));
    out
}

/// What the rules that found something do, and why.
fn rules(out: &mut String, all: &[Flat<'_>]) {
    let codes: BTreeSet<&str> = all.iter().map(|f| f.finding.code).collect();
    let paragraph = |page: &str, heading: &str| {
        let (_, rest) = page.split_once(&format!("## {heading}\n"))?;
        Some(xml(rest.split("\n## ").next()?.trim()))
    };
    let mut pages = String::new();
    for code in codes {
        let Some(page) = lint::page(code) else { continue };
        let _ = writeln!(pages, "<details id=\"rule-{code}\" open><summary><strong>{code}</strong></summary>");
        for heading in ["What it does", "Why"] {
            if let Some(text) = paragraph(page, heading) {
                let _ = writeln!(pages, "<p>{text}</p>");
            }
        }
        pages.push_str("</details>\n");
    }
    if !pages.is_empty() {
        let _ = write!(out, "<section>\n<h2>Rules</h2>\n{pages}</section>\n");
    }
}
