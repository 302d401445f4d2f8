//! kubectl's reading and writing of a cluster: what its verbs print, and the requests they make of an [`api::Api`].
//!
//! [`verbs::run`] runs a command line; [`table`] and [`describe`] turn objects into text, and know no command line.

pub mod api;
pub mod describe;
mod files;
pub mod flags;
mod json;
pub mod jsonpath;
pub mod labels;
mod output;
pub mod rbac;
pub mod resources;
mod select;
pub mod session;
pub mod table;
pub mod tabwriter;
mod template;
pub mod times;
pub mod verbs;

pub use session::Outcome;
pub use verbs::{Context, run};
