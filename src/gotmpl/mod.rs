//! Go text/template: lexer, parser, tree, executor, builtins and printf; writes text and map segments; knows no Helm.

mod func;

pub use func::{Env, Function, Native};
