//! The API as data: names, field paths, quantities, objects, schemas per version, and the API server's path.

mod against;
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
mod difflib;
pub mod field;
mod internal;
pub mod ip;
pub mod names;
mod object;
pub mod pod_security;
mod pod_security_checks;
pub mod policy;
pub use crate::value::quantity;
mod resource_sums;
pub mod schema;
pub mod scope;
mod shape;
mod validation;
mod warnings;

pub use against::{Identity, identity, validate_update};
pub use check::warnings_of_accepted;
pub use check::{Cause, ValidateOptions, Verdict, admit, admit_node, admit_text, admit_update, defaults, defaults_of, validate};
pub use deprecation::{warning, warnings};
pub use object::{Object, objects};

/// What the rules in a CRD object, or the expressions of an admission policy, are refused for.
pub fn expression_errors(object: &serde_json::Value) -> Vec<Cause> {
    match object["kind"].as_str() {
        Some("CustomResourceDefinition") => crd_check::check(object),
        Some("ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy") => policy::check(object),
        _ => Vec::new(),
    }
}
pub use warnings::Warning;
