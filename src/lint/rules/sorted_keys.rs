//! `sorted-keys`: reports keys that are not in alphabetical order.

use crate::lint::context::Context;
use crate::yaml::Node;
use crate::yaml::NodeKind;

pub(super) fn check(cx: &Context) {
    for (file, document) in cx.input.documents {
        if let Some(root) = document.root.as_ref().filter(|_| cx.input.sources.get(*file).map.is_none()) {
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
            if let Some(pair) = entries.windows(2).find(|p| p[1].key < p[0].key) {
                cx.report_span(pair[1].key_span, format!("the key `{}` stands after `{}`", pair[1].key, pair[0].key), "sort the keys");
            }
            entries.iter().for_each(|e| walk(cx, &e.value, depth + 1));
        }
        NodeKind::Sequence(items) => items.iter().for_each(|i| walk(cx, i, depth + 1)),
        _ => {}
    }
}
