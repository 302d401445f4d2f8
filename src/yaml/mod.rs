//! Scanner, parser, tree with spans, decoding as Helm's stack decodes, and byte-identical emission.

mod compose;
mod decode;
mod emit;
mod emit_json;
mod kyaml;
mod go_syntax;
mod lines;
mod node;
mod outline;
mod parser;
mod reader;
mod resolve;
mod scalar_text;
mod scanner;
mod skim;
mod sort;
#[cfg(test)]
mod tests;
mod tree;

pub use decode::{
    decode, decode_documents, decode_documents_as, decode_documents_traced, decode_strict, decode_traced, decode_values,
    decode_values_traced,
};
pub use emit::{to_yaml, to_yaml_pretty, to_yaml_traced};
pub use emit_json::json_to_yaml;
pub use kyaml::{json_to_kyaml, kyaml_in_order};
pub use node::{Comment, Document, Entry, Node, NodeKind, YamlError};
pub use outline::{Outline, Part, PartKind};
pub use skim::skim;
pub use tree::{Chunk, Parsed, chunks, outline_chunk, outline_each, parse, parse_each};
