//! Template errors in Helm's words: Helm 4 spreads pure template errors over lines, Helm 3 keeps Go's one line.
//! upstream: pkg/engine/engine.go

use super::engine::AbsentKey;
use super::engine::RenderError;
use super::engine_functions::{WARN_END, WARN_START};
use crate::gotmpl::{ExecError, Missing, ParseError, STRING};
use crate::source::FileId;
use crate::source::Origin;
use crate::source::Origins;
use crate::source::Span;
use crate::value::Str;

/// A parse error: only the part after the last `": "` of Go's text is kept, as Helm does.
pub(super) fn parse_error(filename: &str, file: FileId, e: &ParseError) -> RenderError {
    let tokens: Vec<&str> = e.text.split(": ").collect();
    let text = match tokens.as_slice() {
        [_, location, ..] => format!("parse error at ({location}): {}", tokens[tokens.len() - 1]),
        _ => format!("parse error in ({filename}): {}", e.text),
    };
    RenderError { text, message: e.message.clone(), span: Some(Span::new(file, e.offset, e.offset)), ..RenderError::default() }
}

/// An execution error.
pub(super) fn exec_error(filename: &str, e: &ExecError, compat: u8, origins: Option<&Origins>) -> RenderError {
    let mut spans: Vec<Span> = e.chain().filter_map(|link| link.span).filter(|s| s.file != STRING).collect();
    let span = spans.pop();
    spans.reverse();
    let last = e.chain().last().map_or("", |link| link.message.as_str());
    let intended = last.starts_with(WARN_START);
    let message = last.strip_prefix(WARN_START).and_then(|m| m.strip_suffix(WARN_END)).unwrap_or(last).to_owned();
    let missing = e.chain().find_map(|link| link.missing.as_deref()).map(|m| missing_key(m, origins));
    RenderError { text: reformat(filename, e, compat), message, span, trace: spans, intended, warnings: Vec::new(), missing }
}

/// The missing key with the place of the map that lacks it.
fn missing_key(missing: &Missing, origins: Option<&Origins>) -> AbsentKey {
    let parent = origins.and_then(|o| o.get(missing.parent)).and_then(|origin| match origin {
        Origin::Key { key, .. } => Some(*key),
        _ => None,
    });
    let names = |names: &[Str]| names.iter().map(Str::to_string).collect::<Vec<_>>();
    AbsentKey { path: names(&missing.path).join("."), parent, siblings: names(&missing.siblings) }
}

fn reformat(filename: &str, e: &ExecError, compat: u8) -> String {
    let text = e.to_string();
    if !e.exec {
        return text;
    }
    let tokens: Vec<&str> = text.splitn(3, ": ").collect();
    let [_, location, rest] = tokens.as_slice() else { return format!("execution error in ({filename}): {text}") };
    if let (Some(start), Some(end)) = (rest.find(WARN_START), rest.rfind(WARN_END)) {
        if let Some(message) = rest.get(start + WARN_START.len()..end) {
            return format!("execution error at ({location}): {message}");
        }
    }
    if compat == 3 {
        return text;
    }
    match spread(e) {
        Some(lines) => lines,
        None => text,
    }
}

/// One block of lines per link of the chain; `None` when a link is not a template error.
fn spread(e: &ExecError) -> Option<String> {
    let links: Vec<&ExecError> = e.chain().collect();
    // The innermost link decides most often, and its text is the shortest.
    parse(&links.last()?.to_string())?;
    let mut out = String::new();
    let mut last: Option<Traceable> = None;
    for link in links {
        let entry = parse(&link.to_string())?;
        if last.as_ref() != Some(&entry) {
            entry.write(&mut out);
            last = Some(entry);
        }
    }
    Some(out.trim().to_owned())
}

#[derive(PartialEq)]
struct Traceable {
    location: String,
    function: String,
    message: String,
}

impl Traceable {
    fn write(&self, out: &mut String) {
        for (text, after) in [(&self.location, "\n  "), (&self.function, "\n    "), (&self.message, "\n")] {
            if !text.is_empty() {
                out.push_str(text);
                out.push_str(after);
            }
        }
    }
}

/// Everything before the next chained template error.
fn cut(message: &str) -> String {
    message.split(" template:").next().unwrap_or(message).to_owned()
}

fn parse(text: &str) -> Option<Traceable> {
    let rest = text.strip_prefix("template: ")?;
    if rest.starts_with("no template ") {
        return Some(Traceable { location: String::new(), function: String::new(), message: text.to_owned() });
    }
    if let Some(entry) = executing(rest) {
        return Some(entry);
    }
    let (location, message) = rest.rsplit_once(": ")?;
    Some(Traceable { location: location.to_owned(), function: String::new(), message: cut(message) })
}

fn executing(rest: &str) -> Option<Traceable> {
    let (location, after) = rest.split_once(": executing ")?;
    let (function, after) = after.strip_prefix('"')?.split_once('"')?;
    let (place, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
    Some(Traceable { location: location.to_owned(), function: format!("executing \"{function}\" at <{place}>:"), message: cut(message) })
}
