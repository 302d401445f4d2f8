//! Lists as kubectl prints them, cut into items while they are read, so that a large one is never in memory as a whole.

use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use std::fmt;

use serde_json::Value;

use super::piece::Piece;
use super::piece::Pool;
use super::piece::needless;
use crate::source::FileId;
use crate::yaml;

/// A list of YAML on its way through.
#[derive(Debug, Default)]
pub struct Cutter {
    rest: Vec<u8>,
    /// Whether the items began.
    begun: bool,
}

/// A text that is no list as kubectl prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAList;

/// As much is handed over at a time, at least.
const BLOCK: usize = 8 << 20;

impl Cutter {
    /// Takes the next part of the text; gives whole items once there are enough of them.
    ///
    /// # Errors
    /// [`NotAList`] when this cannot be one.
    pub fn push(&mut self, part: &[u8]) -> Result<Option<String>, NotAList> {
        self.rest.extend_from_slice(part);
        if !self.begun && !self.begin()? {
            return Ok(None);
        }
        if self.rest.len() < BLOCK {
            return Ok(None);
        }
        let Some(last) = memchr::memmem::rfind(&self.rest, b"\n- ") else { return Ok(None) };
        let after = self.rest.split_off(last + 1);
        let block = std::mem::replace(&mut self.rest, after);
        String::from_utf8(block).map(Some).map_err(|_| NotAList)
    }

    /// The last items.
    ///
    /// # Errors
    /// [`NotAList`] when there were none, or when something follows them.
    pub fn end(mut self) -> Result<String, NotAList> {
        if !self.begun && !self.begin()? {
            return Err(NotAList);
        }
        let mut text = String::from_utf8(self.rest).map_err(|_| NotAList)?;
        let is_key = |line: &str| !matches!(line.as_bytes().first(), Some(b'-' | b' ' | b'\n' | b'\r') | None);
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            if is_key(line) {
                break;
            }
            at += line.len();
        }
        let own = |l: &str| matches!(l, "kind: List" | "metadata:" | "") || l.starts_with("  resourceVersion: ");
        if !text[at..].lines().all(own) {
            return Err(NotAList);
        }
        text.truncate(at);
        Ok(text)
    }

    fn begin(&mut self) -> Result<bool, NotAList> {
        const FIRST: &[u8] = b"\nitems:\n";
        let Some(at) = memchr::memmem::find(&self.rest, FIRST) else {
            // Only plain keys may stand before.
            return if self.rest.len() < 256 { Ok(false) } else { Err(NotAList) };
        };
        let start = at + FIRST.len();
        if self.rest.len() < start + 2 {
            return Ok(false);
        }
        let head = std::str::from_utf8(&self.rest[..start]).map_err(|_| NotAList)?;
        if !self.rest[start..].starts_with(b"- ") || !head.lines().all(|l| matches!(l, "" | "---" | "apiVersion: v1" | "items:")) {
            return Err(NotAList);
        }
        self.rest.drain(..start);
        self.begun = true;
        Ok(true)
    }
}

/// The items of a block, each from its dash on.
pub fn items(block: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = memchr::memmem::find_iter(block.as_bytes(), b"\n- ").map(|i| i + 1).collect();
    if block.starts_with("- ") {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([block.len()]);
    starts.iter().zip(ends).map(|(from, to)| &block[*from..to]).collect()
}

/// One item of a list; `None` when it is not one whole object.
pub fn item(text: &str, pool: &Pool) -> Option<Piece> {
    let own = item_text(text)?;
    let mut found = Vec::new();
    yaml::outline_each(&own, FileId::default(), &mut |parsed| found.push(object(parsed)));
    let [value] = found.as_mut_slice() else { return None };
    let mut value = value.take().filter(Value::is_object)?;
    super::cluster::name_node(&mut value);
    Some(pool.piece(value))
}

/// The text of an item as a document: without who manages which field, of which there is more than of all else, and in
/// which keys are written as they are nowhere else.
fn item_text(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    // The dash is where the item's first key is indented as the others are.
    out.push(' ');
    let (mut in_metadata, mut leaving) = (false, false);
    for line in text.strip_prefix('-')?.split_inclusive('\n') {
        let indent = line.bytes().take_while(|b| *b == b' ').count();
        let rest = &line[indent..];
        if leaving && (indent > 4 || (indent == 4 && rest.starts_with("- "))) {
            continue;
        }
        leaving = false;
        match indent {
            0 if !line.trim().is_empty() => return None,
            2 => in_metadata = rest.trim_end() == "metadata:",
            4 if in_metadata && rest.trim_end() == "managedFields:" => {
                leaving = true;
                continue;
            }
            _ => {}
        }
        out.push_str(line);
    }
    Some(out)
}

/// The object of a document, without what no prediction reads; `None` when it is not YAML.
pub fn object(parsed: yaml::Parsed<'_>) -> Option<Value> {
    if let yaml::Parsed::Outline(outline) = &parsed {
        return outline.root().map(object_of);
    }
    let document = parsed.document();
    document.root.as_ref().filter(|_| document.error.is_none()).map(|root| root.to_json())
}

/// An object, without what no prediction reads.
pub fn object_of(root: yaml::Part<'_>) -> Value {
    let is_pod = root.get("kind").and_then(yaml::Part::text).is_some_and(|kind| kind == "Pod");
    root.json(&|path, part| needless(is_pod, path, &|key| part.get(key).map(|p| p.text().unwrap_or_default())))
}

/// The objects of a JSON text, those of lists one by one.
///
/// # Errors
///
/// Text that is no JSON.
pub fn from_json(text: &[u8], pool: &Pool) -> Result<Vec<Piece>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let out = ListSeed(pool).deserialize(&mut reader)?;
    reader.end()?;
    Ok(out)
}

#[derive(Clone, Copy)]
struct ListSeed<'p>(&'p Pool);

impl<'de> DeserializeSeed<'de> for ListSeed<'_> {
    type Value = Vec<Piece>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_> {
    type Value = Vec<Piece>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut own = serde_json::Map::new();
        let mut items = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" {
                items = Some(map.next_value_seed(ItemsSeed(self.0))?);
            } else {
                own.insert(key, map.next_value()?);
            }
        }
        let is_list = own.get("kind").and_then(Value::as_str).is_some_and(|k| k.ends_with("List"));
        Ok(match items {
            Some(items) if is_list => items,
            Some(items) => {
                own.insert("items".to_owned(), super::piece::whole(&items).into());
                vec![Piece::Whole(Value::Object(own))]
            }
            None => vec![Piece::Whole(Value::Object(own))],
        })
    }
}

struct ItemsSeed<'p>(&'p Pool);

impl<'de> DeserializeSeed<'de> for ItemsSeed<'_> {
    type Value = Vec<Piece>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ItemsSeed<'_> {
    type Value = Vec<Piece>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut out = Vec::new();
        while let Some(mut item) = items.next_element::<Value>()? {
            super::cluster::name_node(&mut item);
            out.push(self.0.piece(item));
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIST: &str = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata:\n    managedFields:\n    - fieldsV1:\n        \
                        k:{\"a\":1}: {}\n    name: a\n- apiVersion: v1\n  kind: Node\n  metadata:\n    name: b\nkind: List\nmetadata:\n  \
                        resourceVersion: \"\"\n";

    fn cut(text: &str, size: usize) -> Result<String, NotAList> {
        let mut cutter = Cutter::default();
        let mut out = String::new();
        for part in text.as_bytes().chunks(size) {
            out += &cutter.push(part)?.unwrap_or_default();
        }
        Ok(out + &cutter.end()?)
    }

    #[test]
    fn lists_by_item() {
        for size in [1, 7, 1000] {
            let block = cut(LIST, size).expect("a list");
            let found = items(&block);
            assert_eq!(found.len(), 2);
            assert!(found[1].starts_with("- apiVersion: v1\n  kind: Node") && found[1].ends_with("name: b\n"));
            // As a kubelet would, nodes are labelled with their name.
            let labels = |name: &str| json!({"kubernetes.io/hostname": name});
            let node =
                |name: &str| Piece::Whole(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels(name)}}));
            assert_eq!(found.iter().map(|i| item(i, &Pool::default())).collect::<Vec<_>>(), [Some(node("a")), Some(node("b"))]);
        }
        for other in ["items: []\n", "apiVersion: v1\nitems:\n- a: 1\n---\nkind: Node\n", "kind: List\nitems:\n- a: 1\nx: 2\n"] {
            assert_eq!(cut(other, 1000), Err(NotAList), "{other}");
        }
    }

    #[test]
    fn json_lists() {
        let text = br#"{"apiVersion":"v1","kind":"List","items":[{"kind":"Service","metadata":{"managedFields":[]}}]}"#;
        let found = from_json(text, &Pool::default());
        assert_eq!(found.expect("objects"), [Piece::Whole(json!({"kind": "Service", "metadata": {}}))]);
    }
}
