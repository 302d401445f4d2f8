//! An object of the API: its JSON value beside the tree with spans it was read from.

use std::sync::Arc;

use super::field::{Path, Step};
use crate::diagnostic::ObjectRef;
use crate::source::{FileId, Span};
use crate::yaml::{Document, Entry, Node, NodeKind};

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

/// The objects of a document: itself, or what is in it when it is a list.
pub fn objects(file: FileId, document: &Document) -> Vec<Object> {
    light_objects(file, document).into_iter().map(Object::whole).collect()
}

/// As [`objects`], without their values. upstream: k8s.io/cli-runtime/pkg/resource/visitor.go, `FlattenListVisitor`
pub fn light_objects(file: FileId, document: &Document) -> Vec<Object> {
    let Some(root) = &document.root else { return Vec::new() };
    let mut out = Vec::new();
    let mut open = vec![Arc::clone(root)];
    let mut next = 0;
    while let Some(node) = open.get(next).cloned() {
        next += 1;
        let object = Object::light(file, node);
        match object.node.get("items").map(|e| &e.value.kind) {
            Some(NodeKind::Sequence(items)) => open.extend(items.iter().map(|item| listed(item, &object.id))),
            _ => out.push(object),
        }
    }
    out
}

/// An item of a list: what says neither version nor kind has those of its list.
/// upstream: apimachinery/pkg/apis/meta/v1/unstructured/unstructured.go, `decodeToList`
fn listed(item: &Arc<Node>, list: &ObjectRef) -> Arc<Node> {
    let says = |key: &str| item.get(key).is_some_and(|e| matches!(&e.value.kind, NodeKind::Str(text) if !text.is_empty()));
    let Some(kind) = list.kind.strip_suffix("List").filter(|kind| !kind.is_empty() && !says("kind") && !says("apiVersion")) else {
        return Arc::clone(item);
    };
    let mut node = Node::clone(item);
    let span = Span { end: item.span.start, ..item.span };
    if let NodeKind::Mapping(entries) = &mut node.kind {
        entries.retain(|entry| entry.key != "kind" && entry.key != "apiVersion");
        for (key, text) in [("apiVersion", list.api_version.as_str()), ("kind", kind)] {
            let value = Arc::new(Node { span, kind: NodeKind::Str(text.to_owned()) });
            entries.push(Entry { key: key.to_owned(), key_span: span, value });
        }
    }
    Arc::new(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    #[test]
    fn lists_are_taken_apart() {
        let text = "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: a}\n- apiVersion: v1\n  kind: List\n  items:\n  \
                    - {apiVersion: v1, kind: Pod, metadata: {name: c}}\n- kind: X\n  metadata: {name: b}\n";
        let found: Vec<String> = yaml::parse(text, FileId(0))
            .iter()
            .flat_map(|document| objects(FileId(0), document))
            .map(|o| format!("{} {} {} {}", o.id.api_version, o.id.kind, o.id.name, o.value["kind"]))
            .collect();
        assert_eq!(found, ["apps/v1 Deployment a \"Deployment\"", " X b \"X\"", "v1 Pod c \"Pod\""]);
    }
}
