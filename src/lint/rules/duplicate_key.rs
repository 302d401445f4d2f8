//! `duplicate-key`: reports a key that one mapping has twice.

use std::collections::BTreeSet;

use crate::lint::context::Context;
use crate::yaml::Node;
use crate::yaml::NodeKind;

pub(super) fn check(cx: &Context) {
    for (_, document) in cx.input.documents {
        if let Some(root) = &document.root {
            walk(cx, root, 0);
        }
    }
}

fn walk(cx: &Context, node: &Node, depth: usize) {
    // Deeper trees are not objects of the API.
    if depth > 200 {
        return;
    }
    match &node.kind {
        NodeKind::Mapping(entries) => {
            let mut seen = BTreeSet::new();
            for entry in entries {
                if !seen.insert(entry.key.as_str()) {
                    cx.report_span(
                        entry.key_span,
                        format!("the key `{}` occurs twice; the last one counts", entry.key),
                        "remove one of them",
                    );
                }
                walk(cx, &entry.value, depth + 1);
            }
        }
        NodeKind::Sequence(items) => items.iter().for_each(|i| walk(cx, i, depth + 1)),
        _ => {}
    }
}
