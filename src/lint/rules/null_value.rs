//! `null-value`: reports a key without a value.

use crate::lint::context::Context;
use crate::yaml::Node;
use crate::yaml::NodeKind;

pub(super) fn check(cx: &Context) {
    for (file, document) in cx.input.documents {
        // What templates leave empty has a rule of its own.
        if cx.input.sources.get(*file).map.is_some() {
            continue;
        }
        if let Some(root) = document.root.as_ref().filter(|r| r.get("kind").is_some()) {
            walk(cx, root, 0);
        }
    }
}

fn walk(cx: &Context, node: &Node, depth: usize) {
    if depth > 200 {
        return;
    }
    match &node.kind {
        NodeKind::Mapping(entries) => {
            for entry in entries {
                if matches!(entry.value.kind, NodeKind::Null) && cx.input.sources.slice(entry.value.span).trim().is_empty() {
                    cx.report_span(entry.key_span, format!("the key `{}` has no value", entry.key), "give it one, or remove it");
                }
                walk(cx, &entry.value, depth + 1);
            }
        }
        NodeKind::Sequence(items) => items.iter().for_each(|i| walk(cx, i, depth + 1)),
        _ => {}
    }
}
