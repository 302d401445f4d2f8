//! The text of a value: Go's `%v`, `strval` and `%q`.

use crate::value::Value;
use crate::value::json;
use crate::value::print_value;

pub(super) use crate::value::float_text as float;
pub(super) use crate::value::quote;

/// What `%v` prints.
pub(super) fn print(value: &Value) -> Vec<u8> {
    // A value that contains itself has no text; Go would never end.
    print_value(value).unwrap_or_default()
}

/// sprig's `strval`: bytes are text, all else is what `%v` prints.
pub(super) fn strval(value: &Value) -> Vec<u8> {
    bytes_of(value).unwrap_or_else(|| print(value))
}

fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    value.as_list().and_then(json::bytes_of)
}
