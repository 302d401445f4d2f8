//! Reflection: types, kinds, deep comparison.

use crate::gotmpl::Function;
use crate::value::IntType;
use crate::value::Kind;
use crate::value::ReflectKind;
use crate::value::UintType;
use crate::value::Value;

use super::args::ANY;
use super::args::BOOL;
use super::args::STR;
use super::args::any;
use super::args::bytes;
use super::args::fixed;
use super::args::string;
use super::deep;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("typeOf", &[ANY], STR, |_, a| string(type_name(any(a, 0)))),
    fixed("typeIs", &[STR, ANY], BOOL, |_, a| Ok((bytes(a, 0) == type_name(any(a, 1)).as_bytes()).into())),
    fixed("typeIsLike", &[STR, ANY], BOOL, |_, a| {
        let (wanted, name) = (bytes(a, 0), type_name(any(a, 1)));
        Ok((wanted == name.as_bytes() || name.strip_prefix('*').is_some_and(|n| n.as_bytes() == wanted)).into())
    }),
    fixed("kindOf", &[ANY], STR, |_, a| string(kind_name(any(a, 0)))),
    fixed("kindIs", &[STR, ANY], BOOL, |_, a| Ok((bytes(a, 0) == kind_name(any(a, 1)).as_bytes()).into())),
    fixed("deepEqual", &[ANY, ANY], BOOL, |e, a| Ok(deep::equal(e, any(a, 0), any(a, 1))?.into())),
];

/// `%T`.
pub(super) fn type_name(value: &Value) -> String {
    value.go_type_name().unwrap_or_else(|| "<nil>".to_owned())
}

/// `reflect.Kind`'s name.
pub(super) fn kind_name(value: &Value) -> &'static str {
    match &value.kind {
        Kind::Int(t, _) => return IntType::name(*t),
        Kind::Uint(t, _) => return UintType::name(*t),
        Kind::Object(o) if o.go_type().to_string() == "time.Duration" => return "int64",
        _ => {}
    }
    match value.reflect_kind() {
        ReflectKind::Invalid => "invalid",
        ReflectKind::Bool => "bool",
        ReflectKind::Int => "int",
        ReflectKind::Uint => "uint",
        ReflectKind::Float64 => "float64",
        ReflectKind::Complex128 => "complex128",
        ReflectKind::String => "string",
        ReflectKind::Slice => "slice",
        ReflectKind::Array => "array",
        ReflectKind::Map => "map",
        ReflectKind::Struct => "struct",
        ReflectKind::Ptr => "ptr",
        ReflectKind::Func => "func",
        ReflectKind::Interface => "interface",
    }
}
