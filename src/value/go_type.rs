//! Go's static types, as far as templates can see them (`%T`, `typeOf`, error messages).

use std::fmt;

/// Signed integer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum IntType {
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
}

/// Unsigned integer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum UintType {
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
}

/// Go's `reflect.Kind`, as `kindOf` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ReflectKind {
    Invalid,
    Bool,
    Int,
    Uint,
    Float64,
    Complex128,
    String,
    Slice,
    Array,
    Map,
    Struct,
    Ptr,
    Func,
    Interface,
}

/// A Go type. Nested types are static, so that types are free to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GoType {
    /// `interface {}`
    Any,
    /// `bool`
    Bool,
    /// `int`, `int64`, …
    Int(IntType),
    /// `uint8`, …
    Uint(UintType),
    /// `float64`
    Float64,
    /// `complex128`
    Complex128,
    /// `string`
    String,
    /// `[]T`
    Slice(&'static GoType),
    /// `map[string]T`
    Map(&'static GoType),
    /// A defined type, printed by its name, such as `time.Duration` or `*semver.Version`.
    Named(&'static str, ReflectKind),
    /// A function; printed as given.
    Func(&'static str),
}

impl GoType {
    /// `[]interface {}`
    pub const ANY_SLICE: Self = Self::Slice(&Self::Any);
    /// `[]string`
    pub const STRING_SLICE: Self = Self::Slice(&Self::String);
    /// `map[string]interface {}`
    pub const ANY_MAP: Self = Self::Map(&Self::Any);
    /// `int`
    pub const INT: Self = Self::Int(IntType::Int);
    /// `int64`
    pub const INT64: Self = Self::Int(IntType::Int64);

    /// The kind behind the type.
    pub fn kind(self) -> ReflectKind {
        match self {
            Self::Any => ReflectKind::Interface,
            Self::Bool => ReflectKind::Bool,
            Self::Int(_) => ReflectKind::Int,
            Self::Uint(_) => ReflectKind::Uint,
            Self::Float64 => ReflectKind::Float64,
            Self::Complex128 => ReflectKind::Complex128,
            Self::String => ReflectKind::String,
            Self::Slice(_) => ReflectKind::Slice,
            Self::Map(_) => ReflectKind::Map,
            Self::Named(_, kind) => kind,
            Self::Func(_) => ReflectKind::Func,
        }
    }
}

impl IntType {
    /// Go's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
        }
    }
}

impl UintType {
    /// Go's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uint => "uint",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
        }
    }
}

impl fmt::Display for GoType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("interface {}"),
            Self::Bool => f.write_str("bool"),
            Self::Int(t) => f.write_str(t.name()),
            Self::Uint(t) => f.write_str(t.name()),
            Self::Float64 => f.write_str("float64"),
            Self::Complex128 => f.write_str("complex128"),
            Self::String => f.write_str("string"),
            Self::Slice(t) => write!(f, "[]{t}"),
            Self::Map(t) => write!(f, "map[string]{t}"),
            Self::Named(name, _) | Self::Func(name) => f.write_str(name),
        }
    }
}
