//! Parser, checker, evaluator and cost limit for CEL, as Kubernetes uses it.
//!
//! A text becomes a [`Program`] against an [`Env`] (what it may name); the errors read as the API server prints them.
//! A program is evaluated with a [`Host`] that supplies variables, over borrowed JSON.

mod ast;
mod check;
mod cost;
pub mod decl;
mod env;
mod error;
mod eval;
mod format;
mod functions;
mod lexer;
pub mod library;
mod macros;
mod parser;
mod program;
mod runtime_cost;
mod strings;
pub mod time;
mod types;
pub mod url;
mod value;

pub use cost::Estimate;
pub use env::Env;
pub use eval::{CALL_LIMIT, Host};
pub use program::{Program, compile};
pub use types::Type;
pub use value::{Fail, Fields, List, Map, Out, Text, Val};
