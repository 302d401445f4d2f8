//! Declared types of data: the shape a structural schema gives to values, its largest sizes (for cost estimates), and
//! the names its fields have in expressions. upstream: apiserver pkg/cel/types.go, escaping.go, limits.go

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::LazyLock;

use super::env::Env;
use super::types::Type;

/// How a list compares and merges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// In order.
    Atomic,
    /// As a set.
    Set,
    /// By these keys of its items.
    MapBy(Vec<String>),
}

/// A field of a declared object.
#[derive(Clone, Debug)]
pub struct DeclField {
    /// Its name in JSON.
    pub json: String,
    /// Its type.
    pub decl: Arc<Decl>,
}

/// What values of a declared type are.
#[derive(Clone, Debug)]
pub enum DeclKind {
    /// As the value is.
    Dynamic,
    /// A string or an integer.
    IntOrString,
    /// Anything, opaque to expressions.
    Preserved,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `double`
    Double,
    /// `string`
    Str,
    /// `bytes`, base64 in JSON.
    Bytes,
    /// `timestamp`; the flag is set for dates without time.
    Timestamp(bool),
    /// `duration`
    Duration,
    /// A list.
    List(Arc<Decl>, ListKind),
    /// A map with string keys.
    Map(Arc<Decl>),
    /// An object with fields by escaped name; with whether it has declared properties at all.
    Object(BTreeMap<String, DeclField>),
}

/// A declared type.
#[derive(Clone, Debug)]
pub struct Decl {
    /// What it is.
    pub kind: DeclKind,
    /// Whether null is allowed.
    pub nullable: bool,
    /// The largest number of items or characters; `None` where there is no size.
    pub max: Option<u64>,
    /// The smallest size in JSON.
    pub min_size: u64,
    /// Whether expressions see it (else a value without declared type).
    pub visible: bool,
}

/// Largest request.
pub const MAX_REQUEST: u64 = 3 * 1024 * 1024;

static DYNAMIC: LazyLock<Decl> = LazyLock::new(|| Decl::new(DeclKind::Dynamic));

impl Decl {
    /// A type without size limits.
    pub fn new(kind: DeclKind) -> Self {
        Self { kind, nullable: true, max: None, min_size: 0, visible: true }
    }

    /// The type of values of which nothing is known.
    pub fn dynamic() -> &'static Self {
        &DYNAMIC
    }

    /// The type in expressions; `name` is what objects here are called.
    pub fn cel_type(&self, name: &str) -> Type {
        match &self.kind {
            DeclKind::Dynamic | DeclKind::IntOrString | DeclKind::Preserved => Type::Dyn,
            DeclKind::Bool => Type::Bool,
            DeclKind::Int => Type::Int,
            DeclKind::Double => Type::Double,
            DeclKind::Str => Type::Str,
            DeclKind::Bytes => Type::Bytes,
            DeclKind::Timestamp(_) => Type::Timestamp,
            DeclKind::Duration => Type::Duration,
            DeclKind::List(item, _) => Type::list(item.cel_type(&format!("{name}.@idx"))),
            DeclKind::Map(value) => Type::map(Type::Str, value.cel_type(&format!("{name}.@elem"))),
            DeclKind::Object(_) => Type::object(name),
        }
    }

    /// Adds the object types at and below this type to an environment.
    pub fn register(&self, name: &str, env: &mut Env) {
        match &self.kind {
            DeclKind::List(item, _) => item.register(&format!("{name}.@idx"), env),
            DeclKind::Map(value) => value.register(&format!("{name}.@elem"), env),
            DeclKind::Object(fields) => {
                let path = |field: &str| format!("{name}.{field}");
                let seen = fields.iter().filter(|(_, f)| f.decl.visible);
                env.object(name, seen.map(|(n, f)| (n.clone(), f.decl.cel_type(&path(n)))));
                let holds = |f: &&DeclField| matches!(f.decl.kind, DeclKind::List(..) | DeclKind::Map(_) | DeclKind::Object(_));
                for (field, f) in fields.iter().filter(|(_, f)| holds(f)) {
                    f.decl.register(&path(field), env);
                }
            }
            _ => {}
        }
    }

    /// The type at a path of field names, `@items`, `@values` and `@keys`.
    pub fn at<'a>(&'a self, path: &[String]) -> Option<&'a Self> {
        let Some((step, rest)) = path.split_first() else { return Some(self) };
        match (&self.kind, step.as_str()) {
            (DeclKind::List(item, _), "@items") => item.at(rest),
            (DeclKind::Map(value), "@values") => value.at(rest),
            (DeclKind::Map(_), "@keys") => key().at(rest),
            (DeclKind::Object(fields), name) => fields.get(name)?.decl.at(rest),
            _ => None,
        }
    }
}

/// The type of map keys: strings of which no size is declared, which upstream counts as empty.
fn key() -> &'static Decl {
    static KEY: LazyLock<Decl> = LazyLock::new(|| Decl { max: Some(0), min_size: 2, nullable: false, ..Decl::new(DeclKind::Str) });
    &KEY
}

const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The name of a property in expressions; `None` when it cannot be named.
pub fn escape(name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if RESERVED.contains(&name) {
        return Some(format!("__{name}__"));
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')) {
        return None;
    }
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let (text, used) = match c {
            '_' if rest.starts_with("__") => ("__underscores__", 2),
            '.' => ("__dot__", 1),
            '-' => ("__dash__", 1),
            '/' => ("__slash__", 1),
            _ => (&rest[..1], 1),
        };
        out.push_str(text);
        rest = &rest[used..];
    }
    Some(out)
}

/// The property an escaped name stands for; `None` when it is no valid escape.
pub fn unescape(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(start) = rest.find("__") {
        let after = &rest[start + 2..];
        let word = after.find('_').filter(|end| *end > 0 && after[*end..].starts_with("__")).map(|end| &after[..end]);
        out.push_str(&rest[..start]);
        let Some(word) = word else {
            out.push('_');
            rest = &rest[start + 1..];
            continue;
        };
        match word {
            "underscores" => out.push_str("__"),
            "dot" => out.push('.'),
            "dash" => out.push('-'),
            "slash" => out.push('/'),
            _ if RESERVED.contains(&word) && name.len() == word.len() + 4 => out.push_str(word),
            _ => return None,
        }
        rest = &rest[start + 4 + word.len()..];
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        for (name, escaped) in
            [("a", "a"), ("a-b", "a__dash__b"), ("a__b", "a__underscores__b"), ("in", "__in__"), ("a.b/c", "a__dot__b__slash__c")]
        {
            assert_eq!(escape(name).as_deref(), Some(escaped));
            assert_eq!(unescape(escaped).as_deref(), Some(name));
        }
        assert_eq!(escape("1a"), None);
        assert_eq!(escape("a b"), None);
        assert_eq!(unescape("_a_").as_deref(), Some("_a_"));
    }
}
