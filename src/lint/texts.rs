//! Texts as the user wrote them, for rules about YAML itself: files, lines, and scalars with their source.

use std::ops::Range;

use super::context::Context;
use crate::source::FileId;
use crate::source::Span;
use crate::yaml::Document;
use crate::yaml::Node;
use crate::yaml::NodeKind;

/// Deeper trees are not objects of the API.
const MAX_DEPTH: usize = 200;

/// The files that somebody wrote; rendered texts are left out, for nobody sees their layout.
pub(super) fn written(cx: &Context) -> Vec<FileId> {
    let mut files: Vec<FileId> = cx.input.documents.iter().map(|(f, _)| *f).filter(|f| cx.input.sources.get(*f).map.is_none()).collect();
    files.dedup();
    files
}

/// Calls `f` with the range and text of each line of a document.
pub(super) fn lines(cx: &Context, file: FileId, document: &Document, f: &mut dyn FnMut(Range<usize>, &str)) {
    let source = cx.input.sources.get(file);
    let first = source.line_index(document.span.start as usize);
    let last = source.line_index(document.span.end as usize);
    for range in (first..=last).filter_map(|l| source.line_range(l)) {
        f(range.clone(), &source.text[range]);
    }
}

/// A scalar of an object.
pub(super) struct Scalar<'a> {
    /// Its node.
    pub(super) node: &'a Node,
    /// Its source text, quotes included.
    pub(super) raw: &'a str,
    /// The keys above it from the top; empty texts stand for list items.
    pub(super) keys: &'a [&'a str],
    /// The object's kind.
    pub(super) kind: &'a str,
}

impl Scalar<'_> {
    /// The nearest key above it.
    pub(super) fn key(&self) -> &str {
        self.keys.iter().rev().find(|k| !k.is_empty()).copied().unwrap_or("")
    }

    /// Whether Kubernetes wants a string here.
    pub(super) fn is_string_field(&self) -> bool {
        let parent = self.keys.iter().rev().nth(1).copied().unwrap_or("");
        let map = matches!(parent, "labels" | "annotations" | "matchLabels" | "nodeSelector" | "stringData" | "binaryData")
            || parent == "data" && matches!(self.kind, "ConfigMap" | "Secret")
            || parent == "selector" && self.kind == "Service";
        let item = self.keys.last().is_some_and(|k| k.is_empty())
            && matches!(self.key(), "command" | "args" | "accessModes" | "resourceNames" | "verbs" | "hosts" | "values");
        let variable = self.key() == "value" && self.keys.contains(&"env");
        let name = self.keys.len() == 2 && self.keys[0] == "metadata" && matches!(self.keys[1], "name" | "namespace");
        map || item || variable || name
    }
}

/// Calls `f` for each scalar of each object. The schemas of definitions are none of what users write.
pub(super) fn scalars(cx: &Context, f: &mut dyn FnMut(&Scalar)) {
    for (_, document) in cx.input.documents {
        let Some(root) = &document.root else { continue };
        match root.get("items").map(|e| &e.value.kind) {
            Some(NodeKind::Sequence(items)) if kind_of(root) == "List" => items.iter().for_each(|item| of_object(cx, item, f)),
            _ => of_object(cx, root, f),
        }
    }
}

fn kind_of(root: &Node) -> &str {
    match root.get("kind").map(|e| &e.value.kind) {
        Some(NodeKind::Str(kind)) => kind,
        _ => "",
    }
}

fn of_object(cx: &Context, root: &Node, f: &mut dyn FnMut(&Scalar)) {
    let kind = kind_of(root);
    match &root.kind {
        NodeKind::Mapping(entries) if kind == "CustomResourceDefinition" => {
            for entry in entries.iter().filter(|e| e.key != "spec") {
                walk(cx, &entry.value, &mut vec![&entry.key], kind, f);
            }
        }
        _ => walk(cx, root, &mut Vec::new(), kind, f),
    }
}

fn walk<'a>(cx: &'a Context, node: &'a Node, keys: &mut Vec<&'a str>, kind: &str, f: &mut dyn FnMut(&Scalar)) {
    if keys.len() > MAX_DEPTH {
        return;
    }
    match &node.kind {
        NodeKind::Mapping(entries) => {
            for entry in entries {
                keys.push(&entry.key);
                walk(cx, &entry.value, keys, kind, f);
                keys.pop();
            }
        }
        NodeKind::Sequence(items) => {
            for item in items {
                keys.push("");
                walk(cx, item, keys, kind, f);
                keys.pop();
            }
        }
        _ => f(&Scalar { node, raw: cx.input.sources.slice(node.span), keys, kind }),
    }
}

/// The places of all scalars of a tree, keys included.
pub(super) fn spans(root: &Node) -> Vec<Span> {
    let mut out = Vec::new();
    collect(root, 0, &mut out);
    out
}

fn collect(node: &Node, depth: usize, out: &mut Vec<Span>) {
    if depth > MAX_DEPTH {
        return;
    }
    match &node.kind {
        NodeKind::Mapping(entries) => {
            for entry in entries {
                out.push(entry.key_span);
                collect(&entry.value, depth + 1, out);
            }
        }
        NodeKind::Sequence(items) => items.iter().for_each(|i| collect(i, depth + 1, out)),
        _ => out.push(node.span),
    }
}
