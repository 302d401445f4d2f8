//! `missing-space-after-colon`: reports `key:value` without a space after the colon.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::source::Span;
use crate::yaml::Entry;
use crate::yaml::Node;
use crate::yaml::NodeKind;

pub(super) fn check(cx: &Context) {
    for (file, document) in cx.input.documents {
        match &document.root {
            Some(root) => walk(cx, root, 0),
            None if document.error.is_some() => texts::lines(cx, *file, document, &mut |range, text| {
                let content = text.trim_start().trim_start_matches("- ").trim_start();
                let word = content.trim_end();
                if glued(word) {
                    let at = range.start + text.len() - content.len();
                    report(cx, Span::new(*file, at, at + word.len()));
                }
            }),
            None => {}
        }
    }
}

fn report(cx: &Context, span: Span) {
    cx.report_span(span, "a space is missing after the colon", "write `key: value`");
}

/// Whether a text looks like a key and a value without a space between them.
fn glued(text: &str) -> bool {
    let Some((key, value)) = text.split_once(':') else { return false };
    let first = text.split_whitespace().next().unwrap_or("");
    let name = key.len() > 1
        && key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    name && first.len() > key.len() + 1 && !value.starts_with("//") && !value.contains(": ") && !value.ends_with(':')
}

fn walk(cx: &Context, node: &Node, depth: usize) {
    if depth > 200 {
        return;
    }
    match &node.kind {
        NodeKind::Mapping(entries) => {
            for entry in entries {
                if matches!(entry.value.kind, NodeKind::Str(_)) {
                    value(cx, node, entry);
                }
                walk(cx, &entry.value, depth + 1);
            }
        }
        NodeKind::Sequence(items) => items.iter().for_each(|i| walk(cx, i, depth + 1)),
        _ => {}
    }
}

/// Reports a text of the line below its key.
fn value(cx: &Context, node: &Node, entry: &Entry) {
    let (key, start) = (entry.key_span.end as usize, entry.value.span.start as usize);
    // An alias stands elsewhere.
    let below = cx.input.sources.get(node.span.file).text.get(key..start).is_some_and(|between| between.contains('\n'));
    if !below {
        return;
    }
    let first = cx.input.sources.slice(entry.value.span).split('\n').next().unwrap_or("").trim_end();
    if glued(first) {
        report(cx, Span::new(node.span.file, start, start + first.len()));
    }
}
