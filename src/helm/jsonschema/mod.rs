//! JSON Schema, drafts 4 to 2020-12, with the sentences of the validator that Helm uses.
//!
//! [`compile`] turns documents into [`schema::Schema`]s, [`validate`] holds a value against one. What Go leaves to the
//! order of its maps goes by the order of the keys here.
//!
//! upstream: github.com/santhosh-tekuri/jsonschema/v6

mod compile;
mod document;
mod draft;
mod failure;
mod format;
mod number;
mod schema;
mod sound;
mod validate;

pub(super) use compile::Compiler;
pub(super) use document::read;
