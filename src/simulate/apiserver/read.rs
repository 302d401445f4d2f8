//! Reading JSON that was written without blanks between its parts, and only what is wanted of it. What is written otherwise is
//! left to a reader of all JSON.

use std::borrow::Cow;

use serde_json::Value;

use super::Nanos;
use super::facts::Facts;
use super::facts::RARE;
use super::object::time;
use super::wanted::Wanted;
use crate::simulate::scheduler::json::int;
use crate::source::near::find;
use crate::source::near::marks;

/// What is deeper is left to the other reader, which refuses it.
const DEEP: usize = 100;

/// What is wanted of a JSON text; `null` when there is no JSON.
pub(super) fn value(text: &[u8], wanted: &Wanted) -> Value {
    let mut reader = Reader { text, at: 0 };
    match reader.value(wanted, 0) {
        Some(value) if reader.at == text.len() => value,
        _ => wanted.of(&serde_json::from_slice(text).unwrap_or_default()),
    }
}

/// Some fields of an object, `null` those it does not have.
pub(super) fn fields<const N: usize>(text: &[u8], names: [&str; N]) -> [Value; N] {
    let mut reader = Reader { text, at: 0 };
    let mut out = std::array::from_fn(|_| Value::Null);
    if reader.fields(&names, &mut out).is_some() && reader.at == text.len() {
        return out;
    }
    let whole: Value = serde_json::from_slice(text).unwrap_or_default();
    names.map(|name| whole.get(name).cloned().unwrap_or_default())
}

/// Where a field belongs among the sorted ones of an object: at the next field, or at the end. Nothing when it is there.
pub(super) fn place_of(text: &[u8], name: &str) -> Option<usize> {
    let mut reader = Reader { text, at: 0 };
    let (mut place, mut from, mut there) = (None, 1, false);
    reader.entries(|reader, key| {
        there |= key == name.as_bytes();
        if key > name.as_bytes() {
            place.get_or_insert(from);
        }
        reader.skip()?;
        // Behind the comma that follows.
        from = reader.at + 1;
        Some(())
    })?;
    (!there && reader.at == text.len()).then(|| place.unwrap_or(text.len() - 1))
}

/// What a pod's specification or status tells; nothing when it is not an object written without blanks.
pub(super) fn facts(text: &[u8]) -> Option<Facts> {
    let mut reader = Reader { text, at: 0 };
    let facts = reader.facts()?;
    (reader.at == text.len()).then_some(facts)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Passes a byte when it is there.
    fn pass(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Passes a string and returns it with its quotes, and whether it is as it is written.
    fn quoted(&mut self) -> Option<(&'a [u8], bool)> {
        let from = self.at;
        let mut plain = true;
        self.at += 1;
        loop {
            let end = |eight| marks(eight, b'"') | marks(eight, b'\\');
            self.at = find(self.text, self.at, end, |b| matches!(b, b'"' | b'\\'));
            if *self.text.get(self.at)? == b'"' {
                self.at += 1;
                return Some((self.text.get(from..self.at)?, plain));
            }
            plain = false;
            self.at += 2;
        }
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let (quoted, plain) = self.quoted()?;
        if plain {
            return std::str::from_utf8(quoted.get(1..quoted.len() - 1)?).ok().map(Cow::Borrowed);
        }
        serde_json::from_slice(quoted).ok().map(Cow::Owned)
    }

    /// A string as bytes, which are not looked at further.
    fn key(&mut self) -> Option<Cow<'a, [u8]>> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let (quoted, plain) = self.quoted()?;
        if plain {
            return quoted.get(1..quoted.len() - 1).map(Cow::Borrowed);
        }
        serde_json::from_slice::<String>(quoted).ok().map(|key| Cow::Owned(key.into_bytes()))
    }

    fn literal(&mut self, text: &'static str, value: Value) -> Option<Value> {
        self.text.get(self.at..)?.starts_with(text.as_bytes()).then(|| {
            self.at += text.len();
            value
        })
    }

    fn number(&mut self) -> Option<Value> {
        /// So many digits fit.
        const SHORT: usize = 18;
        let rest = self.text.get(self.at..)?;
        let length = rest.iter().position(|b| matches!(b, b',' | b']' | b'}')).unwrap_or(rest.len());
        let written = rest.get(..length)?;
        self.at += length;
        if written.len() <= SHORT && written.first() != Some(&b'0') && written.iter().all(u8::is_ascii_digit) && !written.is_empty() {
            return Some(written.iter().fold(0_u64, |n, b| n * 10 + u64::from(b - b'0')).into());
        }
        serde_json::from_slice::<serde_json::Number>(written).ok().map(Value::Number)
    }

    fn value(&mut self, wanted: &Wanted, depth: usize) -> Option<Value> {
        if depth > DEEP {
            return None;
        }
        match self.peek()? {
            b'"' => self.string().map(|s| Value::String(s.into_owned())),
            b'{' => {
                let mut entries: Vec<(String, Value)> = Vec::new();
                self.entries(|reader, key| match wanted.field(key) {
                    Some(wanted) => {
                        let key = std::str::from_utf8(key).ok()?.to_owned();
                        entries.push((key, reader.value(wanted, depth + 1)?));
                        Some(())
                    }
                    None => reader.skip(),
                })?;
                Some(Value::Object(entries.into_iter().collect()))
            }
            b'[' => {
                let mut items = Vec::new();
                self.items(|reader| {
                    items.push(reader.value(wanted, depth + 1)?);
                    Some(())
                })?;
                Some(Value::Array(items))
            }
            b't' => self.literal("true", true.into()),
            b'f' => self.literal("false", false.into()),
            b'n' => self.literal("null", Value::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => None,
        }
    }

    fn fields(&mut self, names: &[&str], out: &mut [Value]) -> Option<()> {
        self.entries(|reader, key| match names.iter().position(|name| name.as_bytes() == key).and_then(|i| out.get_mut(i)) {
            Some(slot) => reader.value(&Wanted::All, 0).map(|value| *slot = value),
            None => reader.skip(),
        })
    }

    /// Goes through the entries of an object; `see` passes the value of each key.
    fn entries(&mut self, mut see: impl FnMut(&mut Self, &[u8]) -> Option<()>) -> Option<()> {
        if !self.pass(b'{') {
            return None;
        }
        if self.pass(b'}') {
            return Some(());
        }
        loop {
            let key = self.key()?;
            if !self.pass(b':') {
                return None;
            }
            see(self, &key)?;
            if self.pass(b'}') {
                return Some(());
            }
            if !self.pass(b',') {
                return None;
            }
        }
    }

    /// Passes a value; the text when it is a string.
    fn word(&mut self) -> Option<String> {
        match self.peek()? {
            b'"' => self.string().map(Cow::into_owned),
            _ => self.skip().map(|()| String::new()),
        }
    }

    fn facts(&mut self) -> Option<Facts> {
        let mut out = Facts::default();
        self.entries(|reader, key| {
            match key {
                b"nodeName" => {
                    let from = reader.at;
                    out.node = reader.word()?;
                    out.node_at = Some((from, reader.at));
                }
                b"phase" => out.phase = reader.word()?,
                b"podIP" => out.address = reader.word()?,
                b"terminationGracePeriodSeconds" => out.grace = int(&reader.value(&Wanted::All, 0)?, &[]),
                b"conditions" if reader.peek()? == b'[' => out.ready = reader.ready()?,
                b"containerStatuses" if reader.peek()? == b'[' => out.restarts.0 = reader.restarts(&mut out.running.1)?,
                b"initContainerStatuses" if reader.peek()? == b'[' => out.restarts.1 = reader.restarts(&mut out.running.0)?,
                b"ephemeralContainerStatuses" if reader.peek()? == b'[' => drop(reader.restarts(&mut out.running.2)?),
                other => {
                    out.rare |= RARE.iter().any(|name| name.as_bytes() == other);
                    reader.skip()?;
                }
            }
            Some(())
        })?;
        Some(out)
    }

    /// Goes through the items of a list; `see` passes each.
    fn items(&mut self, mut see: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if !self.pass(b'[') {
            return None;
        }
        if self.pass(b']') {
            return Some(());
        }
        loop {
            see(self)?;
            if self.pass(b']') {
                return Some(());
            }
            if !self.pass(b',') {
                return None;
            }
        }
    }

    /// Passes a list of the states of containers; the most restarts among them, and those that run.
    fn restarts(&mut self, running: &mut Vec<String>) -> Option<i64> {
        let mut most: Option<i64> = None;
        self.items(|reader| {
            let (mut count, mut name, mut runs) = (0, String::new(), false);
            if reader.peek()? == b'{' {
                reader.entries(|reader, key| {
                    match key {
                        b"restartCount" => count = int(&reader.value(&Wanted::All, 0)?, &[]).unwrap_or(0),
                        b"name" => name = reader.word()?,
                        b"state" if reader.peek()? == b'{' => reader.entries(|reader, key| {
                            runs |= key == b"running" && reader.peek()? == b'{';
                            reader.skip()
                        })?,
                        _ => reader.skip()?,
                    }
                    Some(())
                })?;
            } else {
                reader.skip()?;
            }
            most = most.max(Some(count));
            if runs {
                running.push(name);
            }
            Some(())
        })?;
        Some(most.unwrap_or(0))
    }

    /// Passes a list of conditions; since when the first about readiness is true.
    #[allow(clippy::option_option)]
    fn ready(&mut self) -> Option<Option<Nanos>> {
        let mut found: Option<Option<Nanos>> = None;
        self.items(|reader| {
            if reader.peek()? != b'{' {
                return reader.skip();
            }
            let (mut about, mut holds, mut since) = (false, false, None);
            reader.entries(|reader, key| {
                let text = reader.peek()? == b'"';
                match key {
                    b"type" if text => about = reader.string()? == "Ready",
                    b"status" if text => holds = reader.string()? == "True",
                    b"lastTransitionTime" => since = time(&reader.value(&Wanted::All, 0)?),
                    _ => reader.skip()?,
                }
                Some(())
            })?;
            if about {
                found.get_or_insert(holds.then_some(since.unwrap_or(0)));
            }
            Some(())
        })?;
        Some(found.flatten())
    }

    /// Passes a value.
    fn skip(&mut self) -> Option<()> {
        let text = self.text;
        let (mut at, mut depth) = (self.at, 0_usize);
        loop {
            match *text.get(at)? {
                b'"' => {
                    self.at = at;
                    self.quoted()?;
                    at = self.at;
                }
                b'{' | b'[' => {
                    depth += 1;
                    at += 1;
                    continue;
                }
                // The end of what this value stands in: it was a number or a word.
                b'}' | b']' if depth == 0 => break,
                b'}' | b']' => {
                    depth -= 1;
                    at += 1;
                }
                b',' if depth == 0 => break,
                _ => {
                    at += 1;
                    continue;
                }
            }
            if depth == 0 {
                break;
            }
        }
        self.at = at;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Wanted::All;
    use super::*;

    #[test]
    fn texts_are_read_as_by_the_other_reader() {
        let values = [
            json!({"a": [1, -2, 0, 1.5, 1e30, true, false, null, "x\"\\\n\u{1}é", [], {}, [[]], {"b": {"c": "d"}}], "b": 18_446_744_073_709_551_615_u64}),
            json!("word"),
            json!(12),
            json!(null),
            json!({}),
            json!({"k\"ey": {"}": "]{[", "n": -9_223_372_036_854_775_808_i64}, "z": 0}),
        ];
        for value in values {
            let compact = value.to_string();
            assert_eq!(super::value(compact.as_bytes(), &All), value);
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            assert_eq!(super::value(pretty.as_bytes(), &All), value);
            let [z, none] = super::fields(compact.as_bytes(), ["z", "none"]);
            assert_eq!((&z, &none), (value.get("z").unwrap_or(&Value::Null), &Value::Null));
        }
        for wrong in ["", "{", "{\"a\"}", "{\"a\":1,}", "[1 2]", "{\"a\":01}", "nul", "\"\\", "[1]x", "{\"a\":{\"b\":}", "-"] {
            let want: Value = serde_json::from_str(wrong).unwrap_or_default();
            assert_eq!(super::value(wrong.as_bytes(), &All), want, "{wrong}");
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert_eq!(super::value(deep.as_bytes(), &All), Value::Null);
    }
}
