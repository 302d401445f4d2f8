//! `values-undocumented`: reports a key of `values.yaml` without a comment.

use std::collections::BTreeSet;

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::yaml::Node;
use crate::yaml::NodeKind;

pub(super) fn check(cx: &Context) {
    let Some(values) = cx.chart().and_then(|c| c.values.as_ref()) else { return };
    let Some(object) = &values.object else { return };
    let source = cx.input.sources.get(values.file);
    let commented: BTreeSet<usize> =
        values.comments.iter().filter(|c| c.own_line).map(|c| source.line_index(c.span.start as usize)).collect();
    walk(cx, &Field::root(object), &object.node, &commented, 0);
}

fn walk(cx: &Context, field: &Field, node: &Node, commented: &BTreeSet<usize>, depth: usize) {
    let NodeKind::Mapping(entries) = &node.kind else { return };
    if depth > 100 {
        return;
    }
    for entry in entries {
        let line = cx.input.sources.get(entry.key_span.file).line_index(entry.key_span.start as usize);
        // What is said about a map holds for what is in it.
        if line.checked_sub(1).is_some_and(|l| commented.contains(&l)) {
            continue;
        }
        match &entry.value.kind {
            NodeKind::Mapping(inner) if !inner.is_empty() => {
                if let Some(below) = field.get_key(&entry.key) {
                    walk(cx, &below, &entry.value, commented, depth + 1);
                }
            }
            _ => cx.report(field.place_key(&entry.key), format!("the value `{}` has no comment", entry.key), "say above it what it does"),
        }
    }
}
