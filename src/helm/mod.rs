//! Charts: load, dependencies, values, capabilities, engine, hooks, order, package.

pub mod ignore;
pub mod order;
pub mod release;

pub use release::{Compat, HelmError, RenderedDocument, TemplateOptions, TemplateOutput, template};
pub mod engine;
mod engine_error;
mod engine_functions;

#[cfg(test)]
mod engine_tests;
