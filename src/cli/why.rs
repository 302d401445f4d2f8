//! `kval why`: the chain from a rendered line back to the template action, the includes and the value that wrote it.

use std::sync::Arc;

use clap::ArgMatches;

use super::args::string;
use super::error::Error;
use super::output::Output;
use super::{CLEAN, FINDINGS, options};
use crate::diagnostic::resolve;
use crate::kube::Object;
use crate::kube::field::{Path, Step};
use crate::pipeline;
use crate::pipeline::{RENDERED, Unit};
use crate::source::Origin;
use crate::source::Sources;
use crate::source::Span;
use crate::yaml::Node;

pub(super) fn run(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let target = string(matches, "target").unwrap_or_default();
    let mut template = options::named_template(matches)?;
    template.keep_going = true;
    let world = options::world(matches)?;
    let unit = pipeline::load(&world, &template);
    let found = find(&unit, &target);
    // What failed may be what was asked for; the rest can still be explained.
    if let (Err(_), Some(failure)) = (&found, unit.findings.first()) {
        output.note(&format!("Error: {}", failure.message));
        return Ok(FINDINGS);
    }
    let (title, span) = found?;
    output.line(&title);
    explain(&unit.sources, span, output);
    Ok(CLEAN)
}

/// What a target names: a field of an object, or a line of what a template rendered.
fn find(unit: &Unit, target: &str) -> Result<(String, Span), Error> {
    let (left, right) = target.split_once(':').ok_or_else(|| {
        Error::unusable(format!("{target:?} is neither KIND/NAME:.field.path nor TEMPLATE:LINE, such as Deployment/app:.spec.replicas"))
    })?;
    match right.parse::<usize>() {
        Ok(line) => find_line(unit, left, line),
        Err(_) => find_field(unit, left, right),
    }
}

fn find_field(unit: &Unit, id: &str, field: &str) -> Result<(String, Span), Error> {
    let (kind, name) = id.split_once('/').ok_or_else(|| Error::unusable(format!("{id:?} is not KIND/NAME, such as Deployment/app")))?;
    let path =
        parse_path(field).ok_or_else(|| Error::unusable(format!("{field:?} is not a field path, such as .spec.containers[0].image")))?;
    let named: Vec<&Object> = unit.objects.iter().filter(|o| o.id.kind.eq_ignore_ascii_case(kind) && o.id.name == name).collect();
    let Some(object) = named.first() else {
        let mut known: Vec<String> = unit.objects.iter().map(|o| format!("{}/{}", o.id.kind, o.id.name)).collect();
        known.sort();
        known.dedup();
        return Err(Error::unusable(format!("the chart renders no {kind}/{name}; it renders {}", known.join(", "))));
    };
    let Some((key, node)) = walk(&object.node, &path) else {
        return Err(Error::unusable(format!("{}/{name} has no field {path}", object.id.kind)));
    };
    let scalar = !matches!(node.kind, crate::yaml::NodeKind::Mapping(_) | crate::yaml::NodeKind::Sequence(_));
    let title = if scalar {
        format!("{}/{name} {path} = {}", object.id.kind, unit.sources.slice(node.span).trim())
    } else {
        format!("{}/{name} {path}", object.id.kind)
    };
    Ok((title, if scalar && node.span.end > node.span.start { node.span } else { key }))
}

fn walk(root: &Arc<Node>, path: &Path) -> Option<(Span, Arc<Node>)> {
    let mut key = Span { end: root.span.start, ..root.span };
    let mut node = Arc::clone(root);
    for step in &path.0 {
        let (next_key, next) = match step {
            Step::Field(name) | Step::Key(name) => node.get(name).map(|e| (e.key_span, Arc::clone(&e.value)))?,
            Step::Index(i) => node.item(*i).map(|n| (n.span, Arc::clone(n)))?,
        };
        (key, node) = (next_key, next);
    }
    Some((key, node))
}

/// `.spec.containers[0].image`, `.metadata.labels["app.kubernetes.io/name"]`.
fn parse_path(text: &str) -> Option<Path> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (key, after) = inside.split_once(']')?;
            let quoted = key.trim_matches(['"', '\'']);
            steps.push(match key.parse() {
                Ok(index) => Step::Index(index),
                Err(_) => Step::Key(quoted.to_owned()),
            });
            rest = after;
            continue;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        if end > 0 {
            steps.push(Step::Field(rest[..end].to_owned()));
        } else if !rest.is_empty() && !rest.starts_with('[') {
            return None;
        }
        rest = &rest[end..];
    }
    (!steps.is_empty()).then_some(Path(steps))
}

/// The line of the text that a template rendered; its documents are counted through, each `---` between them as one line.
fn find_line(unit: &Unit, template: &str, line: usize) -> Result<(String, Span), Error> {
    let mut first = 1;
    let mut known = Vec::new();
    for (id, file) in unit.sources.iter() {
        let Some(source) = file.name.strip_suffix(RENDERED) else { continue };
        if source != template && !source.ends_with(&format!("/{template}")) {
            known.push(source);
            continue;
        }
        let lines = file.text.trim_end_matches('\n').split('\n').count();
        if line >= first && line < first + lines {
            let range = file.line_range(line - first).unwrap_or_default();
            let text = &file.text[range.clone()];
            let start = range.start + (text.len() - text.trim_start().len());
            return Ok((format!("{source} line {line}: {}", text.trim()), Span::new(id, start, range.end)));
        }
        first += lines + 1;
    }
    if first > 1 {
        return Err(Error::unusable(format!("{template} rendered {} lines, there is no line {line}", first - 2)));
    }
    known.sort_unstable();
    known.dedup();
    Err(Error::unusable(format!("no template {template} rendered anything; these did: {}", known.join(", "))))
}

fn explain(sources: &Sources, span: Span, output: &mut Output) {
    let resolved = resolve(sources, span);
    place(sources, "rendered", span, output);
    if let Some(template) = resolved.template {
        place(sources, "template", template, output);
    }
    for frame in &resolved.trace {
        place(sources, "included by", *frame, output);
    }
    for origin in &resolved.origins {
        match origin {
            Origin::Key { key, path, .. } => place(sources, &format!("value {path}"), *key, output),
            Origin::Argument { flag, text, path } => output.line(&format!("  value {path}: {flag} {text}")),
            Origin::Pieces(_) | Origin::Derived(_) => {}
        }
    }
    if resolved.origins.is_empty() {
        output.line("  no value: the template wrote it itself");
    } else if !resolved.exact {
        output.line("  the text was computed from these values");
    }
}

fn place(sources: &Sources, what: &str, span: Span, output: &mut Output) {
    let file = sources.get(span.file);
    let at = file.line_column(span.start as usize);
    output.line(&format!("  {what}: {}:{}:{}", file.name, at.line, at.column));
    let line = file.line_range(at.line as usize - 1).map_or("", |range| &file.text[range]);
    output.line(&format!("    {:>4} | {line}", at.line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_fields_indexes_and_keys() {
        let path = |text: &str| parse_path(text).map(|p| p.to_string());
        assert_eq!(path(".spec.containers[0].image").as_deref(), Some("spec.containers[0].image"));
        assert_eq!(path("metadata.labels[\"a.b/c\"]").as_deref(), Some("metadata.labels[a.b/c]"));
        assert_eq!(path(".a..b"), None);
        assert_eq!(path(".a["), None);
        assert_eq!(path(""), None);
    }
}
