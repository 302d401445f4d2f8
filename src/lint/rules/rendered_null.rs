//! `rendered-null`: reports a field that needs a value and for which a template writes nothing.

use crate::lint::context::Context;
use crate::yaml::Node;
use crate::yaml::NodeKind;

const FIELDS: &[&str] = &[
    "image",
    "name",
    "namespace",
    "host",
    "key",
    "mountPath",
    "secretName",
    "claimName",
    "serviceName",
    "port",
    "containerPort",
    "targetPort",
    "path",
    "schedule",
    "kind",
    "apiVersion",
    "storage",
    "maxReplicas",
];

pub(super) fn check(cx: &Context) {
    if cx.chart().is_none() {
        return;
    }
    for (file, document) in cx.input.documents {
        let (Some(root), Some(_)) = (&document.root, &cx.input.sources.get(*file).map) else { continue };
        // A policy without a port is about all of them.
        let policy = root.get("kind").is_some_and(|k| matches!(&k.value.kind, NodeKind::Str(kind) if kind.contains("NetworkPolicy")));
        walk(cx, root, 0, if policy { "port" } else { "" });
    }
}

/// Looks for fields without a value, but for those called `free`.
fn walk(cx: &Context, node: &Node, depth: usize, free: &str) {
    if depth > 200 {
        return;
    }
    match &node.kind {
        NodeKind::Mapping(entries) => {
            for entry in entries {
                let nothing = matches!(entry.value.kind, NodeKind::Null) && cx.input.sources.slice(entry.value.span).trim().is_empty();
                if nothing && FIELDS.contains(&entry.key.as_str()) && entry.key != free {
                    cx.report_span(
                        entry.key_span,
                        format!("the template writes nothing for `{}`", entry.key),
                        "give the value a default, or use required",
                    );
                }
                walk(cx, &entry.value, depth + 1, free);
            }
        }
        NodeKind::Sequence(items) => items.iter().for_each(|i| walk(cx, i, depth + 1, free)),
        _ => {}
    }
}
