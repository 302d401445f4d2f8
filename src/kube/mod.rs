//! The API as data: names, field paths, quantities, objects, schemas per version, and the API server's path.

mod check;
pub mod decode;
pub mod field;
mod object;
pub mod quantity;
pub mod schema;

pub use check::{Cause, Verdict, admit, admit_node, validate, ValidateOptions};
pub use object::{Object, objects};
