//! The value itself and its string, list and map.

use std::borrow::{Borrow, Cow};
use std::cell::{Cell, OnceCell, Ref, RefCell, RefMut};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::go_type::{GoType, IntType, ReflectKind, UintType};
use super::object::Object;
use crate::source::OriginId;

/// A Go string: bytes, usually UTF-8, cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Str(Arc<[u8]>);

impl Str {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text; bytes that are not UTF-8 become U+FFFD.
    pub fn to_str(&self) -> Cow<'_, str> {
        // Almost every text is UTF-8, and the check alone is quicker than a search for what to replace.
        std::str::from_utf8(&self.0).map_or_else(|_| String::from_utf8_lossy(&self.0), Cow::Borrowed)
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Str {
    fn from(s: &str) -> Self {
        Self(Arc::from(s.as_bytes()))
    }
}
impl From<String> for Str {
    fn from(s: String) -> Self {
        Self(Arc::from(s.into_bytes()))
    }
}
impl From<&[u8]> for Str {
    fn from(s: &[u8]) -> Self {
        Self(Arc::from(s))
    }
}
impl From<Arc<[u8]>> for Str {
    fn from(s: Arc<[u8]>) -> Self {
        Self(s)
    }
}
impl From<Vec<u8>> for Str {
    fn from(s: Vec<u8>) -> Self {
        Self(Arc::from(s))
    }
}
impl Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}
impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_str(), f)
    }
}
impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_str())
    }
}

/// A Go slice; never changed once made.
#[derive(Clone, Debug)]
pub struct List(Rc<ListInner>);

#[derive(Debug)]
struct ListInner {
    elem: GoType,
    /// Of bytes, made only when somebody asks for them one by one.
    items: OnceCell<Vec<Value>>,
    bytes: Option<Arc<[u8]>>,
    nil: bool,
}

impl List {
    /// A `[]elem` of `items`.
    pub fn new(elem: GoType, items: Vec<Value>) -> Self {
        Self(Rc::new(ListInner { elem, items: items.into(), bytes: None, nil: false }))
    }

    /// A `[]uint8`.
    pub fn of_bytes(bytes: Arc<[u8]>) -> Self {
        let elem = GoType::Uint(UintType::Uint8);
        Self(Rc::new(ListInner { elem, items: OnceCell::new(), bytes: Some(bytes), nil: false }))
    }

    /// The nil `[]elem`: empty, and `null` in JSON.
    pub fn nil(elem: GoType) -> Self {
        Self(Rc::new(ListInner { elem, items: Vec::new().into(), bytes: None, nil: true }))
    }

    /// Whether it is the nil slice.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// A `[]interface {}`.
    pub fn any(items: Vec<Value>) -> Self {
        Self::new(GoType::Any, items)
    }

    /// A `[]string`.
    pub fn strings(items: impl IntoIterator<Item = impl Into<Str>>) -> Self {
        Self::new(GoType::String, items.into_iter().map(|s| Value::from(s.into())).collect())
    }

    /// The element type.
    pub fn elem(&self) -> GoType {
        self.0.elem
    }

    /// The items.
    pub fn items(&self) -> &[Value] {
        let bytes = || self.0.bytes.iter().flat_map(|bytes| bytes.iter());
        self.0.items.get_or_init(|| bytes().map(|b| Kind::Uint(UintType::Uint8, u64::from(*b)).into()).collect())
    }

    /// The bytes of a list made with [`List::of_bytes`].
    pub fn as_bytes(&self) -> Option<&[u8]> {
        self.0.bytes.as_deref()
    }

    /// As [`List::as_bytes`], to be held by others too.
    pub(super) fn shared_bytes(&self) -> Option<Arc<[u8]>> {
        self.0.bytes.clone()
    }
}

/// A Go map with string keys, shared by all its holders, iterated in byte order of its keys.
#[derive(Clone)]
pub struct Map(Rc<MapInner>);

struct MapInner {
    elem: GoType,
    /// The name of a defined map type, such as `common.Values`.
    name: Option<&'static str>,
    nil: bool,
    /// See [`Map::watch`].
    watched: Cell<bool>,
    entries: RefCell<BTreeMap<Str, Value>>,
}

thread_local! {
    /// Whether a watched map of this thread was changed.
    static CHANGED: Cell<bool> = const { Cell::new(false) };
}

/// What `f` gives, and whether it changed a watched map of this thread. Calls may nest: a thread that waits for others may do
/// work of theirs meanwhile, and what that changes is told to who called for it.
pub fn noticing<R>(f: impl FnOnce() -> R) -> (R, bool) {
    let outer = CHANGED.replace(false);
    let out = f();
    (out, CHANGED.replace(outer))
}

/// Frees nested values without recursion: a values file may nest ten thousand lists.
fn free(mut work: Vec<Value>) {
    while let Some(value) = work.pop() {
        match value.kind {
            Kind::List(List(mut list)) => {
                if let Some(inner) = Rc::get_mut(&mut list) {
                    work.extend(inner.items.take().unwrap_or_default());
                }
            }
            Kind::Map(Map(mut map)) => {
                if let Some(inner) = Rc::get_mut(&mut map) {
                    work.extend(std::mem::take(inner.entries.get_mut()).into_values());
                }
            }
            _ => {}
        }
    }
}

fn is_nested(value: &Value) -> bool {
    matches!(value.kind, Kind::List(_) | Kind::Map(_))
}

impl Drop for ListInner {
    fn drop(&mut self) {
        if self.items.get().is_some_and(|items| items.iter().any(is_nested)) {
            free(self.items.take().unwrap_or_default());
        }
    }
}

impl Drop for MapInner {
    fn drop(&mut self) {
        let entries = self.entries.get_mut();
        if entries.values().any(is_nested) {
            free(std::mem::take(entries).into_values().collect());
        }
    }
}

impl Default for Map {
    fn default() -> Self {
        Self::new(BTreeMap::new())
    }
}

impl Map {
    /// A `map[string]interface {}`.
    pub fn new(entries: BTreeMap<Str, Value>) -> Self {
        Self::typed(GoType::Any, None, entries)
    }

    /// A map of a given element type, with the name of its defined type when it has one.
    pub fn typed(elem: GoType, name: Option<&'static str>, entries: BTreeMap<Str, Value>) -> Self {
        Self(Rc::new(MapInner { elem, name, nil: false, watched: Cell::new(false), entries: RefCell::new(entries) }))
    }

    /// The nil map of an element type: empty, and `null` in JSON.
    pub fn nil(elem: GoType) -> Self {
        Self(Rc::new(MapInner { elem, name: None, nil: true, watched: Cell::new(false), entries: RefCell::default() }))
    }

    /// Whether it is the nil map.
    pub fn is_nil(&self) -> bool {
        self.0.nil && self.is_empty()
    }

    /// The element type.
    pub fn elem(&self) -> GoType {
        self.0.elem
    }

    /// The name of its defined type.
    pub fn name(&self) -> Option<&'static str> {
        self.0.name
    }

    /// Its Go type's name.
    pub fn type_name(&self) -> String {
        self.0.name.map_or_else(|| format!("map[string]{}", self.0.elem), str::to_owned)
    }

    /// The entries, for reading. Do not hold it across a call into a template.
    pub fn borrow(&self) -> Ref<'_, BTreeMap<Str, Value>> {
        self.0.entries.borrow()
    }

    /// The entries, for writing. Do not hold it across anything else.
    pub fn borrow_mut(&self) -> RefMut<'_, BTreeMap<Str, Value>> {
        if self.0.watched.get() {
            CHANGED.set(true);
        }
        self.0.entries.borrow_mut()
    }

    /// Watches this map from now on: [`noticing`] tells of its changes.
    pub fn watch(&self) {
        self.0.watched.set(true);
    }

    /// Whether others hold it too.
    pub(super) fn is_shared(&self) -> bool {
        Rc::strong_count(&self.0) > 1
    }

    /// The value of a key.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.0.entries.borrow().get(key.as_ref()).cloned()
    }

    /// Sets a key.
    pub fn insert(&self, key: impl Into<Str>, value: Value) {
        self.borrow_mut().insert(key.into(), value);
    }

    /// Removes a key.
    pub fn remove(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.borrow_mut().remove(key.as_ref())
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.0.entries.borrow().len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are the same map in memory.
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The address, for cycle checks.
    pub fn address(&self) -> usize {
        Rc::as_ptr(&self.0).cast::<u8>() as usize
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A map may hold itself; its content is not printed.
        write!(f, "Map({} keys)", self.len())
    }
}

/// What a value is.
#[derive(Clone, Debug, Default)]
pub enum Kind {
    /// The nil interface.
    #[default]
    Nil,
    /// `bool`
    Bool(bool),
    /// `int`, `int64`, …
    Int(IntType, i64),
    /// `uint8`, …
    Uint(UintType, u64),
    /// `float64`
    Float(f64),
    /// `complex128`
    Complex(f64, f64),
    /// `string`
    Str(Str),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A struct, pointer, function or defined type with fields and methods.
    Object(Rc<dyn Object>),
}

/// A value and where it came from.
#[derive(Clone, Debug, Default)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// What supplied it; [`OriginId::NONE`] when unknown or when tracing is off.
    pub origin: OriginId,
}

impl Value {
    /// The nil interface.
    pub const NIL: Self = Self { kind: Kind::Nil, origin: OriginId::NONE };

    /// A Go `int`.
    pub fn int(v: i64) -> Self {
        Kind::Int(IntType::Int, v).into()
    }

    /// A Go `int64`.
    pub fn int64(v: i64) -> Self {
        Kind::Int(IntType::Int64, v).into()
    }

    /// An object.
    pub fn object(o: impl Object + 'static) -> Self {
        Kind::Object(Rc::new(o)).into()
    }

    /// With an origin.
    #[must_use]
    pub fn with_origin(mut self, origin: OriginId) -> Self {
        self.origin = origin;
        self
    }

    /// Whether it is the nil interface.
    pub fn is_nil(&self) -> bool {
        matches!(self.kind, Kind::Nil)
    }

    /// The string, when it is one.
    pub fn as_str(&self) -> Option<&Str> {
        match &self.kind {
            Kind::Str(s) => Some(s),
            _ => None,
        }
    }

    /// The map, when it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.kind {
            Kind::Map(m) => Some(m),
            _ => None,
        }
    }

    /// The list, when it is one.
    pub fn as_list(&self) -> Option<&List> {
        match &self.kind {
            Kind::List(l) => Some(l),
            _ => None,
        }
    }

    /// The Go type; `None` for nil.
    pub fn go_type_name(&self) -> Option<String> {
        Some(match &self.kind {
            Kind::Nil => return None,
            Kind::Bool(_) => "bool".to_owned(),
            Kind::Int(t, _) => t.name().to_owned(),
            Kind::Uint(t, _) => t.name().to_owned(),
            Kind::Float(_) => "float64".to_owned(),
            Kind::Complex(..) => "complex128".to_owned(),
            Kind::Str(_) => "string".to_owned(),
            Kind::List(l) => format!("[]{}", l.elem()),
            Kind::Map(m) => m.type_name(),
            Kind::Object(o) => o.go_type().to_string(),
        })
    }

    /// Go's reflect kind.
    pub fn reflect_kind(&self) -> ReflectKind {
        match &self.kind {
            Kind::Nil => ReflectKind::Invalid,
            Kind::Bool(_) => ReflectKind::Bool,
            Kind::Int(..) => ReflectKind::Int,
            Kind::Uint(..) => ReflectKind::Uint,
            Kind::Float(_) => ReflectKind::Float64,
            Kind::Complex(..) => ReflectKind::Complex128,
            Kind::Str(_) => ReflectKind::String,
            Kind::List(_) => ReflectKind::Slice,
            Kind::Map(_) => ReflectKind::Map,
            Kind::Object(o) => o.go_type().kind(),
        }
    }
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Self { kind, origin: OriginId::NONE }
    }
}
impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Kind::Bool(v).into()
    }
}
impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Kind::Float(v).into()
    }
}
impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Kind::Str(v.into()).into()
    }
}
impl From<String> for Value {
    fn from(v: String) -> Self {
        Kind::Str(v.into()).into()
    }
}
impl From<Str> for Value {
    fn from(v: Str) -> Self {
        Kind::Str(v).into()
    }
}
impl From<List> for Value {
    fn from(v: List) -> Self {
        Kind::List(v).into()
    }
}
impl From<Map> for Value {
    fn from(v: Map) -> Self {
        Kind::Map(v).into()
    }
}
