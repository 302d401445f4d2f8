//! Charts: load, dependencies, values, capabilities, engine, hooks, order, package.
//!
//! [`load`] turns a folder or archive into a [`Chart`]; [`values`] and [`dependency`] decide what each chart of the tree
//! sees; [`release::template`] is `helm template` as a function.

pub mod archive;
pub mod capabilities;
pub mod chart;
mod chart_value;
pub mod dependency;
pub mod engine;
mod engine_ahead;
mod engine_beside;
mod engine_error;
mod engine_functions;
mod engine_trace;
pub mod files;
mod gunzip;
pub mod hooks;
pub mod ignore;
mod json;
mod jsonschema;
pub mod lint;
pub mod load;
pub mod lookup;
pub mod order;
pub mod package;
pub mod release;
pub mod schema;
pub mod show;
pub mod strvals;
mod unpack;
pub mod values;

pub use chart::{Chart, Dependency, File, Metadata};
pub use release::{Compat, HelmError, RenderedDocument, TemplateOptions, TemplateOutput, template};
pub use unpack::{Begun, begin};
