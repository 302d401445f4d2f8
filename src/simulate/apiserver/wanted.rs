//! Which parts of a value somebody looks at: of a long list only these are read.

use serde_json::Map;
use serde_json::Value;

use super::read;

/// The parts of a value that are wanted.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    /// The whole of it.
    All,
    /// These fields of an object, or of each object of a list; what is neither is wanted as it is.
    Fields(&'static [(&'static str, Wanted)]),
}

/// What is wanted of an object besides its kind.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// Of its metadata.
    pub metadata: Wanted,
    /// Of its specification.
    pub spec: Wanted,
    /// Of its status.
    pub status: Wanted,
}

impl Wanted {
    /// Nothing but whether there is an object.
    pub const NOTHING: Self = Self::Fields(&[]);

    /// Reads what is wanted of a JSON text; `null` when there is no JSON.
    pub fn read(&self, text: &[u8]) -> Value {
        match self {
            Self::Fields([]) if text.starts_with(b"{") => Value::Object(Map::new()),
            _ => read::value(text, self),
        }
    }

    /// What is wanted of a field; nothing when nothing is.
    pub fn field(&self, name: &[u8]) -> Option<&Self> {
        match self {
            Self::All => Some(self),
            Self::Fields(fields) => fields.iter().find(|(field, _)| field.as_bytes() == name).map(|(_, wanted)| wanted),
        }
    }

    /// What is wanted of a value.
    pub fn of(&self, value: &Value) -> Value {
        match (self, value) {
            (Self::Fields(fields), Value::Object(map)) => {
                fields.iter().filter_map(|(name, wanted)| Some(((*name).to_owned(), wanted.of(map.get(*name)?)))).collect()
            }
            (Self::Fields(_), Value::Array(items)) => items.iter().map(|item| self.of(item)).collect(),
            (_, other) => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Wanted::All;
    use super::Wanted::Fields;

    #[test]
    fn only_what_is_wanted_is_read() {
        let wanted = Fields(&[("a", All), ("list", Fields(&[("x", All)])), ("none", All)]);
        let value = json!({"a": {"b": [1]}, "c": 2, "list": [{"x": -1, "y": 2}, "word", {"y": null}, 1.5, true]});
        let want = json!({"a": {"b": [1]}, "list": [{"x": -1}, "word", {}, 1.5, true]});
        assert_eq!(wanted.read(value.to_string().as_bytes()), want);
        assert_eq!(wanted.of(&value), want);
        assert_eq!(wanted.read(b""), json!(null));
    }
}
