//! Types of expressions, how they print and when one may stand for another.
//! upstream: cel-go common/types/types.go, checker/types.go, checker/format.go

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Type {
    Dyn,
    /// What has no type because of an error.
    Error,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    Str,
    Bytes,
    Timestamp,
    Duration,
    List(Arc<Type>),
    Map(Arc<Type>, Arc<Type>),
    /// The type of a type.
    Type(Option<Arc<Type>>),
    /// A type without fields, such as `optional_type(T)`.
    Opaque(Arc<str>, Vec<Type>),
    /// A type with fields.
    Object(Arc<str>),
    /// A type parameter or a free variable.
    Param(Arc<str>),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn => f.write_str("dyn"),
            Self::Error => f.write_str("!error!"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::Str => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Type(None) => f.write_str("type"),
            Self::Type(Some(of)) => write!(f, "type({of})"),
            Self::Opaque(name, params) if params.is_empty() => f.write_str(name),
            Self::Opaque(name, params) => {
                write!(f, "{name}(")?;
                for (i, param) in params.iter().enumerate() {
                    write!(f, "{}{param}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            Self::Object(name) | Self::Param(name) => f.write_str(name),
        }
    }
}

impl Type {
    /// `list(item)`
    pub fn list(item: Type) -> Self {
        Self::List(Arc::new(item))
    }

    /// `map(key, value)`
    pub fn map(key: Type, value: Type) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    /// `optional_type(of)`
    pub fn optional(of: Type) -> Self {
        Self::Opaque("optional_type".into(), vec![of])
    }

    /// A type with fields.
    pub fn object(name: &str) -> Self {
        Self::Object(name.into())
    }

    /// What an optional holds.
    pub fn optional_of(&self) -> Option<&Type> {
        match self {
            Self::Opaque(name, params) if &**name == "optional_type" => params.first(),
            _ => None,
        }
    }

    /// The name at run time, as `type(x)` and errors show it.
    pub fn runtime_name(&self) -> &str {
        match self {
            Self::Dyn => "dyn",
            Self::Error => "error",
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::Str => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "google.protobuf.Timestamp",
            Self::Duration => "google.protobuf.Duration",
            Self::List(_) => "list",
            Self::Map(..) => "map",
            Self::Type(_) => "type",
            Self::Opaque(name, _) | Self::Object(name) | Self::Param(name) => name,
        }
    }

    fn is_dyn_or_error(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }

    /// Reads the form in which types print; single capital letters are parameters.
    pub fn parse(text: &str) -> Self {
        let inner = |prefix: &str| text.strip_prefix(prefix)?.strip_suffix(')');
        if let Some(item) = inner("list(") {
            return Self::list(Self::parse(item));
        }
        if let Some((key, value)) = inner("map(").and_then(split_params) {
            return Self::map(Self::parse(key), Self::parse(value));
        }
        if let Some(of) = inner("type(") {
            return Self::Type(Some(Arc::new(Self::parse(of))));
        }
        if let Some(of) = inner("optional_type(") {
            return Self::optional(Self::parse(of));
        }
        match text {
            "dyn" => Self::Dyn,
            "null" => Self::Null,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "uint" => Self::Uint,
            "double" => Self::Double,
            "string" => Self::Str,
            "bytes" => Self::Bytes,
            "timestamp" => Self::Timestamp,
            "duration" => Self::Duration,
            "type" => Self::Type(None),
            "net.IP" | "net.CIDR" => Self::Opaque(text.into(), Vec::new()),
            _ if text.len() == 1 => Self::Param(text.into()),
            _ => Self::object(text),
        }
    }
}

/// `K, V` at the comma outside parentheses.
fn split_params(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => return Some((&text[..i], text[i + 1..].trim_start())),
            _ => {}
        }
    }
    None
}

/// What type variables stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapping(HashMap<Arc<str>, Type>);

impl Mapping {
    /// What a variable stands for.
    pub(super) fn find(&self, t: &Type) -> Option<&Type> {
        match t {
            Type::Param(name) => self.0.get(name),
            _ => None,
        }
    }

    /// Binds a variable.
    pub(super) fn add(&mut self, t: &Type, to: Type) {
        if let Type::Param(name) = t {
            self.0.insert(Arc::clone(name), to);
        }
    }

    /// Replaces bound variables everywhere; free ones by `dyn` when asked.
    pub(super) fn substitute(&self, t: &Type, free_to_dyn: bool) -> Type {
        if let Some(found) = self.find(t) {
            return self.substitute(found, free_to_dyn);
        }
        match t {
            Type::Param(_) if free_to_dyn => Type::Dyn,
            Type::List(item) => Type::list(self.substitute(item, free_to_dyn)),
            Type::Map(key, value) => Type::map(self.substitute(key, free_to_dyn), self.substitute(value, free_to_dyn)),
            Type::Type(Some(of)) => Type::Type(Some(Arc::new(self.substitute(of, free_to_dyn)))),
            Type::Opaque(name, params) => Type::Opaque(Arc::clone(name), params.iter().map(|p| self.substitute(p, free_to_dyn)).collect()),
            _ => t.clone(),
        }
    }

    /// Whether `a` may stand for `b`; binds variables only when so.
    pub(super) fn assign(&mut self, a: &Type, b: &Type) -> bool {
        self.assign_all(std::slice::from_ref(a), std::slice::from_ref(b))
    }

    /// As [`Self::assign`], for lists of the same length.
    pub(super) fn assign_all(&mut self, a: &[Type], b: &[Type]) -> bool {
        let mut copy = self.clone();
        let ok = copy.unify_all(a, b);
        if ok {
            *self = copy;
        }
        ok
    }

    fn unify_all(&mut self, a: &[Type], b: &[Type]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.unify(a, b))
    }

    fn unify(&mut self, a: &Type, b: &Type) -> bool {
        if matches!(b, Type::Param(_)) {
            let (valid, bound) = self.valid_substitution(a, b);
            if valid {
                return true;
            }
            if bound {
                return false;
            }
        }
        if matches!(a, Type::Param(_)) {
            return self.valid_substitution(b, a).0;
        }
        if a.is_dyn_or_error() || b.is_dyn_or_error() {
            return true;
        }
        let nullable = |t: &Type| matches!(t, Type::Null | Type::Opaque(..) | Type::Object(_) | Type::Duration | Type::Timestamp);
        if *a == Type::Null {
            return nullable(b);
        }
        if *b == Type::Null {
            return nullable(a);
        }
        match (a, b) {
            (Type::Type(_), Type::Type(_)) => true,
            (Type::List(a), Type::List(b)) => self.unify(a, b),
            (Type::Map(ak, av), Type::Map(bk, bv)) => self.unify(ak, bk) && self.unify(av, bv),
            (Type::Opaque(an, ap), Type::Opaque(bn, bp)) => an == bn && self.unify_all(ap, bp),
            _ => a == b,
        }
    }

    /// Whether `t` (or what it stands for) is a valid substitution for `of`, and whether `t` is bound.
    fn valid_substitution(&mut self, of: &Type, t: &Type) -> (bool, bool) {
        if of == t {
            return (true, true);
        }
        if let Some(bound) = self.find(t).cloned() {
            if *of == bound {
                return (true, true);
            }
            if self.unify(of, &bound) {
                let general = most_general(of, &bound);
                if self.not_within(t, &general) {
                    self.add(t, general);
                }
                return (true, true);
            }
            return (false, true);
        }
        if self.not_within(t, of) {
            self.add(t, of.clone());
            return (true, false);
        }
        (false, false)
    }

    fn not_within(&self, t: &Type, within: &Type) -> bool {
        if t == within {
            return false;
        }
        match within {
            Type::Param(_) => self.find(within).is_none_or(|bound| self.not_within(t, bound)),
            Type::List(item) => self.not_within(t, item),
            Type::Map(key, value) => self.not_within(t, key) && self.not_within(t, value),
            Type::Type(Some(of)) => self.not_within(t, of),
            Type::Opaque(_, params) => params.iter().all(|p| self.not_within(t, p)),
            _ => true,
        }
    }
}

/// The more general of two types that unify.
pub(super) fn most_general(a: &Type, b: &Type) -> Type {
    if less_specific(a, b) { a.clone() } else { b.clone() }
}

fn less_specific(a: &Type, b: &Type) -> bool {
    if matches!(a, Type::Dyn | Type::Param(_)) {
        return true;
    }
    if matches!(b, Type::Dyn | Type::Param(_)) {
        return false;
    }
    match (a, b) {
        (Type::Opaque(an, ap), Type::Opaque(bn, bp)) => {
            an == bn && ap.len() == bp.len() && ap.iter().zip(bp).all(|(a, b)| less_specific(a, b))
        }
        (Type::List(a), Type::List(b)) => less_specific(a, b),
        (Type::Map(ak, av), Type::Map(bk, bv)) => less_specific(ak, bk) && less_specific(av, bv),
        (Type::Type(_), Type::Type(_)) => true,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn print_and_parse() {
        for text in ["list(map(string, list(int)))", "optional_type(map(K, V))", "type(duration)", "net.IP", "kubernetes.URL"] {
            assert_eq!(Type::parse(text).to_string(), text);
        }
    }
}
