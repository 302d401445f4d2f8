//! Values with fields and methods: `.Capabilities`, `.Files`, times, durations, versions.

use std::any::Any;
use std::fmt;

use super::go_type::GoType;
use super::kinds::Value;

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

    /// What `%+v`, `%#v` and other verbs print; `%v` unless the type says otherwise.
    fn print_verb(&self, _verb: char, _plus: bool, _sharp: bool) -> Option<String> {
        None
    }

    /// Whether `if` takes it as true (a non-nil pointer and every struct are).
    fn truth(&self) -> bool {
        true
    }

    /// As a map or list when the underlying type is one (for `range`, `index`, `len`).
    fn underlying(&self) -> Option<Value> {
        None
    }

    /// As plain values for JSON and YAML, as encoding/json would write it.
    fn to_plain(&self) -> Result<Value, GoError> {
        Err(GoError(format!("json: unsupported type: {}", self.go_type())))
    }

    /// For downcasts.
    fn as_any(&self) -> &dyn Any;
}
