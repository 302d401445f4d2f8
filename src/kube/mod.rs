//! The API as data: names, field paths, quantities, objects, schemas per version, and the API server's path.

mod about;
mod admission;
mod against;
pub mod apply;
mod check;
mod crd_check;
mod crd_correlation;
mod crd_errors;
mod crd_formats;
mod crd_openapi;
mod crd_outline;
mod crd_rules;
mod crd_schema;
pub mod custom_resource;
mod deciders;
pub mod decode;
pub mod cron;
mod defaults;
mod deprecation;
pub(crate) mod difflib;
pub(crate) mod expressions;
pub mod field;
mod internal;
pub mod ip;
pub(crate) mod json_patch;
pub mod merge_key;
pub mod names;
mod mutation;
mod object;
pub mod openapi;
pub mod pod_security;
mod pod_security_checks;
pub mod policy;
pub use crate::value::quantity;
pub mod request;
mod resource_sums;
pub mod schema;
pub mod scope;
mod shape;
mod sound;
mod together;
mod validation;
mod warnings;

pub use against::{Identity, identity, validate_update};
pub use check::{
    Cause, ValidateOptions, Verdict, admit, admit_decoded_update, admit_ephemeral_containers, admit_in, admit_node, admit_text,
    admit_update, decode_refusal, decoded_defaults, defaults, defaults_of, validate,
};
pub use crd_outline::{Instances, essential, undescribed};
pub use deprecation::{warning, warnings};
pub use object::{Object, light_objects, objects};

pub use about::field_page;
pub use deciders::{Deciders, may_decide};
pub use sound::is_sound;
pub use together::{Surroundings, as_stored, defines, group_of, is_custom, validate_together};
pub use validation::certificates::USAGES as KEY_USAGES;
pub use validation::service_with_allocated;
pub use warnings::Warning;
