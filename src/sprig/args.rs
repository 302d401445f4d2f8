//! What every family shares: short names for Go types, access to converted arguments, rows of the function tables.

use crate::gotmpl::Function;
use crate::gotmpl::Native;
use crate::value::GoType;
use crate::value::Kind;
use crate::value::List;
use crate::value::Map;
use crate::value::ReflectKind;
use crate::value::Str;
use crate::value::Value;

/// What a native answers.
pub(super) type Reply = Result<Value, String>;

pub(super) const ANY: GoType = GoType::Any;
pub(super) const STR: GoType = GoType::String;
pub(super) const INT: GoType = GoType::INT;
pub(super) const INT64: GoType = GoType::INT64;
pub(super) const BOOL: GoType = GoType::Bool;
pub(super) const FLOAT: GoType = GoType::Float64;
pub(super) const LIST: GoType = GoType::ANY_SLICE;
pub(super) const STRS: GoType = GoType::STRING_SLICE;
pub(super) const DICT: GoType = GoType::ANY_MAP;

/// Go's text for a method call on a nil type.
pub(super) const NIL_DEREFERENCE: &str = "runtime error: invalid memory address or nil pointer dereference";

/// A function of fixed arity.
pub(super) const fn fixed(name: &'static str, params: &'static [GoType], result: GoType, call: Native) -> Function {
    Function { name, params, variadic: false, result, call }
}

/// A function whose last parameter repeats.
pub(super) const fn variadic(name: &'static str, params: &'static [GoType], result: GoType, call: Native) -> Function {
    Function { name, params, variadic: true, result, call }
}

/// The bytes of a string argument.
pub(super) fn bytes(args: &[Value], i: usize) -> &[u8] {
    args.get(i).and_then(Value::as_str).map_or(&[], Str::as_bytes)
}

/// The text of a string argument, as Go ranges over it.
pub(super) fn text(args: &[Value], i: usize) -> String {
    runes(bytes(args, i)).collect()
}

/// An integer argument.
pub(super) fn int(args: &[Value], i: usize) -> i64 {
    match args.get(i).map(|v| &v.kind) {
        Some(Kind::Int(_, n)) => *n,
        Some(Kind::Uint(_, n)) => *n as i64,
        _ => 0,
    }
}

/// A boolean argument.
pub(super) fn boolean(args: &[Value], i: usize) -> bool {
    matches!(args.get(i).map(|v| &v.kind), Some(Kind::Bool(true)))
}

/// A map argument; an empty one stands for a nil map.
pub(super) fn dict(args: &[Value], i: usize) -> Map {
    args.get(i).and_then(Value::as_map).cloned().unwrap_or_default()
}

/// Any argument.
pub(super) fn any(args: &[Value], i: usize) -> &Value {
    args.get(i).unwrap_or(&Value::NIL)
}

/// A value that is a slice, also behind a defined type.
pub(super) fn as_list(value: &Value) -> Option<List> {
    match &value.kind {
        Kind::List(l) => Some(l.clone()),
        Kind::Object(o) if matches!(o.go_type().kind(), ReflectKind::Slice | ReflectKind::Array) => {
            o.underlying().and_then(|u| u.as_list().cloned())
        }
        _ => None,
    }
}

/// The runes of a Go string: every byte that is not UTF-8 is one U+FFFD.
pub(super) fn runes(bytes: &[u8]) -> impl Iterator<Item = char> + '_ {
    bytes.utf8_chunks().flat_map(|c| c.valid().chars().chain(c.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER)))
}

/// The width in bytes of the rune at the start of a Go string (0 at its end).
pub(super) fn rune_width(bytes: &[u8]) -> usize {
    let Some(chunk) = bytes[..bytes.len().min(4)].utf8_chunks().next() else { return 0 };
    chunk.valid().chars().next().map_or(1, char::len_utf8)
}

/// Whether `needle` occurs, and where.
pub(super) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    haystack.windows(needle.len()).position(|w| w == needle)
}

/// A string value.
pub(super) fn string(s: impl Into<Str>) -> Reply {
    Ok(Value::from(s.into()))
}
