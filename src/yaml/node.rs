//! The tree: scalars already resolved as go-yaml v2 resolves them, every key and value with its span.

use std::fmt;
use std::sync::Arc;

use crate::source::Span;

/// Why a text is not YAML. `message` is what sigs.k8s.io/yaml says, such as `yaml: line 3: mapping values are not allowed in this context`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlError {
    /// Go's sentence.
    pub message: String,
    /// Byte offset of the problem, when known.
    pub offset: Option<usize>,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for YamlError {}

/// A comment, from `#` to the end of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its place, `#` included.
    pub span: Span,
    /// Whether it stands alone on its line.
    pub own_line: bool,
}

/// One document of a stream.
#[derive(Clone, Debug)]
pub struct Document {
    /// From after its `---` to its end.
    pub span: Span,
    /// `None` for an empty document and for one that is not YAML.
    pub root: Option<Arc<Node>>,
    /// All comments in it, in order.
    pub comments: Vec<Comment>,
    /// Why there is no tree.
    pub error: Option<YamlError>,
}

/// One entry of a mapping. Keys that occur twice stay twice.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key as sigs.k8s.io/yaml turns it into a string (`yes` becomes `true`).
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// Its value.
    pub value: Arc<Node>,
}

/// A value of the tree; aliases share the node of their anchor.
#[derive(Clone, Debug)]
pub struct Node {
    /// The source text, quotes included.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// `null`, `~` or nothing.
    Null,
    /// A boolean of YAML 1.1.
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// An integer above `i64::MAX` that fits 64 bits.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// A string.
    Str(String),
    /// A sequence.
    Sequence(Vec<Arc<Node>>),
    /// A mapping; merge keys (`<<`) are already merged in.
    Mapping(Vec<Entry>),
}

impl Node {
    /// The entry of a key (the last one when it occurs twice, as decoding does).
    pub fn get(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            NodeKind::Mapping(entries) => entries.iter().rev().find(|e| e.key == key),
            _ => None,
        }
    }

    /// The item at an index.
    pub fn item(&self, index: usize) -> Option<&Arc<Node>> {
        match &self.kind {
            NodeKind::Sequence(items) => items.get(index),
            _ => None,
        }
    }

    /// The JSON value that a client would send; of a key that occurs twice the last counts.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            NodeKind::Null => serde_json::Value::Null,
            NodeKind::Bool(b) => (*b).into(),
            NodeKind::Int(i) => (*i).into(),
            NodeKind::Uint(u) => (*u).into(),
            NodeKind::Float(f) => serde_json::Number::from_f64(*f).map_or(serde_json::Value::Null, serde_json::Value::Number),
            NodeKind::Str(s) => s.as_str().into(),
            NodeKind::Sequence(items) => items.iter().map(|n| n.to_json()).collect(),
            NodeKind::Mapping(entries) => serde_json::Value::Object(entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect()),
        }
    }
}
