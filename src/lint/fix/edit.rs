//! Changes of an object as edits of the text it was written in. Comments and layout around them stay.

use std::fmt::Write;

use serde_json::Value;

use super::locate::{Written, written};
use crate::diagnostic::Edit;
use crate::diagnostic::resolve;
use crate::kube::Object;
use crate::kube::field::Path;
use crate::kube::field::Step;
use crate::source::Sources;
use crate::source::Span;
use crate::yaml::Entry;
use crate::yaml::Node;
use crate::yaml::NodeKind;

/// The steps of a path as findings spell it: `metadata.labels["a.b/c"]`, `spec.ports[0].port`.
pub(in crate::lint) fn parse(field: &str) -> Option<Path> {
    let mut steps = Vec::new();
    let mut rest = field;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("[\"") {
            let (key, after) = inner.split_once("\"]")?;
            steps.push(Step::Key(key.to_owned()));
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            rest = after;
        } else {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Field(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    Some(Path(steps))
}

fn name(step: &Step) -> Option<&str> {
    match step {
        Step::Field(name) | Step::Key(name) => Some(name),
        Step::Index(_) => None,
    }
}

fn node<'o>(object: &'o Object, steps: &[Step]) -> Option<&'o Node> {
    steps.iter().try_fold(&*object.node, |node, step| match step {
        Step::Field(name) | Step::Key(name) => node.get(name).map(|e| &*e.value),
        Step::Index(i) => node.item(*i).map(|n| &**n),
    })
}

fn entry<'o>(object: &'o Object, steps: &[Step]) -> Option<&'o Entry> {
    let (last, above) = steps.split_last()?;
    node(object, above)?.get(name(last)?)
}

fn entries(node: &Node) -> &[Entry] {
    match &node.kind {
        NodeKind::Mapping(entries) => entries,
        _ => &[],
    }
}

/// A scalar as YAML.
fn scalar(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_./-".contains(c))
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text.to_lowercase().as_str());
    if plain { text.clone() } else { value.to_string() }
}

/// `key: value` as lines with this indentation, each ended.
fn lines(key: &str, value: &Value, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let key = scalar(&Value::from(key));
    match value {
        Value::Object(map) => {
            let below: String = map.iter().map(|(k, v)| lines(k, v, indent + 2)).collect();
            format!("{pad}{key}:\n{below}")
        }
        Value::Array(items) => {
            let mut out = format!("{pad}{key}:\n");
            for item in items {
                let _ = writeln!(out, "{pad}- {}", scalar(item));
            }
            out
        }
        value => format!("{pad}{key}: {}\n", scalar(value)),
    }
}

/// The text of the lines that a span touches, from the start of the first to behind the break of the last.
fn whole_lines(sources: &Sources, span: Span) -> Span {
    let file = sources.get(span.file);
    let text = &file.text;
    let (start, end) = (span.start as usize, (span.end as usize).max(span.start as usize + 1).min(text.len()));
    let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let to = if text[..end].ends_with('\n') { end } else { text[end..].find('\n').map_or(text.len(), |at| end + at + 1) };
    Span::new(span.file, from, to)
}

/// Whether a piece of a template decides what follows or what is left out.
fn controls(text: &str) -> bool {
    text.split("{{").skip(1).any(|action| {
        let word = action.trim_start_matches(['-', ' ']).split([' ', '}']).next().unwrap_or("");
        ["if", "else", "end", "range", "with", "define", "block"].contains(&word) || word.starts_with("/*")
    })
}

/// How many blocks of a template are open at an offset.
fn depth(text: &str, offset: usize) -> i64 {
    let mut depth = 0;
    for action in text.get(..offset).unwrap_or("").split("{{").skip(1) {
        match action.trim_start_matches(['-', ' ']).split([' ', '}', '-']).next().unwrap_or("") {
            "if" | "range" | "with" | "define" | "block" => depth += 1,
            "end" => depth -= 1,
            _ => {}
        }
    }
    depth
}

/// Removes the entry at a path, and what would be left empty above it.
pub(super) fn remove(sources: &Sources, object: &Object, path: &Path) -> Option<Vec<Edit>> {
    let mut steps = &path.0[..];
    while let Some((_, above)) = steps.split_last() {
        let alone = match node(object, above).map(|n| &n.kind) {
            Some(NodeKind::Mapping(entries)) => entries.len() == 1,
            Some(NodeKind::Sequence(items)) => items.len() == 1,
            _ => false,
        };
        if !alone || above.is_empty() {
            break;
        }
        steps = above;
    }
    let span = match steps.last()? {
        Step::Index(_) => {
            let item = node(object, steps)?;
            let Written::Literal(start) = written(sources, Span { end: item.span.start + 1, ..item.span })? else { return None };
            let text = &sources.get(start.file).text;
            let before = &text[text[..start.start as usize].rfind('\n').map_or(0, |at| at + 1)..start.start as usize];
            if before.trim_start() != "- " {
                return None;
            }
            Span { end: end_of(sources, item)?.max(start.end), ..start }
        }
        _ => {
            let entry = entry(object, steps)?;
            let key = match written(sources, entry.key_span)? {
                Written::Literal(key) | Written::Value { key, .. } => key,
                Written::Actions(_) => return None,
            };
            let text = &sources.get(key.file).text;
            // A key beside others on its line, or behind the dash of an item, cannot go by lines.
            if !text[text[..key.start as usize].rfind('\n').map_or(0, |at| at + 1)..key.start as usize].trim().is_empty() {
                return None;
            }
            let end = if matches!(entry.value.kind, NodeKind::Null) { key.end } else { end_of(sources, &entry.value)? };
            Span { end: end.max(key.end), ..key }
        }
    };
    let span = whole_lines(sources, span);
    let gone = sources.slice(span);
    (!controls(gone)).then(|| vec![Edit { span, text: String::new() }])
}

/// The offset behind a node in the text where it was written.
fn end_of(sources: &Sources, node: &Node) -> Option<u32> {
    let last = match &node.kind {
        NodeKind::Mapping(entries) => entries.last().map(|e| (&e.value, e.key_span)),
        NodeKind::Sequence(items) => items.last().map(|i| (i, i.span)),
        _ => None,
    };
    if let Some((below, key)) = last {
        let flow = matches!(written(sources, Span { end: node.span.start + 1, ..node.span }), Some(Written::Literal(at)) if ["{", "["].contains(&sources.slice(at)));
        if !flow {
            if matches!(below.kind, NodeKind::Null) {
                return Some(match written(sources, key)? {
                    Written::Literal(span) | Written::Actions(span) => span.end,
                    Written::Value { value, .. } => value.end,
                });
            }
            return end_of(sources, below);
        }
    }
    Some(match written(sources, node.span)? {
        Written::Literal(span) | Written::Actions(span) => span.end,
        Written::Value { value, .. } => value.end,
    })
}

/// Gives the field at a path a value, wherever it or its nearest parent was written.
pub(super) fn set(sources: &Sources, object: &Object, path: &Path, value: &Value) -> Option<Vec<Edit>> {
    if let Some(entry) = entry(object, &path.0).filter(|e| !matches!(e.value.kind, NodeKind::Null)) {
        if matches!(entry.value.kind, NodeKind::Mapping(_) | NodeKind::Sequence(_)) {
            return None;
        }
        return replace(sources, entry.value.span, &scalar(value));
    }
    // The deepest parent that is there takes what is missing.
    let there = (0..path.0.len()).rev().find(|n| node(object, &path.0[..*n]).is_some_and(|n| matches!(n.kind, NodeKind::Mapping(_))))?;
    let (first, rest) = path.0[there..].split_first()?;
    if entry(object, &path.0[..=there]).is_some() {
        return None;
    }
    let mut whole = value.clone();
    for step in rest.iter().rev() {
        whole = serde_json::json!({ name(step)?: whole });
    }
    add(sources, node(object, &path.0[..there])?, name(first)?, &whole)
}

/// Replaces a scalar that was written out, here or in a values file.
pub(super) fn replace(sources: &Sources, span: Span, text: &str) -> Option<Vec<Edit>> {
    let span = match written(sources, span)? {
        Written::Literal(span) | Written::Value { value: span, .. } => span,
        Written::Actions(_) => return None,
    };
    let old = sources.slice(span);
    // Blocks of text are not replaced by a word.
    (!old.contains('\n')).then(|| vec![Edit { span, text: text.to_owned() }])
}

/// Adds an entry to a mapping.
fn add(sources: &Sources, mapping: &Node, key: &str, value: &Value) -> Option<Vec<Edit>> {
    let siblings = entries(mapping);
    if siblings.is_empty() {
        return fill(sources, mapping, key, value);
    }
    // Behind the sibling that stands in the fewest conditions.
    let mut best: Option<(i64, Edit)> = None;
    for sibling in siblings {
        let at = match written(sources, sibling.key_span) {
            Some(Written::Literal(at)) => at,
            Some(Written::Value { key, .. }) => key,
            _ => continue,
        };
        let text = &sources.get(at.file).text;
        let line = text[..at.start as usize].rfind('\n').map_or(0, |n| n + 1);
        let before = &text[line..at.start as usize];
        if before.contains('{') || before.contains(',') {
            return flow(sources, mapping, key, value);
        }
        if !before.chars().all(|c| c == ' ' || c == '-') || matches!(sibling.value.kind, NodeKind::Mapping(_) | NodeKind::Sequence(_)) {
            continue;
        }
        let Some(end) = end_of(sources, &sibling.value) else { continue };
        let whole = whole_lines(sources, Span { end: end.max(at.end), ..at });
        let written_line = sources.slice(whole);
        if written_line.trim_end().ends_with("-}}") || controls(written_line) || !written_line.ends_with('\n') {
            continue;
        }
        let depth = depth(text, at.start as usize);
        if best.as_ref().is_none_or(|(known, _)| depth < *known) {
            let span = Span { start: whole.end, ..whole };
            best = Some((depth, Edit { span, text: lines(key, value, before.chars().count()) }));
        }
    }
    best.map(|(_, edit)| vec![edit]).or_else(|| before(sources, siblings, key, value))
}

/// Adds an entry before the first of those that are there, which is alone on its line.
fn before(sources: &Sources, siblings: &[Entry], key: &str, value: &Value) -> Option<Vec<Edit>> {
    let at = match written(sources, siblings.first()?.key_span)? {
        Written::Literal(at) | Written::Value { key: at, .. } => at,
        Written::Actions(_) => return None,
    };
    let text = &sources.get(at.file).text;
    let line = text[..at.start as usize].rfind('\n').map_or(0, |n| n + 1);
    let indent = &text[line..at.start as usize];
    let alone = indent.chars().all(|c| c == ' ');
    alone.then(|| vec![Edit { span: Span::new(at.file, line, line), text: lines(key, value, indent.len()) }])
}

/// Fills an empty mapping (`{}`) that is the value of a key.
fn fill(sources: &Sources, mapping: &Node, key: &str, value: &Value) -> Option<Vec<Edit>> {
    let span = match written(sources, mapping.span)? {
        Written::Literal(span) | Written::Value { value: span, .. } => span,
        Written::Actions(_) => return None,
    };
    if sources.slice(span) != "{}" {
        return None;
    }
    let text = &sources.get(span.file).text;
    let line = &text[text[..span.start as usize].rfind('\n').map_or(0, |n| n + 1)..];
    let indent = line.chars().take_while(|c| matches!(c, ' ' | '-')).count() + 2;
    // The space before the braces goes with them.
    let start = text[..span.start as usize].trim_end_matches(' ').len();
    let body = lines(key, value, indent);
    Some(vec![Edit { span: Span::new(span.file, start, span.end as usize), text: format!("\n{}", body.trim_end_matches('\n')) }])
}

/// Adds an entry to a mapping in braces.
fn flow(sources: &Sources, mapping: &Node, key: &str, value: &Value) -> Option<Vec<Edit>> {
    let Written::Literal(span) = written(sources, mapping.span)? else { return None };
    let inside = sources.slice(span).strip_suffix('}')?.trim_end();
    let at = span.start as usize + inside.len();
    let text = format!(
        ", {}: {}",
        scalar(&Value::from(key)),
        if value.is_object() || value.is_array() { value.to_string() } else { scalar(value) }
    );
    Some(vec![Edit { span: Span::new(span.file, at, at), text }])
}

/// Gives a key another name.
pub(super) fn rename(sources: &Sources, object: &Object, path: &Path, name: &str) -> Option<Vec<Edit>> {
    let Written::Literal(span) = written(sources, entry(object, &path.0)?.key_span)? else { return None };
    Some(vec![Edit { span, text: name.to_owned() }])
}

/// Puts a scalar in quotes; an action gets `| quote`.
pub(super) fn quote(sources: &Sources, span: Span) -> Option<Vec<Edit>> {
    let span = match written(sources, span)? {
        Written::Literal(span) => span,
        // A value that toYaml prints is quoted where it stands; one that an action prints, by the action.
        Written::Value { value, .. } if resolve(sources, span).template.is_none_or(|t| sources.slice(t).contains("toYaml")) => value,
        found => {
            let template = resolve(sources, span).template;
            let span = if let Written::Actions(span) = found { span } else { template? };
            let text = sources.slice(span);
            let one = text.starts_with("{{") && text.ends_with("}}") && text.matches("{{").count() == 1 && !controls(text);
            let body = text.strip_suffix("}}").filter(|_| one)?.trim_end_matches(['-', ' ']);
            let at = span.start as usize + body.len();
            return Some(vec![Edit { span: Span::new(span.file, at, at), text: " | quote".to_owned() }]);
        }
    };
    let old = sources.slice(span);
    let plain = !old.is_empty() && !old.contains('\n') && !old.starts_with(['"', '\'', '|', '>', '{', '[', '&', '*', '!']);
    plain.then(|| vec![Edit { span, text: Value::from(old).to_string() }])
}

/// The object's node at a path, for changes of a scalar by its old text.
pub(super) fn text_at<'o>(object: &'o Object, path: &Path) -> Option<(Span, &'o Node)> {
    let found = node(object, &path.0)?;
    Some((found.span, found))
}
