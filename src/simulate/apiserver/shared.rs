//! JSON that copies share, and that is read from its text when somebody looks at it first.

use std::borrow::Cow;
use std::ops::Deref;
use std::ops::DerefMut;
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde_json::Value;

use super::Nanos;

/// A value, or the text of one that nobody has looked at.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    value: OnceLock<Value>,
    text: Option<(Arc<Vec<u8>>, Range<usize>)>,
    /// Since when it says that a pod is ready, once that was asked.
    ready: OnceLock<Option<Nanos>>,
}

static NULL: Value = Value::Null;

/// Reads the fields of these names and passes over the others.
struct Fields<'a, const N: usize> {
    names: [&'a str; N],
    out: &'a mut [Value; N],
}

impl<'de, const N: usize> DeserializeSeed<'de> for Fields<'_, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Fields<'_, N> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match self.names.iter().position(|name| *name == key) {
                Some(i) => self.out[i] = map.next_value()?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl Shared {
    /// The value whose text stands at a place; `null` when there is no JSON.
    pub fn of_text(bytes: &Arc<Vec<u8>>, place: Range<usize>) -> Self {
        Self(Arc::new(Inner { value: OnceLock::new(), text: Some((Arc::clone(bytes), place)), ..Inner::default() }))
    }

    /// The text it was read from; nothing once it has changed.
    pub fn text(&self) -> Option<&[u8]> {
        let (bytes, place) = self.0.text.as_ref()?;
        bytes.get(place.clone())
    }

    /// The value as one's own. What nobody has looked at is read for this alone, not kept.
    pub fn read(&self) -> Value {
        match (self.0.value.get(), self.text()) {
            (Some(value), _) => value.clone(),
            (None, Some(text)) => serde_json::from_slice(text).unwrap_or_default(),
            (None, None) => Value::Null,
        }
    }

    /// Whether there is nothing; told without reading it.
    pub fn is_absent(&self) -> bool {
        match (self.0.value.get(), self.text()) {
            (Some(value), _) => value.is_null(),
            (None, Some(text)) => text == b"null",
            (None, None) => true,
        }
    }

    /// Some fields of an object, `null` those it does not have. Of what nobody has looked at the rest is passed over.
    pub fn fields<const N: usize>(&self, names: [&str; N]) -> [Value; N] {
        match (self.0.value.get(), self.text()) {
            (Some(value), _) => names.map(|name| value.get(name).cloned().unwrap_or_default()),
            (None, Some(text)) => {
                let mut out = std::array::from_fn(|_| Value::Null);
                // What is no object has no fields.
                drop(Fields { names, out: &mut out }.deserialize(&mut serde_json::Deserializer::from_slice(text)));
                out
            }
            (None, None) => std::array::from_fn(|_| Value::Null),
        }
    }

    /// The value, to change it.
    pub fn make_mut(&mut self) -> &mut Value {
        let _read = self.is_null();
        if Arc::get_mut(&mut self.0).is_none() {
            *self = Self::from(Value::clone(self));
        }
        let inner = Arc::get_mut(&mut self.0).expect("nobody shares what was made just now");
        inner.text = None;
        inner.ready = OnceLock::new();
        if inner.value.get().is_none() {
            inner.value = OnceLock::from(Value::Null);
        }
        inner.value.get_mut().expect("it is there, or was put there just now")
    }

    /// The value, taken out.
    pub fn into_value(self) -> Value {
        match Arc::try_unwrap(self.0) {
            Ok(inner) if inner.text.is_none() => inner.value.into_inner().unwrap_or_default(),
            Ok(inner) => Value::clone(&Self(Arc::new(inner))),
            Err(inner) => Value::clone(&Self(inner)),
        }
    }

    /// What `ready` tells of the value: since when the pod of this status is ready. Controllers ask that of every pod at
    /// every turn, so the answer is kept until the value changes.
    pub fn ready_since(&self, ready: impl FnOnce(&Value) -> Option<Nanos>) -> Option<Nanos> {
        *self.0.ready.get_or_init(|| ready(self))
    }

    /// Whether two are one.
    pub fn ptr_eq(a: &Self, b: &Self) -> bool {
        Arc::ptr_eq(&a.0, &b.0)
    }
}

impl Deref for Shared {
    type Target = Value;

    fn deref(&self) -> &Value {
        match (self.0.value.get(), self.text()) {
            (Some(value), _) => value,
            (None, Some(text)) => self.0.value.get_or_init(|| serde_json::from_slice(text).unwrap_or_default()),
            (None, None) => &NULL,
        }
    }
}

impl DerefMut for Shared {
    fn deref_mut(&mut self) -> &mut Value {
        self.make_mut()
    }
}

impl From<Value> for Shared {
    fn from(value: Value) -> Self {
        Self(Arc::new(Inner { value: OnceLock::from(value), ..Inner::default() }))
    }
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Self::ptr_eq(self, other) || self.text().is_some_and(|t| other.text() == Some(t)) || **self == **other
    }
}

impl PartialEq<Value> for Shared {
    fn eq(&self, other: &Value) -> bool {
        **self == *other
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_read_once_and_lost_by_a_change() {
        let bytes = Arc::new(b"x{\"a\":1}x".to_vec());
        let one = Shared::of_text(&bytes, 1..8);
        assert_eq!(one.fields(["b", "a"]), [Value::Null, json!(1)]);
        assert_eq!(one.read(), json!({"a": 1}));
        let mut other = one.clone();
        assert_eq!(one["a"], 1);
        assert!(one.text().is_some());
        other["a"] = 2.into();
        assert!(other.text().is_none());
        assert_eq!((one.into_value(), other.into_value()), (json!({"a": 1}), json!({"a": 2})));
        let mut nothing = Shared::default();
        assert!(nothing.is_null());
        nothing.make_mut()["b"] = 1.into();
        assert_eq!(nothing, json!({"b": 1}));
    }
}
