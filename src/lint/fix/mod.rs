//! Fixes: what would remove a finding, as edits of what the user wrote (a manifest, a template's literal text, a values
//! file) and never of rendered text.

mod edit;
mod locate;
mod others;
mod pods;
mod table;
mod target;
mod template;
mod yaml_text;

use serde_json::Value;

use super::Input;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Edit;
use crate::diagnostic::Fix;
use crate::diagnostic::resolve;
use crate::kube::Object;
use crate::kube::field::Path;
use crate::kube::field::Step;
use crate::source::Sources;
use crate::source::Span;

pub(super) use edit::parse;

use table::Action;
use target::Target;

/// Whether findings with this code may have a fix.
pub fn fixable(code: &str) -> bool {
    table::of(code).is_some()
}

/// The fix of a finding, where there is one that can be written down.
pub fn fix(input: &Input, finding: &Diagnostic) -> Option<Fix> {
    let table::Entry { action, safe, title } = table::of(finding.code)?;
    let span = finding.span?;
    let edits = match &action {
        Action::TrimLine | Action::EndFile | Action::LineBreaks => of_text(input.sources, &action, span)?,
        Action::Text(change) => change(input.sources, finding, span)?,
        Action::Source(change) => {
            // What a template writes is mended in the template.
            let rendered = input.sources.get(span.file).map.is_some();
            change(input, finding, if rendered { resolve(input.sources, span).template? } else { span })?
        }
        Action::Quote if finding.field.is_empty() => edit::quote(input.sources, span)?,
        _ => of_object(input, finding, &action, span)?,
    };
    (!edits.is_empty()).then_some(Fix { title, safe, edits })
}

/// The object a finding is about: one that was judged, or a file of the chart.
fn object<'a>(input: &Input<'a>, finding: &Diagnostic, span: Span) -> Option<&'a Object> {
    let id = finding.object.as_ref()?;
    // Objects stand in the order of their files.
    let first = input.objects.partition_point(|o| o.file < span.file);
    let is = |o: &&Object| o.file == span.file && o.id == *id;
    if let Some(found) =
        input.objects[first..].iter().take_while(|o| o.file == span.file).find(is).or_else(|| input.objects.iter().find(is))
    {
        return Some(found);
    }
    let chart = input.chart?;
    let files = [&chart.metadata, &chart.values, &chart.schema].into_iter().flatten();
    files.filter(|f| f.file == span.file).find_map(|f| f.object.as_ref())
}

fn of_object(input: &Input, finding: &Diagnostic, action: &Action, span: Span) -> Option<Vec<Edit>> {
    let sources = input.sources;
    let object = object(input, finding, span)?;
    let path = edit::parse(&finding.field)?;
    match action {
        Action::Object(change) => change(&Target { input, object, path, finding }),
        Action::Remove => edit::remove(sources, object, &path),
        Action::RemoveItem => {
            let at = path.0.iter().rposition(|s| matches!(s, Step::Index(_)))?;
            edit::remove(sources, object, &Path(path.0[..=at].to_vec()))
        }
        Action::Set("", value) => edit::set(sources, object, &path, value),
        Action::Set(below, value) => edit::set(sources, object, &path.child(below), value),
        Action::Beside(name, value) => {
            let above = Path(path.0[..path.0.len().checked_sub(1)?].to_vec());
            edit::set(sources, object, &above.child(name), value)
        }
        Action::Change(change) => {
            let (span, node) = edit::text_at(object, &path)?;
            let old = match node.to_json() {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            edit::replace(sources, span, &change(&old)?)
        }
        Action::Compute(value) => {
            let above = Path(path.0[..path.0.len().checked_sub(1)?].to_vec());
            let around = edit::text_at(object, &above)?.1.to_json();
            edit::set(sources, object, &path, &value(&object.value, &around)?)
        }
        Action::Template(text) => {
            input.chart?;
            sources.get(span.file).map.as_ref()?;
            let (span, _) = edit::text_at(object, &path)?;
            // Only what stands in the template: a values file holds no actions.
            let locate::Written::Literal(_) = locate::written(sources, span)? else { return None };
            edit::replace(sources, span, text)
        }
        Action::Rename(name) => edit::rename(sources, object, &path, name),
        Action::Quote => edit::quote(sources, edit::text_at(object, &path)?.0),
        Action::TrimLine | Action::EndFile | Action::LineBreaks | Action::Text(_) | Action::Source(_) => None,
    }
}

/// Edits of a text that is no rendered one.
fn of_text(sources: &Sources, action: &Action, span: Span) -> Option<Vec<Edit>> {
    let file = sources.get(span.file);
    if file.map.is_some() {
        return None;
    }
    match action {
        Action::TrimLine => {
            let line = file.line_range(file.line_index(span.start as usize))?;
            let kept = file.text[line.clone()].trim_end_matches([' ', '\t']).len();
            (line.start + kept < line.end)
                .then(|| vec![Edit { span: Span::new(span.file, line.start + kept, line.end), text: String::new() }])
        }
        Action::EndFile => {
            let end = file.text.len();
            (!file.text.ends_with('\n')).then(|| vec![Edit { span: Span::new(span.file, end, end), text: "\n".to_owned() }])
        }
        _ => {
            let breaks =
                file.text.match_indices("\r\n").map(|(at, _)| Edit { span: Span::new(span.file, at, at + 1), text: String::new() });
            Some(breaks.collect()).filter(|edits: &Vec<Edit>| !edits.is_empty())
        }
    }
}
