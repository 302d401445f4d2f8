//! JSON that copies share, and that is read from its text when somebody looks at it first.

use std::ops::Deref;
use std::ops::DerefMut;
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use serde_json::Value;

use super::Nanos;
use super::facts::Facts;
use super::read;
use super::wanted::Wanted;

/// A value, or the text of one that nobody has looked at.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    value: OnceLock<Value>,
    text: Option<(Arc<Vec<u8>>, Range<usize>)>,
    /// Since when it says that a pod is ready, once that was asked.
    ready: OnceLock<Option<Nanos>>,
    /// What a text tells that nobody has looked at as a whole.
    facts: OnceLock<Facts>,
}

static NULL: Value = Value::Null;

impl Shared {
    /// The value whose text stands at a place; `null` when there is no JSON.
    pub fn of_text(bytes: &Arc<Vec<u8>>, place: Range<usize>) -> Self {
        Self(Arc::new(Inner { text: Some((Arc::clone(bytes), place)), ..Inner::default() }))
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
            (None, Some(text)) => Wanted::All.read(text),
            (None, None) => Value::Null,
        }
    }

    /// Parts of the value as one's own. What nobody has looked at is read for this alone, and the rest of it passed over.
    pub fn parts(&self, wanted: &Wanted) -> Value {
        match (self.0.value.get(), self.text()) {
            (Some(value), _) => wanted.of(value),
            (None, Some(text)) => wanted.read(text),
            (None, None) => Value::Null,
        }
    }

    /// What it tells of a pod, kept for the next who asks; nothing once somebody has looked at the whole.
    pub fn facts(&self) -> Option<&Facts> {
        match (self.0.value.get(), self.text()) {
            (None, Some(text)) => Some(self.0.facts.get_or_init(|| Facts::read(text))),
            _ => None,
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
            (None, Some(text)) => read::fields(text, names),
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
        inner.facts = OnceLock::new();
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
    pub fn ready_since(&self, ready: impl FnOnce() -> Option<Nanos>) -> Option<Nanos> {
        *self.0.ready.get_or_init(ready)
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
            (None, Some(text)) => self.0.value.get_or_init(|| Wanted::All.read(text)),
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
