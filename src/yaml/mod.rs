//! Scanner, parser, tree with spans, decoding as Helm's stack decodes, and byte-identical emission.

mod node;

pub use node::{Comment, Document, Entry, Node, NodeKind, YamlError};
