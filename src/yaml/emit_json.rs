//! JSON to YAML text, byte for byte as sigs.k8s.io/yaml writes it, without a value in between.

use serde_json::Value;

use super::go_syntax::float_shortest;
use super::scalar_text::{Context, Dialect, Text, key_through_json, through_json};
use super::sort::sort_by_key;
use crate::value::json;

/// JSON is read to this depth only.
const MAX_DEPTH: usize = 10_000;

/// As `yaml.Marshal` of sigs.k8s.io/yaml, with a newline at the end.
///
/// # Errors
///
/// What Go says of a value that cannot be written.
pub fn json_to_yaml(value: &Value) -> Result<Vec<u8>, String> {
    let mut text = Text::new(Dialect::V2);
    node(&mut text, value, -1, Context::Root, 0)?;
    text.finish();
    Ok(text.out)
}

fn number(n: &serde_json::Number) -> Result<String, String> {
    if let Some(i) = n.as_i64() {
        return Ok(i.to_string());
    }
    let f = n.as_f64().unwrap_or(0.0);
    let text = json::number(f).map_err(|e| format!("error marshaling into JSON: {e}"))?;
    match text.as_str() {
        "-0" => Ok("0".to_owned()),
        _ if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() => Ok(text),
        _ => Ok(float_shortest(f)),
    }
}

/// Whether a text is surely written as it is: a word without blanks that begins with a letter and is none of those that mean
/// something else, or an amount such as `50m`.
fn is_word(text: &str) -> bool {
    /// The longest word that means something else is `false`; the longest key that needs no mark is longer than these.
    const LONGEST_OTHER: usize = 5;
    const LONGEST: usize = 100;
    let bytes = text.as_bytes();
    let Some((first, last)) = bytes.first().zip(bytes.last()) else { return false };
    if bytes.len() > LONGEST {
        return false;
    }
    if first.is_ascii_alphabetic() {
        let other = bytes.len() <= LONGEST_OTHER && matches!(first, b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O');
        return !other && *last != b':' && bytes.iter().all(u8::is_ascii_graphic);
    }
    // No number has such a letter at its end.
    let digits = bytes.split_last().is_some_and(|(_, rest)| rest.iter().all(u8::is_ascii_digit));
    let binary =
        || bytes.split_last_chunk().is_some_and(|(rest, end)| matches!(end, b"Ki" | b"Mi" | b"Gi") && rest.iter().all(u8::is_ascii_digit));
    first.is_ascii_digit() && (digits && matches!(last, b'm' | b'k' | b'M' | b'G' | b's') || binary())
}

/// Whether a text is surely a time such as `2026-01-01T00:00:00Z`, which is quoted.
fn is_time(text: &str) -> bool {
    let Ok([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'Z']) =
        <&[u8; 20]>::try_from(text.as_bytes())
    else {
        return false;
    };
    let two = |a: &u8, b: &u8| (a.is_ascii_digit() && b.is_ascii_digit()).then(|| (a - b'0') * 10 + (b - b'0'));
    let within = |n: Option<u8>, from: u8, to: u8| n.is_some_and(|n| (from..=to).contains(&n));
    two(y1, y2).is_some()
        && two(y3, y4).is_some()
        && within(two(m1, m2), 1, 12)
        // Every month has so many days.
        && within(two(d1, d2), 1, 28)
        && within(two(h1, h2), 0, 23)
        && within(two(n1, n2), 0, 59)
        && within(two(s1, s2), 0, 59)
}

fn node(out: &mut Text, value: &Value, indent: i32, context: Context, depth: usize) -> Result<(), String> {
    if depth >= MAX_DEPTH {
        return Err(format!("yaml: exceeded max depth of {MAX_DEPTH}"));
    }
    let inner = if indent < 0 { 2 } else { indent + 2 };
    match value {
        Value::Null => out.plain(b"null", inner, context),
        Value::Bool(b) => out.plain(if *b { b"true" } else { b"false" }, inner, context),
        Value::Number(n) => out.plain(number(n)?.as_bytes(), inner, context),
        Value::String(s) => {
            if is_word(s) {
                out.plain(s.as_bytes(), inner, context);
            } else if is_time(s) {
                out.indicator(b"\"", true, false, false);
                out.indicator(s.as_bytes(), false, false, false);
                out.indicator(b"\"", false, false, false);
            } else {
                let text = through_json(s.as_bytes().into())?;
                out.string(&text, inner, context)?;
            }
        }
        Value::Array(items) if items.is_empty() => {
            out.indicator(b"[", true, true, false);
            out.indicator(b"]", false, false, false);
        }
        Value::Array(items) => {
            let indentless = context == Context::Mapping && !out.indention();
            let indent = if indent < 0 { 0 } else { indent + if indentless { 0 } else { 2 } };
            for item in items {
                out.write_indent(indent);
                out.indicator(b"-", true, false, true);
                node(out, item, indent, Context::Sequence, depth + 1)?;
            }
        }
        Value::Object(map) if map.is_empty() => {
            out.indicator(b"{", true, true, false);
            out.indicator(b"}", false, false, false);
        }
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            sort_by_key(&mut entries, |entry| entry.0.as_bytes(), Dialect::V2);
            let indent = if indent < 0 { 0 } else { indent + 2 };
            for (key, value) in entries {
                out.write_indent(indent);
                if is_word(key) {
                    out.plain(key.as_bytes(), indent + 2, Context::Key);
                    out.indicator(b":", false, false, false);
                    node(out, value, indent, Context::Mapping, depth + 1)?;
                    continue;
                }
                let key = key_through_json(key.as_bytes().into())?;
                let simple = out.is_simple_key(&key);
                if !simple {
                    out.indicator(b"?", true, false, true);
                }
                out.string(&key, indent + 2, if simple { Context::Key } else { Context::Mapping })?;
                if simple {
                    out.indicator(b":", false, false, false);
                } else {
                    out.write_indent(indent);
                    out.indicator(b":", true, false, true);
                }
                node(out, value, indent, Context::Mapping, depth + 1)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn it_writes_what_the_value_would_be_written_as() {
        for value in [
            json!({"b": [1, -2.5, 1e30, {"x": []}, [["y"]]], "a10": "yes", "a9": {}, "z": null, "t": true, "n": "12", "é": "x: y\nz\n"}),
            json!([]),
            json!("a"),
            json!(["50m", "5", "1k", "0x1M", "64Mi", "1e5", "1_000m", "12:30:45s", "2026-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
                "2026-01-01T24:00:00Z", "a:", "a: b", "a #b", "a#b", "a,b", "a]", "a{", "x@sha256:ab", "http://x/y?z=1&b=2", "m", "s", "0m", "00Ki", "Mi", "é",
                {"2026-01-01T00:00:00Z": ["2026-01-01T00:00:00Z"], "50m": "a|b", "k:v": "q'\"", "a*": "b!"}]),
            json!({"yes": "no", "Null": "y", "N": "t", "TRUE": "off", "e1": "Infinity", "inf": "nan", "a.b/c-d_e": "x/", "x-": "o.", "on": "oFF", "f": "true1",
                "k8s.io/name": "sha256-0x1", "nul": "nulls", "yesterday": "falsehood", "y1": "n2", "a:b": "c:d", "a b": "c #d", "e": "E", "b10": 1, "b9": 2, "ba": 3}),
            json!({"": "", "? x": ["- y", "#", " "], "long": "word ".repeat(60), "u": 18_446_744_073_709_551_615_u64}),
        ] {
            let bytes = value.to_string().into_bytes();
            let own = crate::value::json::from_json(&bytes).expect("JSON");
            let want = crate::yaml::to_yaml(&own).expect("writable");
            let got = super::json_to_yaml(&value).expect("writable");
            assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(&want));
        }
    }
}
