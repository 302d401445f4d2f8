//! The status of a Deployment or ReplicaSet as controllers read and write it: numbers, and the conditions beside them.

use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;

/// A number of a status, in the order of the fields' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// `availableReplicas`
    Available,
    /// `collisionCount`
    Collisions,
    /// `fullyLabeledReplicas`
    FullyLabeled,
    /// `observedGeneration`
    ObservedGeneration,
    /// `readyReplicas`
    Ready,
    /// `replicas`
    Replicas,
    /// `terminatingReplicas`
    Terminating,
    /// `unavailableReplicas`
    Unavailable,
    /// `updatedReplicas`
    Updated,
}

/// How many numbers there are.
const MANY: usize = 9;

/// The fields of the numbers.
const NAMES: [&str; MANY] = [
    "availableReplicas",
    "collisionCount",
    "fullyLabeledReplicas",
    "observedGeneration",
    "readyReplicas",
    "replicas",
    "terminatingReplicas",
    "unavailableReplicas",
    "updatedReplicas",
];

const CONDITIONS: &str = "conditions";

/// The first number behind the conditions.
const BEHIND: usize = Count::FullyLabeled as usize;

impl Count {
    /// The field's name.
    pub const fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

/// A status as numbers and conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    numbers: [Option<i64>; MANY],
    /// The conditions; each is shared until it changes.
    pub conditions: Option<Vec<Arc<Value>>>,
    /// Whether it tells all of the status it was read from.
    whole: bool,
}

impl Tally {
    /// What a status tells of it.
    pub fn of(status: &Value) -> Self {
        let mut out = Self { whole: status.is_object(), ..Self::default() };
        for (key, value) in status.as_object().into_iter().flatten() {
            match (NAMES.binary_search(&key.as_str()), value) {
                (Ok(place), _) => {
                    out.whole &= value.as_i64().is_some();
                    out.numbers[place] = value.as_i64().or_else(|| value.as_f64().map(|f| f as i64));
                }
                (Err(_), Value::Array(all)) if key == CONDITIONS => out.conditions = Some(all.iter().cloned().map(Arc::new).collect()),
                _ => out.whole = false,
            }
        }
        out
    }

    /// A number, when it is there.
    pub const fn given(&self, count: Count) -> Option<i64> {
        self.numbers[count as usize]
    }

    /// A number, 0 when absent.
    pub fn get(&self, count: Count) -> i64 {
        self.given(count).unwrap_or(0)
    }

    /// Sets a number.
    pub const fn set(&mut self, count: Count, n: i64) {
        self.numbers[count as usize] = Some(n);
    }

    /// Whether another has the same numbers, and both tell all of their status.
    pub fn counts_as(&self, other: &Self) -> bool {
        self.whole && other.whole && self.numbers == other.numbers
    }

    /// Whether it tells all of the status it was read from.
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Itself as all that a status tells.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// The conditions there are.
    pub fn conditions(&self) -> &[Arc<Value>] {
        self.conditions.as_deref().unwrap_or_default()
    }

    /// The conditions, a list when there was none.
    pub fn conditions_mut(&mut self) -> &mut Vec<Arc<Value>> {
        self.conditions.get_or_insert_default()
    }

    /// The status.
    pub fn to_value(&self) -> Value {
        let mut out = Map::new();
        for (name, n) in NAMES.iter().zip(self.numbers) {
            if let Some(n) = n {
                out.insert((*name).to_owned(), n.into());
            }
        }
        if let Some(all) = &self.conditions {
            out.insert(CONDITIONS.to_owned(), all.iter().map(|c| Value::clone(c)).collect());
        }
        Value::Object(out)
    }

    /// The text of [`Tally::to_value`].
    pub fn to_text(&self) -> Vec<u8> {
        let mut out = vec![b'{'];
        self.write_numbers(0..BEHIND, &mut out);
        if let Some(all) = &self.conditions {
            key(CONDITIONS, &mut out);
            out.push(b'[');
            for (i, condition) in all.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                // Writing to memory does not fail.
                drop(serde_json::to_writer(&mut out, &**condition));
            }
            out.push(b']');
        }
        self.write_numbers(BEHIND..MANY, &mut out);
        out.push(b'}');
        out
    }

    fn write_numbers(&self, range: std::ops::Range<usize>, out: &mut Vec<u8>) {
        for place in range {
            if let Some(n) = self.numbers[place] {
                key(NAMES[place], out);
                drop(serde_json::to_writer(&mut *out, &n));
            }
        }
    }
}

/// The key of an entry, with the comma before it.
fn key(name: &str, out: &mut Vec<u8>) {
    if out.len() > 1 {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_is_what_it_tells() {
        assert!(NAMES.is_sorted());
        let all = [
            Count::Available,
            Count::Collisions,
            Count::FullyLabeled,
            Count::ObservedGeneration,
            Count::Ready,
            Count::Replicas,
            Count::Terminating,
            Count::Unavailable,
            Count::Updated,
        ];
        assert_eq!(all.map(Count::name), NAMES);
        for status in [
            json!({}),
            json!({"conditions": []}),
            json!({"replicas": 3, "conditions": [{"type": "A\"b", "status": "True"}, 5], "availableReplicas": -1}),
            json!({"collisionCount": 1, "updatedReplicas": i64::MAX, "fullyLabeledReplicas": 0}),
        ] {
            let told = Tally::of(&status);
            assert!(told.is_whole(), "{status}");
            assert_eq!(told.to_value(), status);
            assert_eq!(String::from_utf8(told.to_text()).unwrap(), status.to_string());
        }
        for (status, replicas) in [
            (json!(null), None),
            (json!({"replicas": 2.0}), Some(2)),
            (json!({"replicas": null}), None),
            (json!({"conditions": {}}), None),
            (json!({"other": 1, "replicas": 4}), Some(4)),
        ] {
            let told = Tally::of(&status);
            assert!(!told.is_whole() && !told.counts_as(&told), "{status}");
            assert_eq!(told.given(Count::Replicas), replicas, "{status}");
        }
    }
}
