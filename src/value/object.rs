//! Values with fields and methods: `.Capabilities`, `.Files`, times, durations, versions.

use std::any::Any;
use std::fmt;

use super::go_type::GoType;
use super::kinds::Value;
use super::parcel::Maker;

/// What a function or method of a template answers when it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoError(pub String);

impl fmt::Display for GoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for GoError {
    fn from(s: &str) -> Self {
        Self(s.to_owned())
    }
}
impl From<String> for GoError {
    fn from(s: String) -> Self {
        Self(s)
    }
}

/// The fields of a struct, unexported ones too, in Go's order.
#[derive(Clone, Debug, Default)]
pub struct Structure {
    /// Whether the value is a pointer to it.
    pub pointer: bool,
    /// Names and values.
    pub fields: Vec<(&'static str, Value)>,
}

/// A Go value that is not one of the plain kinds: a struct, a pointer to one, or a defined type with methods.
pub trait Object: fmt::Debug {
    /// Its Go type.
    fn go_type(&self) -> GoType;

    /// A struct field, or `None` when the type has none of that name.
    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    /// The parameter types of a method and whether the last is variadic, or `None` when the type has no such method.
    fn method(&self, _name: &str) -> Option<(&'static [GoType], bool)> {
        None
    }

    /// Calls a method that [`Object::method`] announced, with arguments already converted to its parameter types.
    fn call(&self, name: &str, _args: &[Value]) -> Result<Value, GoError> {
        Err(GoError(format!("no method {name}")))
    }

    /// What `%v` prints.
    fn print(&self) -> String;

    /// As [`Object::print`], behind what is there: for what prints many megabytes.
    fn print_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.print().as_bytes());
    }

    /// Whether the type has a `String` method, which `%v`, `%s`, `%q` and `%x` use ([`Object::print`] is its answer).
    fn has_string(&self) -> bool {
        true
    }

    /// What an action prints when only a pointer to the type has a `String` method.
    fn display(&self) -> Option<String> {
        None
    }

    /// What `%#v` prints for a type with a `GoString` method.
    fn go_string(&self) -> Option<String> {
        None
    }

    /// What a verb prints in its place: a pointer is a number to the verbs of numbers.
    fn print_verb(&self, _verb: char) -> Option<Value> {
        None
    }

    /// The struct behind it, which the verbs without a method print.
    fn structure(&self) -> Option<Structure> {
        None
    }

    /// The exported fields in Go's order under their JSON names, where that is not the order of the names.
    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        None
    }

    /// Whether `if` takes it as true (a non-nil pointer and every struct are).
    fn truth(&self) -> bool {
        true
    }

    /// As a plain value when the underlying type is one: a map, a list or a number (for `range`, `index`, `len`, comparisons).
    fn underlying(&self) -> Option<Value> {
        None
    }

    /// As plain values for JSON and YAML, as encoding/json would write it.
    fn to_plain(&self) -> Result<Value, GoError> {
        Err(GoError(format!("json: unsupported type: {}", self.go_type())))
    }

    /// Makes the same object on another thread; none where that is not known.
    fn maker(&self) -> Option<Maker> {
        None
    }

    /// For downcasts.
    fn as_any(&self) -> &dyn Any;
}
