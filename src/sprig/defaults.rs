//! Defaults: what counts as empty, and what to take instead.

use crate::gotmpl::Function;
use crate::value::Kind;
use crate::value::ReflectKind;
use crate::value::Value;

use super::args::ANY;
use super::args::BOOL;
use super::args::any;
use super::args::as_list;
use super::args::boolean;
use super::args::fixed;
use super::args::variadic;
use super::go_time;

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("default", &[ANY, ANY], ANY, |_, a| Ok(a.get(1).filter(|v| !empty(v)).unwrap_or(any(a, 0)).clone())),
    fixed("empty", &[ANY], BOOL, |_, a| Ok(empty(any(a, 0)).into())),
    variadic("coalesce", &[ANY], ANY, |_, a| Ok(a.iter().find(|v| !empty(v)).cloned().unwrap_or_default())),
    variadic("all", &[ANY], BOOL, |_, a| Ok((!a.iter().any(empty)).into())),
    variadic("any", &[ANY], BOOL, |_, a| Ok((!a.iter().all(empty)).into())),
    fixed("ternary", &[ANY, ANY, BOOL], ANY, |_, a| Ok(any(a, usize::from(!boolean(a, 2))).clone())),
];

/// Whether a value is nil, false, zero or has no items; structs and pointers never are.
pub(super) fn empty(value: &Value) -> bool {
    match &value.kind {
        Kind::Nil => true,
        Kind::Bool(b) => !b,
        Kind::Int(_, n) => *n == 0,
        Kind::Uint(_, n) => *n == 0,
        Kind::Float(f) => *f == 0.0,
        Kind::Complex(re, im) => *re == 0.0 && *im == 0.0,
        Kind::Str(s) => s.is_empty(),
        Kind::List(l) => l.items().is_empty(),
        Kind::Map(m) => m.is_empty(),
        Kind::Object(o) => match o.go_type().kind() {
            ReflectKind::Slice | ReflectKind::Array => as_list(value).is_none_or(|l| l.items().is_empty()),
            ReflectKind::Map => o.underlying().and_then(|u| u.as_map().map(|m| m.is_empty())).unwrap_or(true),
            ReflectKind::Int => go_time::number(o.as_ref()) == Some(0),
            _ => false,
        },
    }
}
