//! The API as data: names, field paths, quantities, objects, schemas per version, and the API server's path.

mod admission;
mod against;
mod apply;
mod check;
mod crd_check;
mod crd_correlation;
mod crd_errors;
mod crd_formats;
mod crd_openapi;
mod crd_rules;
mod crd_schema;
pub mod custom_resource;
pub mod decode;
pub mod cron;
mod defaults;
mod deprecation;
pub(crate) mod difflib;
mod expressions;
pub mod field;
mod internal;
pub mod ip;
mod json_patch;
pub mod names;
mod mutation;
mod object;
pub mod pod_security;
mod pod_security_checks;
pub mod policy;
pub use crate::value::quantity;
pub mod request;
mod resource_sums;
pub mod schema;
pub mod scope;
mod shape;
mod together;
mod validation;
mod warnings;

pub use against::{Identity, identity, validate_update};
pub use check::warnings_of_accepted;
pub use check::{Cause, ValidateOptions, Verdict, admit, admit_in, admit_node, admit_text, admit_update, defaults, defaults_of, validate};
pub use deprecation::{warning, warnings};
pub use object::{Object, objects};

pub use together::{Surroundings, is_custom, validate_together};
pub use validation::certificates::USAGES as KEY_USAGES;
pub use warnings::Warning;
