//! A cursor into an object: a JSON value that remembers where it stands.

use serde_json::Value;

use crate::kube::Object;
use crate::kube::field::Path;
use crate::kube::field::Step;
use crate::source::Span;

/// A value of an object. Where it stands is looked up when somebody asks: most fields are fine, and need no path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    /// The object.
    pub(super) object: &'a Object,
    /// The value, never null; one of the values in the object.
    pub(super) value: &'a Value,
}

/// A place of an object, which need not exist.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    /// The object.
    pub(super) object: &'a Object,
    /// Where.
    pub(super) path: Path,
}

impl<'a> From<&Field<'a>> for Place<'a> {
    fn from(f: &Field<'a>) -> Self {
        Place { object: f.object, path: f.path() }
    }
}

impl<'a> From<Field<'a>> for Place<'a> {
    fn from(f: Field<'a>) -> Self {
        Place { object: f.object, path: f.path() }
    }
}

impl<'a> From<&'a Object> for Place<'a> {
    fn from(object: &'a Object) -> Self {
        Place { object, path: Path::default() }
    }
}

impl<'a> Field<'a> {
    /// The whole object.
    pub(super) fn root(object: &'a Object) -> Self {
        Field { object, value: &object.value }
    }

    /// Where it stands in its object.
    pub(super) fn path(&self) -> Path {
        let mut steps = Vec::new();
        locate(&self.object.value, self.value, &mut steps);
        steps.reverse();
        Path(steps)
    }

    /// The value below dotted names, when present and not null.
    pub(super) fn get(&self, dotted: &str) -> Option<Field<'a>> {
        let mut value = self.value;
        for name in dotted.split('.') {
            value = value.get(name)?;
        }
        (!value.is_null()).then_some(Field { object: self.object, value })
    }

    /// The value of one key of a map, which may hold dots.
    pub(super) fn key(&self, key: &str) -> Option<Field<'a>> {
        let value = self.value.get(key).filter(|v| !v.is_null())?;
        Some(Field { object: self.object, value })
    }

    /// The value of one field; unlike [`Field::get`] the name is taken as it is.
    pub(super) fn get_key(&self, name: &str) -> Option<Field<'a>> {
        if plain(name) { self.get(name) } else { self.key(name) }
    }

    /// The place below dotted names, whether or not anything is there.
    pub(super) fn place(&self, dotted: &str) -> Place<'a> {
        Place { object: self.object, path: self.path().child(dotted) }
    }

    /// The place of one key, taken as it is, whether or not anything is there.
    pub(super) fn place_key(&self, key: &str) -> Place<'a> {
        let path = if plain(key) { self.path().child(key) } else { self.path().key(key) };
        Place { object: self.object, path }
    }

    /// The items of this list; none when it is something else.
    pub(super) fn list(&self) -> Vec<Field<'a>> {
        let Value::Array(items) = self.value else { return Vec::new() };
        items.iter().map(|value| Field { object: self.object, value }).collect()
    }

    /// The items of the list below dotted names.
    pub(super) fn items(&self, dotted: &str) -> Vec<Field<'a>> {
        self.get(dotted).map(|f| f.list()).unwrap_or_default()
    }

    /// The entries of the map below dotted names.
    pub(super) fn entries(&self, dotted: &str) -> Vec<(&'a str, Field<'a>)> {
        let Some(map) = self.get(dotted) else { return Vec::new() };
        let Value::Object(entries) = map.value else { return Vec::new() };
        entries.iter().map(|(k, value)| (k.as_str(), Field { object: self.object, value })).collect()
    }

    /// This value, when it is a string.
    pub(super) fn str(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// The string below dotted names.
    pub(super) fn text(&self, dotted: &str) -> Option<&'a str> {
        self.get(dotted)?.value.as_str()
    }

    /// The integer below dotted names.
    pub(super) fn int(&self, dotted: &str) -> Option<i64> {
        self.get(dotted)?.value.as_i64()
    }

    /// The boolean below dotted names.
    pub(super) fn flag(&self, dotted: &str) -> Option<bool> {
        self.get(dotted)?.value.as_bool()
    }

    /// Whether the field below dotted names is the boolean `true`.
    pub(super) fn is_true(&self, dotted: &str) -> bool {
        self.flag(dotted) == Some(true)
    }

    /// Whether anything but null is below dotted names.
    pub(super) fn has(&self, dotted: &str) -> bool {
        self.get(dotted).is_some()
    }

    /// A scalar as text, as `kubectl` would print it.
    pub(super) fn scalar(&self) -> Option<String> {
        match self.value {
            Value::String(s) => Some(s.clone()),
            Value::Number(n) => Some(n.to_string()),
            Value::Bool(b) => Some(b.to_string()),
            _ => None,
        }
    }
}

impl Place<'_> {
    /// The source text of the place: a scalar's own, a collection's key, the nearest parent's key for what is absent.
    pub(super) fn span(&self) -> Span {
        let value = self.object.span(&self.path);
        let key = self.object.key_span(&self.path);
        let collection = self.value().is_none_or(|v| v.is_object() || v.is_array() || v.is_null());
        if collection { key } else { value }
    }

    /// What is there.
    pub(super) fn value(&self) -> Option<&Value> {
        let mut value = &self.object.value;
        for step in &self.path.0 {
            value = match step {
                Step::Field(name) | Step::Key(name) => value.get(name)?,
                Step::Index(i) => value.get(i)?,
            };
        }
        Some(value)
    }

    /// The path as users write it: `metadata.labels["app.kubernetes.io/name"]`.
    pub(super) fn spelled(&self) -> String {
        let mut out = String::new();
        for step in &self.path.0 {
            match step {
                Step::Index(i) => out.push_str(&format!("[{i}]")),
                Step::Key(key) if !plain(key) => out.push_str(&format!("[\"{key}\"]")),
                Step::Field(name) | Step::Key(name) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(name);
                }
            }
        }
        out
    }
}

fn plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Trees deeper than this are not objects of the API.
const MAX_DEPTH: usize = 500;

/// Collects the steps from `tree` to `wanted`, a value in it, the last one first.
fn locate(tree: &Value, wanted: &Value, steps: &mut Vec<Step>) -> bool {
    fn below(tree: &Value, wanted: &Value, steps: &mut Vec<Step>, depth: usize) -> bool {
        if std::ptr::eq(tree, wanted) {
            return true;
        }
        if depth > MAX_DEPTH {
            return false;
        }
        match tree {
            Value::Array(items) => items.iter().enumerate().any(|(i, item)| {
                let found = below(item, wanted, steps, depth + 1);
                if found {
                    steps.push(Step::Index(i));
                }
                found
            }),
            Value::Object(map) => map.iter().any(|(key, value)| {
                let found = below(value, wanted, steps, depth + 1);
                if found {
                    steps.push(if plain(key) { Step::Field(key.clone()) } else { Step::Key(key.clone()) });
                }
                found
            }),
            _ => false,
        }
    }
    below(tree, wanted, steps, 0)
}
