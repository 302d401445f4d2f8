//! JSON that copies share, and that is read from its text when somebody looks at it first.

use std::ops::Deref;
use std::ops::DerefMut;
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use serde_json::Value;

use super::Nanos;
use super::facts;
use super::facts::Facts;
use super::mould::Cast;
use super::read;
use super::tally::Tally;
use super::wanted::Wanted;

/// A value, or the text of one that nobody has looked at.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    value: OnceLock<Value>,
    text: Option<(Arc<Vec<u8>>, Range<usize>)>,
    /// Where among the same bytes it stands what the text tells.
    kept: Option<Range<usize>>,
    /// Since when it says that a pod is ready, once that was asked.
    ready: OnceLock<Option<Nanos>>,
    /// What a text tells that nobody has looked at as a whole.
    facts: OnceLock<Facts>,
    /// What was written of a value, and at which byte of it the node of a pod belongs.
    written: OnceLock<(Vec<u8>, Option<usize>)>,
    /// What it was before a pod got its node, or what others of its text look at.
    base: OnceLock<Shared>,
    /// What it has in common with others.
    cast: OnceLock<Cast>,
    /// What it tells as the status of a Deployment or ReplicaSet; a whole one may be all there is of it.
    tally: OnceLock<Tally>,
}

static NULL: Value = Value::Null;

/// The field of a pod's node.
const NODE: &str = "nodeName";

impl Shared {
    /// The value whose text stands at a place; `null` when there is no JSON.
    pub fn of_text(bytes: &Arc<Vec<u8>>, place: Range<usize>) -> Self {
        Self(Arc::new(Inner { text: Some((Arc::clone(bytes), place)), ..Inner::default() }))
    }

    /// As [`Shared::of_text`]; what the text tells stands at another place, as [`Shared::keep_facts`] wrote it.
    pub fn of_text_and_facts(bytes: &Arc<Vec<u8>>, place: Range<usize>, facts: Range<usize>) -> Self {
        Self(Arc::new(Inner { text: Some((Arc::clone(bytes), place)), kept: Some(facts), ..Inner::default() }))
    }

    /// Writes what its text tells.
    pub fn keep_facts(&self, out: &mut Vec<u8>) {
        // Where a node stands is known of a text only.
        let placed = || self.value().is_some_and(|value| value.get(NODE).is_some());
        match self.0.facts.get() {
            Some(known) if self.text().is_some() || !placed() => {
                debug_assert_eq!(*known, Facts::read(self.to_text()));
                known.keep(out);
            }
            _ => Facts::read(self.to_text()).keep(out),
        }
    }

    /// The value of a text that is JSON.
    pub fn from_text(text: Vec<u8>) -> Self {
        let place = 0..text.len();
        Self::of_text(&Arc::new(text), place)
    }

    /// A text from a mould, and what it tells.
    pub(super) fn of_mould(text: Vec<u8>, facts: Facts, cast: Cast) -> Self {
        let place = 0..text.len();
        let (text, facts, cast) = (Some((Arc::new(text), place)), OnceLock::from(facts), OnceLock::from(cast));
        Self(Arc::new(Inner { text, facts, cast, ..Inner::default() }))
    }

    /// A value that others are made after.
    pub(super) fn cast_as(value: Value, cast: Cast) -> Self {
        let facts = OnceLock::from(Facts::of(&value));
        Self(Arc::new(Inner { value: OnceLock::from(value), facts, cast: OnceLock::from(cast), ..Inner::default() }))
    }

    /// A status.
    pub fn of_tally(tally: Tally) -> Self {
        Self(Arc::new(Inner { tally: OnceLock::from(tally.whole()), ..Inner::default() }))
    }

    /// What it tells as the status of a Deployment or ReplicaSet.
    pub fn tally(&self) -> &Tally {
        self.0.tally.get_or_init(|| Tally::of(self))
    }

    /// The tally that tells all of it, when somebody has counted.
    fn whole_tally(&self) -> Option<&Tally> {
        self.0.tally.get().filter(|tally| tally.is_whole())
    }

    /// The value, when it was looked at or never was a text.
    fn value(&self) -> Option<&Value> {
        match (self.0.value.get(), self.text(), self.whole_tally()) {
            (None, None, Some(tally)) => Some(self.0.value.get_or_init(|| tally.to_value())),
            (known, ..) => known,
        }
    }

    /// The text it was read from; nothing once it has changed.
    pub fn text(&self) -> Option<&[u8]> {
        let (bytes, place) = self.0.text.as_ref()?;
        bytes.get(place.clone())
    }

    /// Its text and, of a pod's specification without a node, where that belongs.
    fn writing(&self) -> &(Vec<u8>, Option<usize>) {
        self.0.written.get_or_init(|| {
            // Writing to memory does not fail.
            let text = match (self.text(), self.whole_tally()) {
                (Some(text), _) => text.to_vec(),
                (None, Some(tally)) => tally.to_text(),
                (None, None) => serde_json::to_vec(&**self).unwrap_or_default(),
            };
            let place = read::place_of(&text, NODE);
            (text, place)
        })
    }

    /// Its text as the state keeps it.
    pub fn to_text(&self) -> &[u8] {
        self.text().unwrap_or_else(|| &self.writing().0)
    }

    /// The specification of a pod once it has a node: nothing when it has one already, or is no object.
    #[must_use]
    pub fn placed(&self, node: &str) -> Option<Self> {
        let (own, place) = self.writing();
        let (head, tail) = own.split_at_checked((*place)?)?;
        let entry = format!("\"{NODE}\":{}", Value::from(node));
        let (before, after) = match (head.ends_with(b"{"), tail.starts_with(b"}")) {
            (true, true) => ("", ""),
            (false, true) => (",", ""),
            (_, false) => ("", ","),
        };
        let text = [head, before.as_bytes(), entry.as_bytes(), after.as_bytes(), tail].concat();
        let from = head.len() + before.len() + NODE.len() + 3;
        let node_at = Some((from, from + entry.len() - NODE.len() - 3));
        let own = self.facts().cloned().unwrap_or_else(|| self.0.facts.get_or_init(|| Facts::of(self)).clone());
        let facts = Facts { node: node.to_owned(), node_at, ..own };
        let range = 0..text.len();
        let (text, facts) = (Some((Arc::new(text), range)), OnceLock::from(facts));
        Some(Self(Arc::new(Inner { text, facts, base: OnceLock::from(self.before_placed().clone()), ..Inner::default() })))
    }

    /// The specification of a pod before it got its node, which those of a template share; itself when nobody knows.
    pub fn before_placed(&self) -> &Self {
        self.0.base.get().unwrap_or(self)
    }

    /// Its text before and behind the node of a pod, when nobody knows yet what others have the same.
    pub(super) fn unknown(&self) -> Option<(&[u8], &[u8])> {
        if self.0.base.get().is_some() || self.0.cast.get().is_some() {
            return None;
        }
        self.around_node().or_else(|| Some((self.text()?, &[])))
    }

    /// Another one of the same text.
    pub(super) fn again(&self) -> Self {
        Self(Arc::new(Inner { text: self.0.text.clone(), kept: self.0.kept.clone(), ..Inner::default() }))
    }

    /// From now on a specification is looked at there: it says the same but for the node.
    pub(super) fn look_at(&self, base: &Self) {
        let _ = self.0.base.set(base.clone());
    }

    /// From now on it is of a kind.
    pub(super) fn join(&self, cast: Cast) {
        let _ = self.0.cast.set(cast);
    }

    /// What it has in common with others, and the words in it that are its own.
    pub(super) fn cast(&self) -> Option<&Cast> {
        self.0.cast.get()
    }

    /// A number that only those have that are one, as long as one of them is there.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// The value as one's own. What nobody has looked at is read for this alone, not kept.
    pub fn read(&self) -> Value {
        match (self.value(), self.text()) {
            (Some(value), _) => value.clone(),
            (None, Some(text)) => Wanted::All.read(text),
            (None, None) => Value::Null,
        }
    }

    /// Parts of the value as one's own. What nobody has looked at is read for this alone, and the rest of it passed over.
    pub fn parts(&self, wanted: &Wanted) -> Value {
        match (self.value(), self.text()) {
            (Some(value), _) => wanted.of(value),
            (None, Some(text)) => self.told(wanted).unwrap_or_else(|| wanted.read(text)),
            (None, None) => Value::Null,
        }
    }

    /// Parts of the value, when what it tells of a pod is enough for them.
    fn told(&self, wanted: &Wanted) -> Option<Value> {
        const TOLD: [&str; 2] = ["nodeName", "phase"];
        let Wanted::Fields(fields) = wanted else { return None };
        let is_object = self.text().is_some_and(|text| text.starts_with(b"{"));
        if fields.is_empty() || !is_object || !fields.iter().all(|(field, _)| TOLD.contains(field) || facts::RARE.contains(field)) {
            return None;
        }
        let facts = self.facts()?;
        let mut out = serde_json::Map::new();
        for (field, _) in *fields {
            match (*field, &facts.node, &facts.phase) {
                // An empty one may be absent.
                ("nodeName", word, _) | ("phase", _, word) if !word.is_empty() => {
                    drop(out.insert((*field).to_owned(), word.as_str().into()));
                }
                ("nodeName" | "phase", ..) => return None,
                _ if facts.rare => return None,
                _ => {}
            }
        }
        Some(Value::Object(out))
    }

    /// What it tells of a pod, kept for the next who asks; nothing when there is nothing.
    pub fn facts(&self) -> Option<&Facts> {
        if let Some(known) = self.0.facts.get() {
            return Some(known);
        }
        match (self.text(), self.value()) {
            (Some(text), _) => Some(self.0.facts.get_or_init(|| {
                let Some(kept) = self.kept_facts() else { return Facts::read(text) };
                debug_assert_eq!(kept, Facts::read(text));
                kept
            })),
            (None, Some(value)) => Some(self.0.facts.get_or_init(|| Facts::of(value))),
            (None, None) => None,
        }
    }

    /// What was kept of its text.
    fn kept_facts(&self) -> Option<Facts> {
        let (bytes, _) = self.0.text.as_ref()?;
        Facts::kept(bytes.get(self.0.kept.clone()?)?)
    }

    /// Whether there is nothing; told without reading it.
    pub fn is_absent(&self) -> bool {
        match (self.0.value.get(), self.text()) {
            (Some(value), _) => value.is_null(),
            (None, Some(text)) => text == b"null",
            (None, None) => self.whole_tally().is_none(),
        }
    }

    /// Some fields of an object, `null` those it does not have. Of what nobody has looked at the rest is passed over.
    pub fn fields<const N: usize>(&self, names: [&str; N]) -> [Value; N] {
        match (self.value(), self.text()) {
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
        inner.written = OnceLock::new();
        inner.tally = OnceLock::new();
        (inner.base, inner.cast, inner.kept) = (OnceLock::new(), OnceLock::new(), None);
        if inner.value.get().is_none() {
            inner.value = OnceLock::from(Value::Null);
        }
        inner.value.get_mut().expect("it is there, or was put there just now")
    }

    /// The value, taken out.
    pub fn into_value(self) -> Value {
        match Arc::try_unwrap(self.0) {
            Ok(inner) if inner.text.is_none() && inner.value.get().is_some() => inner.value.into_inner().unwrap_or_default(),
            Ok(inner) => Value::clone(&Self(Arc::new(inner))),
            Err(inner) => Value::clone(&Self(inner)),
        }
    }

    /// What `ready` tells of the value: since when the pod of this status is ready. Controllers ask that of every pod at
    /// every turn, so the answer is kept until the value changes.
    pub fn ready_since(&self, ready: impl FnOnce() -> Option<Nanos>) -> Option<Nanos> {
        *self.0.ready.get_or_init(ready)
    }

    /// What stands before and behind the node in its text.
    fn around_node(&self) -> Option<(&[u8], &[u8])> {
        let ((from, to), text) = (self.facts()?.node_at?, self.text()?);
        Some((text.get(..from)?, text.get(to..)?))
    }

    /// Whether two specifications of pods differ in the node only.
    pub fn is_same_elsewhere(&self, other: &Self) -> bool {
        let (a, b) = (self.before_placed(), other.before_placed());
        if Self::ptr_eq(a, b) {
            return true;
        }
        if let (Some(a), Some(b)) = (a.around_node(), b.around_node()) {
            return a == b;
        }
        match (a.as_object(), b.as_object()) {
            (Some(a), Some(b)) => a.iter().filter(|(key, _)| *key != NODE).eq(b.iter().filter(|(key, _)| *key != NODE)),
            _ => false,
        }
    }

    /// Whether two are one.
    pub fn ptr_eq(a: &Self, b: &Self) -> bool {
        Arc::ptr_eq(&a.0, &b.0)
    }
}

impl Deref for Shared {
    type Target = Value;

    fn deref(&self) -> &Value {
        match (self.value(), self.text()) {
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
        let written = |one: &Self| one.text().is_some() || one.0.written.get().is_some();
        let read = |one: &Self| one.0.value.get().is_some();
        if Self::ptr_eq(self, other) {
            return true;
        }
        if let (Some(one), Some(other)) = (self.whole_tally(), other.whole_tally()) {
            return one == other;
        }
        // Of equal values the same is written, and to write is less than to read.
        if !(written(self) && written(other)) && read(self) && read(other) { **self == **other } else { self.to_text() == other.to_text() }
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
    fn parts_are_told_as_they_are_read() {
        const ALL: Wanted = Wanted::All;
        let wanted = [
            Wanted::Fields(&[("nodeName", ALL), ("volumes", ALL)]),
            Wanted::Fields(&[("phase", ALL)]),
            Wanted::Fields(&[("nodeName", ALL), ("containers", ALL)]),
            Wanted::Fields(&[]),
        ];
        for text in [
            r#"{"containers":[],"nodeName":"n-1"}"#,
            r#"{"containers":[],"nodeName":"n-1","volumes":[{"name":"a"}]}"#,
            r#"{"nodeName":""}"#,
            r#"{"nodeName":5,"phase":"Running"}"#,
            r#"{"phase":"Running"}"#,
            "{}",
            "null",
        ] {
            for wanted in &wanted {
                assert_eq!(Shared::from_text(text.into()).parts(wanted), wanted.read(text.as_bytes()), "{text} {wanted:?}");
            }
        }
    }

    #[test]
    fn a_pod_that_gets_a_node_says_so() {
        for (value, rare) in [
            (json!({"containers": [{"nodeName": "no"}], "volumes": [], "terminationGracePeriodSeconds": 5}), true),
            (json!({"containers": [1]}), false),
            (json!({"restartPolicy": "Always"}), false),
            (json!({}), false),
        ] {
            let base = Shared::from(value.clone());
            let mut placed = value;
            placed["nodeName"] = "n-1".into();
            let other = base.placed("node-2").expect("an object without a node");
            let one = base.placed("n-1").expect("an object without a node");
            assert_eq!(one.text(), Some(placed.to_string().as_bytes()));
            assert_eq!(*one, placed);
            let facts = one.facts().expect("known");
            assert_eq!((facts.node.as_str(), facts.rare), ("n-1", rare));
            assert_eq!(facts, &Facts::read(placed.to_string().as_bytes()));
            assert!(one != other && one.is_same_elsewhere(&other) && one.placed("x").is_none());
            let apart = |shared: &Shared| Shared::from(Value::clone(shared));
            assert!(apart(&one).is_same_elsewhere(&apart(&other)) && apart(&one).is_same_elsewhere(&other));
            let text = |shared: &Shared| Shared::of_text(&Arc::new(shared.to_text().to_vec()), 0..shared.to_text().len());
            assert!(text(&one).is_same_elsewhere(&text(&other)) && text(&one) == one && text(&one) != other);
            let longer = Shared::from(json!({"containers": [2], "nodeName": "n-1"}));
            assert!(!longer.is_same_elsewhere(&one) && !text(&longer).is_same_elsewhere(&text(&one)));
        }
        assert!(Shared::from(json!({"nodeName": ""})).placed("n").is_none());
        assert!(Shared::default().placed("n").is_none());
    }

    #[test]
    fn a_tally_is_the_status_it_tells() {
        let status = json!({"conditions": [{"type": "A"}], "replicas": 3});
        let told = || Shared::of_tally(Tally::of(&status));
        assert!(!told().is_absent() && told().facts().is_some());
        assert_eq!((told().read(), told().parts(&Wanted::All), told().into_value()), (status.clone(), status.clone(), status.clone()));
        assert_eq!(told().fields(["replicas", "x"]), [json!(3), Value::Null]);
        assert_eq!(told().to_text(), status.to_string().as_bytes());
        assert_eq!(told(), Shared::from(status.clone()));
        assert_eq!(told(), Shared::from_text(status.to_string().into()));
        assert!(told() == told() && told() != Shared::of_tally(Tally::default()) && told() != Shared::default());
        let mut changed = told();
        changed.make_mut()["replicas"] = 4.into();
        assert_eq!((changed.tally().get(super::super::Count::Replicas), changed["replicas"].as_i64()), (4, Some(4)));
        assert!(changed != told());
        // Of what is no status nothing is told, and it stays what it is.
        let nothing = Shared::default();
        assert!(!nothing.tally().is_whole() && nothing.is_absent() && nothing.is_null());
    }

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
