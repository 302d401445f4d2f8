//! Go text/template: lexer, parser, tree, executor, builtins and printf; writes text and map segments; knows no Helm.

mod builtin;
mod call;
mod error;
mod exec;
mod func;
mod lex;
mod number;
mod parse;
mod skim;
mod trace;
pub mod tree;

pub use error::{ExecError, Missing, Result};
pub use exec::{Host, MissingKey, Runtime, Scope, Signature, truth};
pub use func::{Env, Function, Functions, Native, Places};
pub use number::{parse_float, parse_int, parse_uint};
pub use parse::{ParseError, Seen, parse, parse_sharing};
pub use trace::{Out, STRING, Tracer};

/// Whether text/template itself brings a function of this name.
pub fn is_builtin(name: &str) -> bool {
    builtin::find(name).is_some()
}
