//! JSON as Go writes it, indented: the fields of structs in their order, the keys of maps in that of bytes.

use serde_json::Value;

use crate::kube::apply::Place;
use crate::value::json;

/// So many blanks a level.
const INDENT: usize = 4;
/// What is deeper is not written; JSON is not read to this depth either.
const DEEP: usize = 500;

/// The text of a value; `place` is where it stands among the API's types when Go has it as a struct.
pub(super) fn pretty(value: &Value, place: Option<Place>) -> String {
    inside(value, place, 0)
}

/// What [`pretty`] wrote, on one line.
pub(super) fn compact(pretty: &str) -> String {
    let mut out = String::with_capacity(pretty.len());
    for line in pretty.lines().map(str::trim_start) {
        // A key ends at the first quote that nothing escapes.
        let key = line.strip_prefix('"').and_then(|rest| {
            let mut escaped = false;
            let end = rest.bytes().position(|b| {
                let ends = b == b'"' && !escaped;
                escaped = b == b'\\' && !escaped;
                ends
            })?;
            rest.get(end + 1..)?.starts_with(": ").then_some(end + 2)
        });
        match key {
            Some(end) => {
                out.push_str(&line[..end]);
                out.push(':');
                out.push_str(&line[end + 2..]);
            }
            None => out.push_str(line),
        }
    }
    out
}

/// As [`pretty`], of a value that stands some levels deep.
pub(super) fn inside(value: &Value, place: Option<Place>, level: usize) -> String {
    let mut out = Vec::with_capacity(4096);
    write(&mut out, value, place, level, 0);
    String::from_utf8(out).unwrap_or_default()
}

/// The entries of an object in the order of its struct; others follow in their own.
pub(super) fn in_order<'a>(map: &'a serde_json::Map<String, Value>, names: &[&str]) -> Vec<(&'a String, &'a Value)> {
    let mut out: Vec<(&String, &Value)> = names.iter().filter_map(|name| map.get_key_value(*name)).collect();
    out.extend(map.iter().filter(|(key, _)| !names.contains(&key.as_str())));
    out
}

fn string(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|b| (b' '..0x7F).contains(&b) && !matches!(b, b'"' | b'\\' | b'<' | b'>' | b'&')) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        json::write_string(text.as_bytes(), true, out);
    }
}

fn line(out: &mut Vec<u8>, level: usize) {
    out.push(b'\n');
    out.resize(out.len() + level * INDENT, b' ');
}

fn write(out: &mut Vec<u8>, value: &Value, place: Option<Place>, level: usize, depth: usize) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        Value::Number(n) if n.is_f64() => {
            let written = n.as_f64().and_then(|f| json::number(f).ok()).unwrap_or_else(|| n.to_string());
            out.extend_from_slice(written.as_bytes());
        }
        Value::Number(n) => out.extend_from_slice(n.to_string().as_bytes()),
        Value::String(s) => string(out, s),
        Value::Array(items) if items.is_empty() => out.extend_from_slice(b"[]"),
        Value::Object(map) if map.is_empty() => out.extend_from_slice(b"{}"),
        _ if depth > DEEP => out.extend_from_slice(b"null"),
        Value::Array(items) => {
            let below = place.map(Place::item);
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                line(out, level + 1);
                write(out, item, below, level + 1, depth + 1);
            }
            line(out, level);
            out.push(b']');
        }
        Value::Object(map) => {
            let mut one = |i: usize, key: &str, value: &Value| {
                out.push(if i == 0 { b'{' } else { b',' });
                line(out, level + 1);
                string(out, key);
                out.extend_from_slice(b": ");
                write(out, value, place.map(|p| p.below(key)), level + 1, depth + 1);
            };
            match place {
                None => map.iter().enumerate().for_each(|(i, (key, value))| one(i, key, value)),
                Some(p) => in_order(map, &p.names()).into_iter().enumerate().for_each(|(i, (key, value))| one(i, key, value)),
            }
            line(out, level);
            out.push(b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn structs_keep_their_order_and_maps_are_sorted() {
        let value = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"b": "<", "a": "1"}, "name": "p"}, "x": 1e30});
        let sorted = "{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"Pod\",\n    \"metadata\": {\n        \"labels\": {\n            \"a\": \"1\",\n            \"b\": \"\\u003c\"\n        },\n        \"name\": \"p\"\n    },\n    \"x\": 1e+30\n}";
        assert_eq!(pretty(&value, None), sorted);
        let typed = "{\n    \"kind\": \"Pod\",\n    \"apiVersion\": \"v1\",\n    \"metadata\": {\n        \"name\": \"p\",\n        \"labels\": {\n            \"a\": \"1\",\n            \"b\": \"\\u003c\"\n        }\n    },\n    \"x\": 1e+30\n}";
        assert_eq!(pretty(&value, Some(Place::root(&value))), typed);
        assert_eq!(inside(&json!({"a": [{}]}), None, 1), "{\n        \"a\": [\n            {}\n        ]\n    }");
    }
}
