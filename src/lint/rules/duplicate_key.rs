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
            // Most maps are small: comparing is cheaper than a set.
            let mut seen = BTreeSet::new();
            for (at, entry) in entries.iter().enumerate() {
                let few = at < 16 && entries[..at].iter().any(|e| e.key == entry.key);
                let repeated = if entries.len() > 16 { !seen.insert(entry.key.as_str()) } else { few };
                if repeated {
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
