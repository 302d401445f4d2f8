//! Values at run time. JSON data is borrowed and converted piece by piece, as far as an expression looks.
//! upstream: cel-go common/types, apiserver pkg/cel/common/valuesunstructured.go

use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;

use serde_json::Value as Json;

use super::decl::{Decl, DeclKind, ListKind, escape, unescape};
use super::library::Opaque;
use super::time::Stamp;

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fail {
    /// An error with its sentence.
    Message(String),
    /// The run-time cost limit was reached.
    Cost,
}

impl Fail {
    /// An error.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }

    /// The sentence.
    pub fn text(&self) -> &str {
        match self {
            Self::Message(text) => text,
            Self::Cost => "operation cancelled: actual cost limit exceeded",
        }
    }
}

/// A value or why there is none.
pub type Out<'a> = Result<Val<'a>, Fail>;

/// A string of the data or one made.
#[derive(Clone, Debug)]
pub enum Text<'a> {
    /// Borrowed.
    Ref(&'a str),
    /// Made.
    Own(Rc<str>),
}

impl Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        match self {
            Self::Ref(s) => s,
            Self::Own(s) => s,
        }
    }
}

/// Fields that are computed when asked for.
pub trait Fields<'a> {
    /// The value of a field; `None` when there is none such.
    fn get(&self, name: &str) -> Option<Out<'a>>;
}

/// A list.
#[derive(Clone)]
pub enum List<'a> {
    /// Made by an expression.
    Own(Rc<Vec<Val<'a>>>, &'a ListKind),
    /// Data.
    Json(&'a [Json], &'a Decl, &'a ListKind),
}

/// A map or an object.
#[derive(Clone)]
pub enum Map<'a> {
    /// Made by an expression.
    Own(Rc<Vec<(Val<'a>, Val<'a>)>>),
    /// Data.
    Json(&'a serde_json::Map<String, Json>, &'a Decl),
    /// Computed on demand.
    Lazy(Rc<dyn Fields<'a> + 'a>),
}

/// A value.
#[derive(Clone)]
pub enum Val<'a> {
    /// `null`
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `uint`
    Uint(u64),
    /// `double`
    Double(f64),
    /// `string`
    Str(Text<'a>),
    /// `bytes`
    Bytes(Rc<[u8]>),
    /// `timestamp`
    Timestamp(Stamp),
    /// `duration`, in nanoseconds.
    Duration(i64),
    /// A list.
    List(List<'a>),
    /// A map.
    Map(Map<'a>),
    /// A type, by its name.
    Type(Rc<str>),
    /// An optional value.
    Optional(Option<Rc<Val<'a>>>),
    /// A value of Kubernetes' libraries.
    Opaque(Rc<Opaque>),
    /// An object made by an expression: its type and fields.
    Object(Rc<str>, Rc<BTreeMap<String, Val<'a>>>),
    /// Data no schema describes.
    Preserved(&'a Json),
}

/// Lists made by expressions compare in order.
pub(super) static ATOMIC: ListKind = ListKind::Atomic;

impl std::fmt::Debug for Val<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.type_name(), self.to_json())
    }
}

impl<'a> List<'a> {
    /// The number of items.
    pub fn len(&self) -> usize {
        match self {
            Self::Own(items, _) => items.len(),
            Self::Json(items, ..) => items.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An item.
    pub fn get(&self, i: usize) -> Option<Out<'a>> {
        match self {
            Self::Own(items, _) => items.get(i).cloned().map(Ok),
            Self::Json(items, decl, _) => items.get(i).map(|item| Val::of(item, decl)),
        }
    }

    /// All items.
    pub fn items(&self) -> Result<Vec<Val<'a>>, Fail> {
        (0..self.len()).filter_map(|i| self.get(i)).collect()
    }

    fn kind(&self) -> &'a ListKind {
        match self {
            Self::Own(_, kind) | Self::Json(_, _, kind) => kind,
        }
    }

    /// `self + other`; sets and keyed lists merge.
    pub fn concat(&self, other: &Self) -> Result<Self, Fail> {
        let mut items = self.items()?;
        match self.kind() {
            ListKind::Atomic => items.extend(other.items()?),
            ListKind::Set => {
                for item in other.items()? {
                    if !items.iter().any(|i| i.equal(&item).unwrap_or(false)) {
                        items.push(item);
                    }
                }
            }
            ListKind::MapBy(keys) => {
                for item in other.items()? {
                    let key = map_key(&item, keys);
                    match items.iter().position(|i| map_key(i, keys) == key) {
                        Some(at) => items[at] = item,
                        None => items.push(item),
                    }
                }
            }
        }
        Ok(Self::Own(Rc::new(items), self.kind()))
    }

    fn equal(&self, other: &Self) -> Result<bool, Fail> {
        if self.len() != other.len() {
            return Ok(false);
        }
        let (a, b) = (self.items()?, other.items()?);
        match self.kind() {
            ListKind::Atomic => {
                for (a, b) in a.iter().zip(&b) {
                    if !a.equal(b)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            ListKind::Set => Ok(b.iter().all(|b| a.iter().any(|a| a.equal(b).unwrap_or(false)))),
            ListKind::MapBy(keys) => {
                for b in &b {
                    let key = map_key(b, keys);
                    match a.iter().find(|a| map_key(a, keys) == key) {
                        Some(a) if a.equal(b)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }
        }
    }
}

fn map_key(item: &Val<'_>, keys: &[String]) -> Vec<String> {
    let Val::Map(map) = item else { return Vec::new() };
    let field = |k: &String| match map.find(&Val::text(k.clone())) {
        Ok(Some(v)) => v.to_json().to_string(),
        _ => String::new(),
    };
    keys.iter().map(field).collect()
}

impl<'a> Map<'a> {
    /// The number of entries.
    pub fn len(&self) -> usize {
        match self {
            Self::Own(entries) => entries.len(),
            Self::Json(map, _) => map.len(),
            Self::Lazy(_) => 0,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key; an error when keys of its type cannot be.
    pub fn find(&self, key: &Val<'a>) -> Result<Option<Val<'a>>, Fail> {
        match self {
            Self::Own(entries) => Ok(entries.iter().find(|(k, _)| k.same_key(key)).map(|(_, v)| v.clone())),
            Self::Lazy(fields) => match key {
                Val::Str(name) => fields.get(name).transpose(),
                _ => Ok(None),
            },
            Self::Json(map, decl) => {
                let Val::Str(name) = key else {
                    return if matches!(decl.kind, DeclKind::Dynamic) { Ok(None) } else { Err(Fail::new("no such overload")) };
                };
                match &decl.kind {
                    DeclKind::Object(fields) => {
                        let Some(field) = fields.get(&**name) else { return Ok(None) };
                        match map.get(&field.json) {
                            None | Some(Json::Null) => Ok(None),
                            Some(v) => Val::of(v, &field.decl).map(Some),
                        }
                    }
                    DeclKind::Map(value) => map.get(&**name).map(|v| Val::of(v, value)).transpose(),
                    _ => map.get(&**name).map(|v| Val::of(v, Decl::dynamic())).transpose(),
                }
            }
        }
    }

    /// The keys; of objects, the declared ones that are present, as expressions name them.
    pub fn keys(&self) -> Vec<Val<'a>> {
        match self {
            Self::Own(entries) => entries.iter().map(|(k, _)| k.clone()).collect(),
            Self::Lazy(_) => Vec::new(),
            Self::Json(map, decl) => match &decl.kind {
                DeclKind::Object(fields) => {
                    let declared = |k: &&String| fields.values().any(|f| f.json == **k);
                    map.keys().filter(declared).map(|k| Val::text(escape(k).unwrap_or_else(|| k.clone()))).collect()
                }
                _ => map.keys().map(|k| Val::Str(Text::Ref(k))).collect(),
            },
        }
    }

    fn equal(&self, other: &Self) -> Result<bool, Fail> {
        if self.len() != other.len() {
            return Ok(false);
        }
        for key in self.keys() {
            let (a, b) = (self.find(&key)?, other.find(&key)?);
            match (a, b) {
                (Some(a), Some(b)) if a.equal(&b)? => {}
                (None, None) => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }
}

impl<'a> Val<'a> {
    /// A string that was made.
    pub fn text(s: impl Into<Rc<str>>) -> Self {
        Self::Str(Text::Own(s.into()))
    }

    /// A list that was made.
    pub fn list(items: Vec<Val<'a>>) -> Self {
        Self::List(List::Own(Rc::new(items), &ATOMIC))
    }

    /// A map that was made.
    pub fn map(entries: Vec<(Val<'a>, Val<'a>)>) -> Self {
        Self::Map(Map::Own(Rc::new(entries)))
    }

    /// An optional.
    pub fn some(v: Val<'a>) -> Self {
        Self::Optional(Some(Rc::new(v)))
    }

    /// The value of data of a declared type.
    pub fn of(json: &'a Json, decl: &'a Decl) -> Out<'a> {
        let wrong = |want: &str| Err(Fail::new(format!("invalid data, expected {want}, got {}", go_type(json))));
        if json.is_null() && !matches!(decl.kind, DeclKind::Dynamic | DeclKind::Preserved) {
            return if decl.nullable { Ok(Self::Null) } else { Err(Fail::new("invalid data, got null for schema with nullable=false")) };
        }
        match &decl.kind {
            DeclKind::Dynamic => Ok(match json {
                Json::Null => Self::Null,
                Json::Bool(b) => Self::Bool(*b),
                Json::Number(n) => n.as_i64().map_or_else(|| Self::Double(n.as_f64().unwrap_or_default()), Self::Int),
                Json::String(s) => Self::Str(Text::Ref(s)),
                Json::Array(items) => Self::List(List::Json(items, decl, &ATOMIC)),
                Json::Object(map) => Self::Map(Map::Json(map, decl)),
            }),
            DeclKind::IntOrString => match json {
                Json::String(s) => Ok(Self::Str(Text::Ref(s))),
                Json::Number(n) if n.is_i64() => Ok(Self::Int(n.as_i64().unwrap_or_default())),
                _ => Err(Fail::new("invalid data, expected XIntOrString value to be either a string or integer")),
            },
            DeclKind::Preserved => Ok(Self::Preserved(json)),
            DeclKind::Bool => json.as_bool().map_or_else(|| wrong("bool"), |b| Ok(Self::Bool(b))),
            DeclKind::Int => json.as_i64().map_or_else(|| wrong("int"), |i| Ok(Self::Int(i))),
            DeclKind::Double => json.as_f64().map_or_else(|| wrong("float"), |d| Ok(Self::Double(d))),
            DeclKind::Str => json.as_str().map_or_else(|| wrong("string"), |s| Ok(Self::Str(Text::Ref(s)))),
            DeclKind::Bytes => match json.as_str() {
                Some(s) => match data_encoding::BASE64.decode(s.as_bytes()) {
                    Ok(bytes) => Ok(Self::Bytes(bytes.into())),
                    Err(e) => Err(Fail::new(format!("Invalid byte formatted string {s}: {e}"))),
                },
                None => wrong("string"),
            },
            DeclKind::Timestamp(date) => match json.as_str() {
                Some(s) => {
                    let stamp = if *date { Stamp::parse(&format!("{s}T00:00:00Z")) } else { Stamp::parse_loose(s) };
                    stamp.map(Self::Timestamp).ok_or_else(|| Fail::new(format!("Invalid date-time formatted string {s}")))
                }
                None => wrong("string"),
            },
            DeclKind::Duration => match json.as_str() {
                Some(s) => super::time::parse_loose_duration(s)
                    .map(Self::Duration)
                    .ok_or_else(|| Fail::new(format!("Invalid duration {s}: unable to parse {s} as duration"))),
                None => wrong("string"),
            },
            DeclKind::List(item, kind) => match json {
                Json::Array(items) => Ok(Self::List(List::Json(items, item, kind))),
                _ => Err(Fail::new("invalid data, expected an array for the provided schema with type=array")),
            },
            DeclKind::Map(_) | DeclKind::Object(_) => match json {
                Json::Object(map) => Ok(Self::Map(Map::Json(map, decl))),
                _ => Err(Fail::new("invalid data, expected a map for the provided schema with type=object")),
            },
        }
    }

    /// The name of its type at run time.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::Str(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Type(_) => "type",
            Self::Optional(_) => "optional_type",
            Self::Opaque(o) => o.type_name(),
            Self::Object(name, _) => name,
            Self::Preserved(_) => "unknown",
        }
    }

    /// Whether two values are equal; numbers compare across types.
    pub fn equal(&self, other: &Self) -> Result<bool, Fail> {
        Ok(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => **a == **b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::List(a), Self::List(b)) => a.equal(b)?,
            (Self::Map(a), Self::Map(b)) => a.equal(b)?,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Optional(a), Self::Optional(b)) => match (a, b) {
                (None, None) => true,
                (Some(a), Some(b)) => a.equal(b)?,
                _ => false,
            },
            (Self::Opaque(a), Self::Opaque(b)) => a == b,
            (Self::Object(an, af), Self::Object(bn, bf)) => {
                an == bn && af.len() == bf.len() && af.iter().all(|(k, v)| bf.get(k).is_some_and(|o| v.equal(o).unwrap_or(false)))
            }
            (Self::Preserved(a), other) => **a == other.to_json(),
            (Self::Int(_) | Self::Uint(_) | Self::Double(_), Self::Int(_) | Self::Uint(_) | Self::Double(_)) => {
                self.compare(other).ok() == Some(std::cmp::Ordering::Equal)
            }
            // Data of a declared list or map cannot be compared with other kinds of values.
            (Self::List(List::Json(_, d, _)) | Self::Map(Map::Json(_, d)), _) if !matches!(d.kind, DeclKind::Dynamic) => {
                return Err(Fail::new("no such overload"));
            }
            _ => false,
        })
    }

    fn same_key(&self, key: &Self) -> bool {
        self.equal(key).unwrap_or(false)
    }

    /// The order of two values.
    pub fn compare(&self, other: &Self) -> Result<std::cmp::Ordering, Fail> {
        use std::cmp::Ordering;
        let float = |a: f64, b: f64| a.partial_cmp(&b).ok_or_else(|| Fail::new("NaN values cannot be ordered"));
        let wide = |a: i128, b: f64| -> Result<Ordering, Fail> {
            if b.is_nan() {
                return Err(Fail::new("NaN values cannot be ordered"));
            }
            if b >= 1.9e19 {
                return Ok(Ordering::Less);
            }
            if b <= -9.3e18 {
                return Ok(Ordering::Greater);
            }
            float(a as f64, b)
        };
        Ok(match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Uint(a), Self::Uint(b)) => a.cmp(b),
            (Self::Double(a), Self::Double(b)) => float(*a, *b)?,
            (Self::Int(a), Self::Uint(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Self::Uint(a), Self::Int(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Self::Int(a), Self::Double(b)) => wide(i128::from(*a), *b)?,
            (Self::Uint(a), Self::Double(b)) => wide(i128::from(*a), *b)?,
            (Self::Double(a), Self::Int(b)) => wide(i128::from(*b), *a)?.reverse(),
            (Self::Double(a), Self::Uint(b)) => wide(i128::from(*b), *a)?.reverse(),
            (Self::Str(a), Self::Str(b)) => (**a).cmp(&**b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Timestamp(a), Self::Timestamp(b)) => a.cmp(b),
            (Self::Duration(a), Self::Duration(b)) => a.cmp(b),
            _ => return Err(Fail::new("no such overload")),
        })
    }

    /// What `size()` says; `None` for values without size.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Str(s) => Some(s.chars().count() as u64),
            Self::Bytes(b) => Some(b.len() as u64),
            Self::List(l) => Some(l.len() as u64),
            Self::Map(m) => Some(m.len() as u64),
            Self::Opaque(o) => o.size(),
            _ => None,
        }
    }

    /// The size that costs are counted by.
    pub fn cost_size(&self) -> u64 {
        match self {
            Self::Optional(Some(v)) => v.cost_size(),
            other => other.size().unwrap_or(1),
        }
    }

    /// The value as JSON, as results are shown and patched into objects.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(b) => (*b).into(),
            Self::Int(i) => (*i).into(),
            Self::Uint(u) => (*u).into(),
            Self::Double(d) => serde_json::Number::from_f64(*d).map_or(Json::Null, Json::Number),
            Self::Str(s) => Json::String((**s).to_owned()),
            Self::Bytes(b) => Json::String(data_encoding::BASE64.encode(b)),
            Self::Timestamp(t) => Json::String(t.to_string()),
            Self::Duration(d) => Json::String(super::time::duration_seconds(*d)),
            Self::List(l) => Json::Array(l.items().unwrap_or_default().iter().map(Self::to_json).collect()),
            Self::Map(Map::Json(map, _)) => Json::Object((*map).clone()),
            Self::Map(m) => {
                let entry = |k: &Val<'a>| Some((k.key_text(), m.find(k).ok()??.to_json()));
                Json::Object(m.keys().iter().filter_map(entry).collect())
            }
            Self::Type(name) => Json::String(name.to_string()),
            Self::Optional(v) => v.as_ref().map_or(Json::Null, |v| v.to_json()),
            Self::Opaque(o) => Json::String(o.show()),
            Self::Object(_, fields) => {
                Json::Object(fields.iter().map(|(k, v)| (unescape(k).unwrap_or_else(|| k.clone()), v.to_json())).collect())
            }
            Self::Preserved(json) => (*json).clone(),
        }
    }

    /// A map key as text.
    pub fn key_text(&self) -> String {
        match self.to_json() {
            Json::String(s) => s,
            other => other.to_string(),
        }
    }

    /// As `'%s'.format([value])` writes it; the error says which values it cannot write.
    pub fn format_string(&self) -> Result<String, String> {
        super::format::string(self)
    }

    /// As Go prints the value in error sentences (`%v`).
    pub fn shown(&self) -> String {
        match self {
            Self::Double(d) => crate::value::float_text(*d),
            other => other.key_text(),
        }
    }
}

fn go_type(json: &Json) -> &'static str {
    match json {
        Json::Null => "<nil>",
        Json::Bool(_) => "bool",
        Json::Number(n) if n.is_i64() => "int64",
        Json::Number(_) => "float64",
        Json::String(_) => "string",
        Json::Array(_) => "[]interface {}",
        Json::Object(_) => "map[string]interface {}",
    }
}
