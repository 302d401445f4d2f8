//! An object of the API: its JSON value beside the tree with spans it was read from.

use std::sync::Arc;

use super::field::{Path, Step};
use crate::diagnostic::ObjectRef;
use crate::source::{FileId, Span};
use crate::yaml::{Document, Node, NodeKind};

/// One object as the user wrote it.
#[derive(Clone, Debug)]
pub struct Object {
    /// Identity; parts that are absent or not strings are empty.
    pub id: ObjectRef,
    /// The JSON value a client would send.
    pub value: serde_json::Value,
    /// The tree it was read from.
    pub node: Arc<Node>,
    /// The text it was read from.
    pub file: FileId,
}

impl Object {
    /// An object from its tree.
    pub fn new(file: FileId, node: Arc<Node>) -> Self {
        Self::light(file, node).whole()
    }

    /// An object whose `value` is not made: for what looks at its tree only.
    fn light(file: FileId, node: Arc<Node>) -> Self {
        let word = |node: &Node, key: &str| match node.get(key).map(|e| &e.value.kind) {
            Some(NodeKind::Str(s)) => s.clone(),
            _ => String::new(),
        };
        let of_meta = |key: &str| node.get("metadata").map_or_else(String::new, |m| word(&m.value, key));
        let id = ObjectRef {
            api_version: word(&node, "apiVersion"),
            kind: word(&node, "kind"),
            namespace: of_meta("namespace"),
            name: of_meta("name"),
        };
        Self { id, value: serde_json::Value::Null, node, file }
    }

    /// The object with its `value`.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { value: self.node.to_json(), ..self }
    }

    /// The span of the value at `path`; where a step is missing, of the nearest parent's key.
    pub fn span(&self, path: &Path) -> Span {
        self.spans(path).1
    }

    /// The span of the key (or list item) at `path`; where a step is missing, of the nearest parent's key.
    pub fn key_span(&self, path: &Path) -> Span {
        self.spans(path).0
    }

    /// Where a finding about `path` is shown: a scalar or list item itself, a mapping or list by its key.
    pub fn place(&self, path: &Path) -> Span {
        let (key, value) = self.spans(path);
        let named = matches!(path.0.last(), Some(Step::Field(_) | Step::Key(_)));
        let collection = |node: &Node| matches!(node.kind, NodeKind::Mapping(_) | NodeKind::Sequence(_));
        if named && self.at(path).is_some_and(collection) { key } else { value }
    }

    fn at(&self, path: &Path) -> Option<&Node> {
        path.0.iter().try_fold(&*self.node, |node, step| match step {
            Step::Field(name) | Step::Key(name) => node.get(name).map(|e| &*e.value),
            Step::Index(i) => node.item(*i).map(|n| &**n),
        })
    }

    fn spans(&self, path: &Path) -> (Span, Span) {
        let mut node = &self.node;
        let mut key = Span { end: node.span.start, ..node.span };
        for step in &path.0 {
            let next = match step {
                Step::Field(name) | Step::Key(name) => node.get(name).map(|e| (e.key_span, &e.value)),
                Step::Index(i) => node.item(*i).map(|n| (n.span, n)),
            };
            let Some((next_key, value)) = next else { return (key, key) };
            (key, node) = (next_key, value);
        }
        (key, node.span)
    }
}

/// The objects of a document: itself, or the items when it is a `List`.
pub fn objects(file: FileId, document: &Document) -> Vec<Object> {
    light_objects(file, document).into_iter().map(Object::whole).collect()
}

/// As [`objects`], without their values.
pub fn light_objects(file: FileId, document: &Document) -> Vec<Object> {
    let Some(root) = &document.root else { return Vec::new() };
    let object = Object::light(file, Arc::clone(root));
    if object.id.kind == "List" && object.id.api_version == "v1" {
        if let Some(NodeKind::Sequence(items)) = root.get("items").map(|e| &e.value.kind) {
            return items.iter().map(|n| Object::light(file, Arc::clone(n))).collect();
        }
    }
    vec![object]
}
