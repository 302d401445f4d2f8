//! Changes of an object as edits of the text it was written in. Comments and layout around them stay.

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

pub(super) fn node<'o>(object: &'o Object, steps: &[Step]) -> Option<&'o Node> {
    steps.iter().try_fold(&*object.node, |node, step| match step {
        Step::Field(name) | Step::Key(name) => node.get(name).map(|e| &*e.value),
        Step::Index(i) => node.item(*i).map(|n| &**n),
    })
}

pub(super) fn entry<'o>(object: &'o Object, steps: &[Step]) -> Option<&'o Entry> {
    let (last, above) = steps.split_last()?;
    node(object, above)?.get(name(last)?)
}

fn entries(node: &Node) -> &[Entry] {
    match &node.kind {
        NodeKind::Mapping(entries) => entries,
        _ => &[],
    }
}

/// A scalar as YAML. An action of a template stays as it is; one that ends with `nindent 0` gets its width where it is
/// put.
fn scalar(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_./-".contains(c))
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text.to_lowercase().as_str());
    if plain || text.starts_with("{{") { text.clone() } else { value.to_string() }
}

/// `key: value` as lines with this indentation, each ended.
pub(super) fn lines(key: &str, value: &Value, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let key = scalar(&Value::from(key));
    match value {
        Value::Object(map) if !map.is_empty() => {
            let below: String = map.iter().map(|(k, v)| lines(k, v, indent + 2)).collect();
            format!("{pad}{key}:\n{below}")
        }
        Value::Array(items) if !items.is_empty() => {
            let below: String = items.iter().map(|item| item_lines(item, indent)).collect();
            format!("{pad}{key}:\n{below}")
        }
        Value::String(text) if text.ends_with("nindent 0 }}") => {
            format!("{pad}{key}: {}\n", text.replace("nindent 0 }}", &format!("nindent {} }}}}", indent + 2)))
        }
        value => format!("{pad}{key}: {}\n", scalar(value)),
    }
}

/// An item of a list as lines whose dash has this indentation, each ended.
fn item_lines(item: &Value, indent: usize) -> String {
    let pad = " ".repeat(indent);
    match item {
        Value::Object(map) if !map.is_empty() => {
            let below: String = map.iter().map(|(k, v)| lines(k, v, indent + 2)).collect();
            format!("{pad}- {}", &below[indent + 2..])
        }
        item => format!("{pad}- {}\n", scalar(item)),
    }
}

/// The text of the lines that a span touches, from the start of the first to behind the break of the last.
pub(super) fn whole_lines(sources: &Sources, span: Span) -> Span {
    let file = sources.get(span.file);
    let text = &file.text;
    let (start, end) = (span.start as usize, (span.end as usize).max(span.start as usize + 1).min(text.len()));
    let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let to = if text[..end].ends_with('\n') { end } else { text[end..].find('\n').map_or(text.len(), |at| end + at + 1) };
    Span::new(span.file, from, to)
}

/// Whether a piece of a template decides what follows or what is left out.
pub(super) fn controls(text: &str) -> bool {
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
            let span = Span { end: end_of(sources, item)?.max(start.end), ..start };
            if before.trim_start() != "- " {
                return flow_item(sources, span);
            }
            span
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

/// Removes an item of a list in brackets, with the comma before or behind it.
fn flow_item(sources: &Sources, item: Span) -> Option<Vec<Edit>> {
    let text = &sources.get(item.file).text;
    let (before, after) = (text[..item.start as usize].trim_end(), &text[item.end as usize..]);
    let span = if before.ends_with(',') {
        Span { start: before.len() as u32 - 1, ..item }
    } else {
        let rest = after.trim_start().strip_prefix(',').filter(|_| before.ends_with('['))?.trim_start();
        Span { end: (text.len() - rest.len()) as u32, ..item }
    };
    Some(vec![Edit { span, text: String::new() }])
}

/// The offset behind a node in the text where it was written.
pub(super) fn end_of(sources: &Sources, node: &Node) -> Option<u32> {
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
        if let (NodeKind::Sequence(_), Value::Array(items)) = (&entry.value.kind, value) {
            let [item] = &items[..] else { return None };
            return push(sources, object, path, item);
        }
        if matches!(entry.value.kind, NodeKind::Mapping(_) | NodeKind::Sequence(_)) {
            return None;
        }
        return replace(sources, entry.value.span, &scalar(value));
    }
    if let (Some(Step::Index(_)), Some(item)) = (path.0.last(), node(object, &path.0)) {
        let whole = matches!(item.kind, NodeKind::Mapping(_) | NodeKind::Sequence(_));
        return if whole { None } else { replace(sources, item.span, &scalar(value)) };
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

/// Puts another value in the place of a whole entry, which is written out and has no actions.
pub(super) fn swap(sources: &Sources, object: &Object, path: &Path, value: &Value) -> Option<Vec<Edit>> {
    let entry = entry(object, &path.0)?;
    let Written::Literal(key) = written(sources, entry.key_span)? else { return None };
    let text = &sources.get(key.file).text;
    let line = text[..key.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let before = &text[line..key.start as usize];
    if !before.chars().all(|c| c == ' ' || c == '-') {
        return None;
    }
    let span = Span { end: end_of(sources, &entry.value)?.max(key.end), ..key };
    if sources.slice(span).contains("{{") {
        return None;
    }
    let new = lines(name(path.0.last()?)?, value, before.chars().count());
    Some(vec![Edit { span, text: new.trim().to_owned() }])
}

/// Adds an item to the end of a list.
pub(super) fn push(sources: &Sources, object: &Object, path: &Path, item: &Value) -> Option<Vec<Edit>> {
    let list = node(object, &path.0)?;
    let NodeKind::Sequence(items) = &list.kind else { return None };
    let flow = |span: Span| Some(sources.slice(span)).filter(|text| text.starts_with('[') && text.ends_with(']')).map(str::len);
    if let Some(Written::Literal(span) | Written::Value { value: span, .. }) = written(sources, list.span) {
        if flow(span).is_some() {
            let inside = sources.slice(span).strip_suffix(']')?.trim_end();
            let at = span.start as usize + inside.len();
            let comma = if items.is_empty() { "" } else { ", " };
            let new = if item.is_object() || item.is_array() { item.to_string() } else { scalar(item) };
            return Some(vec![Edit { span: Span::new(span.file, at, at), text: format!("{comma}{new}") }]);
        }
    }
    let last = items.last()?;
    let Written::Literal(start) = written(sources, Span { end: last.span.start + 1, ..last.span })? else { return None };
    let text = &sources.get(start.file).text;
    let line = text[..start.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let before = &text[line..start.start as usize];
    let indent = before.len() - before.trim_start().len();
    if before.trim_start() != "- " {
        return None;
    }
    let whole = whole_lines(sources, Span { end: end_of(sources, last)?.max(start.end), ..start });
    if controls(sources.slice(whole)) {
        return None;
    }
    Some(vec![behind(sources, whole, &item_lines(item, indent))])
}

/// New lines behind whole ones, which may lack the last break of the file.
fn behind(sources: &Sources, whole: Span, lines: &str) -> Edit {
    let span = Span { start: whole.end, ..whole };
    let ended = sources.slice(whole).ends_with('\n');
    Edit { span, text: if ended { lines.to_owned() } else { format!("\n{}", lines.trim_end_matches('\n')) } }
}

/// Adds a document behind the one of an object; only to manifests, where nothing decides whether the object is there.
pub(super) fn append(sources: &Sources, object: &Object, document: &Value) -> Option<Vec<Edit>> {
    if sources.get(object.file).map.is_some() {
        return None;
    }
    let end = end_of(sources, &object.node)?;
    let whole = whole_lines(sources, Span { end, ..object.node.span });
    let text: String = document.as_object()?.iter().map(|(key, value)| lines(key, value, 0)).collect();
    Some(vec![behind(sources, whole, &format!("---\n{text}"))])
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
        if written_line.trim_end().ends_with("-}}") || controls(written_line) {
            continue;
        }
        // Only templates decide about what follows.
        let depth = if at.file == mapping.span.file { 0 } else { depth(text, at.start as usize) };
        if best.as_ref().is_none_or(|(known, _)| depth < *known) {
            best = Some((depth, behind(sources, whole, &lines(key, value, before.chars().count()))));
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
