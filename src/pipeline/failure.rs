//! A rendering that failed as findings: Helm's sentence with the template line, the calls on the way, the rendered line
//! for a text that is no YAML, and what was probably meant.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::diagnostic::similar;
use crate::helm::HelmError;
use crate::helm::engine::{AbsentKey, RenderError};
use crate::helm::release::{Broken, Cause, Failure};
use crate::source::FileId;
use crate::source::RENDERED;
use crate::source::Sources;
use crate::source::Span;
use crate::yaml;

pub(super) const RENDER_ERROR: &str = "render-error";
/// More calls than this are shown from both ends.
const MAX_CALLS: usize = 8;
/// More keys than this are not listed.
const MAX_KEYS: usize = 12;

/// The finding of a chart that gave nothing.
pub(super) fn whole(chart: &str, error: &mut HelmError) -> Diagnostic {
    let message = error.message.split("\n\nUse --debug flag").next().unwrap_or_default();
    match error.cause.take().map(|cause| *cause) {
        Some(Cause::Template(render)) => of_template(message, &render),
        Some(Cause::Text(broken)) => of_text(&mut error.sources, message, broken).0,
        Some(Cause::Archive(why)) => Diagnostic::new(RENDER_ERROR, Severity::Error, format!("{chart}: {message}: {why}")),
        Some(Cause::Written(_)) | None => {
            let mut finding = Diagnostic::new(RENDER_ERROR, Severity::Error, message);
            finding.span = error.span;
            if error.span.is_none() {
                finding.message = format!("{chart}: {message}");
            }
            finding
        }
    }
}

/// The finding of one template; with the text it rendered, where that is what is wrong.
pub(super) fn one(sources: &mut Sources, failure: Failure) -> (Diagnostic, Option<FileId>) {
    match failure.cause {
        Cause::Template(render) => (of_template(&failure.message, &render), None),
        Cause::Text(broken) => {
            let (finding, file) = of_text(sources, &failure.message, broken);
            (finding, Some(file))
        }
        Cause::Written(_) => (Diagnostic::new(RENDER_ERROR, Severity::Error, failure.message), None),
        Cause::Archive(why) => (Diagnostic::new(RENDER_ERROR, Severity::Error, format!("{}: {why}", failure.message)), None),
    }
}

/// The findings of templates that failed while others went on. The texts they rendered are added to `sources`.
pub fn failures(sources: &mut Sources, failures: Vec<Failure>) -> Vec<Diagnostic> {
    failures.into_iter().map(|failure| one(sources, failure).0).collect()
}

fn of_template(message: &str, error: &RenderError) -> Diagnostic {
    let mut finding = Diagnostic::new(RENDER_ERROR, Severity::Error, message);
    finding.span = error.span;
    let calls = error.trace.len();
    let mut seen: Vec<Span> = error.span.into_iter().collect();
    for (i, call) in error.trace.iter().enumerate() {
        // A recursion calls from the same place again and again.
        if (i < MAX_CALLS / 2 || i + MAX_CALLS / 2 >= calls) && !seen.contains(call) {
            seen.push(*call);
            finding = finding.label(*call, "called here");
        }
    }
    let Some(missing) = &error.missing else { return finding };
    let name = missing.path.rsplit('.').next().unwrap_or_default();
    if let Some(parent) = missing.parent {
        finding = finding.label(parent, format!("this has no `{name}`"));
    }
    finding.help(advice(missing, name))
}

fn advice(missing: &AbsentKey, name: &str) -> String {
    let keys: Vec<&str> = missing.siblings.iter().map(String::as_str).collect();
    let (above, _) = missing.path.rsplit_once('.').unwrap_or(("", ""));
    let around = if above.is_empty() { "the data".to_owned() } else { format!("`{above}`") };
    match similar(name, keys.iter().copied()) {
        Some(near) => format!("`{}` is not set; did you mean `{near}`?", missing.path),
        None if keys.is_empty() => format!("`{}` is not set: define it, or ask for it with `if` or `with` first", missing.path),
        None if keys.len() > MAX_KEYS => format!("`{}` is not set; {around} has {} other keys", missing.path, keys.len()),
        None => format!("`{}` is not set; {around} has {}", missing.path, keys.join(", ")),
    }
}

/// Points at the rendered line; reports resolve it to the template.
fn of_text(sources: &mut Sources, message: &str, broken: Broken) -> (Diagnostic, FileId) {
    let file = sources.add_rendered(format!("{}{RENDERED}", broken.source), &*broken.text, broken.map);
    let text = std::sync::Arc::clone(sources.get(file).text.shared());
    let documents = yaml::parse(&text, file);
    let bad = documents.iter().find_map(|d| d.error.as_ref().map(|e| e.offset.unwrap_or(d.span.start as usize)));
    // Without an error of syntax, it is a document that is no object.
    let at = bad.or_else(|| {
        let root = documents.iter().filter_map(|d| d.root.as_ref()).find(|r| !matches!(r.kind, yaml::NodeKind::Mapping(_)));
        root.map(|r| r.span.start as usize)
    });
    let range = line(&text, at.unwrap_or_default());
    (Diagnostic::new(RENDER_ERROR, Severity::Error, message).at(Span::new(file, range.start, range.end)), file)
}

/// The line with the byte `at`, without its indentation; at the end of the text, the last one that says something.
fn line(text: &str, at: usize) -> std::ops::Range<usize> {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    if text[at..].trim().is_empty() {
        at = text.trim_end().len();
    }
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let end = text[at..].find('\n').map_or(text.len(), |i| at + i);
    let indent = text[start..end].len() - text[start..end].trim_start().len();
    start + indent..end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(path: &str, siblings: &[&str]) -> AbsentKey {
        AbsentKey { path: path.to_owned(), parent: None, siblings: siblings.iter().map(|s| (*s).to_owned()).collect() }
    }

    #[test]
    fn advice_names_the_key_that_was_meant() {
        let told = |path, keys: &[&str]| advice(&missing(path, keys), path.rsplit('.').next().expect("a name"));
        assert_eq!(
            told("Values.image.repository", &["repositry", "tag"]),
            "`Values.image.repository` is not set; did you mean `repositry`?"
        );
        assert_eq!(told("Values.image.tag", &["name"]), "`Values.image.tag` is not set; `Values.image` has name");
        assert_eq!(told("Values.a", &[]), "`Values.a` is not set: define it, or ask for it with `if` or `with` first");
    }

    #[test]
    fn a_place_is_its_line() {
        assert_eq!(line("a: 1\n  b: 2\nc", 8), 7..11);
        assert_eq!(line("a: é\n", 4), 0..5);
        assert_eq!(line("a: 1\nb\n\n", 8), 5..6);
        assert_eq!(line("", 3), 0..0);
    }
}
