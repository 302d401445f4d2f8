//! The dynamic value with Go's semantics: what flows through templates and values files.
//!
//! A [`Value`] is a kind and, when tracing is on, the [`OriginId`](crate::source::OriginId) of what supplied it.
//! Maps are shared and mutable as in Go (`set` is seen by every holder); lists and strings never change.

mod float;
mod go_type;
mod kinds;
mod object;
mod parcel;
mod print;
mod quote;
mod stack;
mod unicode;

pub mod go_regex;
pub mod json;
pub mod quantity;

pub use float::{float_text, format_float};
pub use go_type::{GoType, IntType, ReflectKind, UintType};
pub use kinds::{Kind, List, Map, Str, Value, noticing};
pub use object::{GoError, Object, Structure};
pub use parcel::{Maker, Parcel};
pub use print::{print_value, sprint, sprintf, sprintln};
pub use quote::{quote, quote_with, unquote, unquote_char};
pub use stack::stacked;
pub use unicode::{is_digit, is_letter, is_print};
