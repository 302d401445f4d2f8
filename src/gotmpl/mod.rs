//! Go text/template: lexer, parser, tree, executor, builtins and printf; writes text and map segments; knows no Helm.

mod func;
mod lex;
mod number;
mod parse;
pub mod tree;

pub use func::{Env, Function, Native};
pub use parse::{ParseError, parse};
