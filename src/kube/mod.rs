//! The API as data: names, field paths, quantities, objects, schemas per version, and the API server's path.

pub mod field;
mod object;

pub use object::{Object, objects};
