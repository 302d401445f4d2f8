//! Which part of an old object a part of the new one came from, so that what did not change is not refused.
//! upstream: apiserver pkg/cel/common/equality.go

use serde_json::Value;

use super::crd_schema::{additional, items, property, word};

/// A value, its predecessor and their schema.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Correlation<'a> {
    /// The new value.
    pub(crate) new: &'a Value,
    /// The old value.
    pub(crate) old: &'a Value,
    schema: &'a Value,
}

/// The old item with the keys of `item` in a keyed list.
pub(crate) fn keyed<'a>(old: &'a Value, item: &Value, schema: &Value) -> Option<&'a Value> {
    if word(schema, "x-kubernetes-list-type") != "map" {
        return None;
    }
    let keys: Vec<&str> = schema.get("x-kubernetes-list-map-keys")?.as_array()?.iter().filter_map(Value::as_str).collect();
    old.as_array()?.iter().find(|o| keys.iter().all(|k| o.get(k) == item.get(k)))
}

impl<'a> Correlation<'a> {
    /// The pair of an update.
    pub(crate) fn new(new: &'a Value, old: &'a Value, schema: &'a Value) -> Self {
        Self { new, old, schema }
    }

    /// The pair below a key.
    pub(crate) fn key(&self, key: &str) -> Option<Self> {
        let (new, old) = (self.new.as_object()?.get(key)?, self.old.as_object()?.get(key)?);
        let schema = property(self.schema, key).or_else(|| additional(self.schema))?;
        Some(Self { new, old, schema })
    }

    /// The pair of an item; only lists with keys have them.
    pub(crate) fn index(&self, i: usize) -> Option<Self> {
        let new = self.new.as_array()?.get(i)?;
        let old = keyed(self.old, new, self.schema)?;
        Some(Self { new, old, schema: items(self.schema)? })
    }

    /// Whether nothing changed.
    pub(crate) fn unchanged(&self) -> bool {
        match (self.new, self.old) {
            (Value::Array(new), Value::Array(old)) => {
                if new.len() != old.len() {
                    return false;
                }
                if word(self.schema, "x-kubernetes-list-type") != "map" {
                    return new == old;
                }
                (0..new.len()).all(|i| self.index(i).is_some_and(|c| c.unchanged()))
            }
            (Value::Object(new), Value::Object(old)) => {
                new.len() == old.len() && new.keys().all(|k| self.key(k).is_some_and(|c| c.unchanged()))
            }
            (new, old) => new == old,
        }
    }
}
