//! JSON to KYAML, the explicit dialect of YAML that kubectl prints. upstream: sigs.k8s.io/yaml/kyaml

use serde_json::Value;

use crate::value::{is_letter, is_print};

/// JSON is printed to this depth only.
const MAX_DEPTH: usize = 1_000;

/// A document, with the line before it and a newline at the end.
pub fn json_to_kyaml(value: &Value) -> String {
    kyaml_in_order(value, &|_| Vec::new())
}

/// As [`json_to_kyaml`], with the keys in an order: `order` tells which come first in the object that stands at a path, where
/// an empty step is an item of a list.
pub fn kyaml_in_order<'a>(value: &'a Value, order: &Order<'_>) -> String {
    let mut out = "---\n".to_owned();
    let mut path: Vec<&'a str> = Vec::new();
    node(&mut out, value, 0, &mut path, order);
    out.push('\n');
    out
}

/// Which keys come first in the object at a path.
pub(super) type Order<'o> = dyn Fn(&[&str]) -> Vec<&'static str> + 'o;

fn indent(out: &mut String, level: usize) {
    (0..level).for_each(|_| out.push_str("  "));
}

fn node<'a>(out: &mut String, value: &'a Value, level: usize, path: &mut Vec<&'a str>, order: &Order<'_>) {
    if path.len() > MAX_DEPTH {
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&n.to_string()),
        Value::String(s) => string(out, s, level + 1, false),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Array(items) if items.iter().all(|i| i.is_array() || i.is_object()) => {
            out.push('[');
            path.push("");
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                node(out, item, level, path, order);
            }
            path.pop();
            out.push(']');
        }
        Value::Array(items) => {
            out.push_str("[\n");
            path.push("");
            for item in items {
                indent(out, level + 1);
                node(out, item, level + 1, path, order);
                out.push_str(",\n");
            }
            path.pop();
            indent(out, level);
            out.push(']');
        }
        Value::Object(map) if map.is_empty() => out.push_str("{}"),
        Value::Object(map) => {
            out.push_str("{\n");
            let first = order(path);
            let ordered = first.iter().filter_map(|name| map.get_key_value(*name));
            for (key, value) in ordered.chain(map.iter().filter(|(key, _)| !first.contains(&key.as_str()))) {
                indent(out, level + 1);
                if needs_quotes(key) {
                    string(out, key, level + 1, true);
                } else {
                    out.push_str(key);
                }
                out.push_str(": ");
                path.push(key);
                node(out, value, level + 1, path, order);
                path.pop();
                out.push_str(",\n");
            }
            indent(out, level);
            out.push('}');
        }
    }
}

/// A text in double quotes; one of several lines begins on a line of its own, unless it is a key.
fn string(out: &mut String, text: &str, level: usize, key: bool) {
    let folded = !key && text.contains('\n');
    out.push('"');
    if folded {
        out.push_str("\\\n");
    }
    for c in text.chars() {
        if folded && out.ends_with('\n') {
            indent(out, level);
            // Blanks at the start of a line would be dropped.
            out.push(if c.is_whitespace() && c != '\n' { '\\' } else { ' ' });
        }
        match c {
            '\n' if folded => out.push_str("\\n\\\n"),
            '\n' => out.push_str("\\n"),
            '\t' if key => out.push_str("\\t"),
            '\t' => out.push('\t'),
            '"' | '\\' => out.extend(['\\', c]),
            c if is_print(c) => out.push(c),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\u{b}' => out.push_str("\\v"),
            '\0' => out.push_str("\\0"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{a0}' => out.push_str("\\_"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    if folded {
        if !out.ends_with('\n') {
            out.push_str("\\\n");
        }
        indent(out, level);
    }
    out.push('"');
}

fn needs_quotes(key: &str) -> bool {
    let last = key.chars().count().saturating_sub(1);
    let allowed = |(i, c): (usize, char)| is_letter(c) || c.is_numeric() || c == '_' || (i > 0 && i < last && matches!(c, '-' | '.' | '/'));
    key.is_empty() || is_ambiguous(key) || !key.chars().enumerate().all(allowed)
}

/// Whether a text may be read as something else. upstream: isTypeAmbiguous
fn is_ambiguous(text: &str) -> bool {
    const WORDS: [&str; 12] = ["null", "~", "true", "y", "yes", "on", "t", "false", "n", "no", "off", "f"];
    let lower = text.to_lowercase();
    let plain = text.replace('_', "");
    let based = |prefix: &str, radix: u32| plain.to_lowercase().strip_prefix(prefix).is_some_and(|d| i64::from_str_radix(d, radix).is_ok());
    WORDS.contains(&lower.as_str()) || plain.parse::<f64>().is_ok() || based("0x", 16) || based("0o", 8) || based("0b", 2) || is_date(text)
}

/// Whether a text is a day such as `2006-1-2`; times hold what is quoted anyway.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    matches!(parts.as_slice(), [year, month, day] if year.len() == 4 && digits(year, 4) && digits(month, 2) && digits(day, 2))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn lists_of_maps_are_cuddled_and_lines_folded() {
        let value = json!({"apiVersion": "v1", "args": ["a", 1], "data": {"a.b/c": "x\n  y\n", "no": "é\u{1}", "12": ""}, "items": [{"a": []}, {}]});
        let want = "---\n{\n  apiVersion: \"v1\",\n  args: [\n    \"a\",\n    1,\n  ],\n  data: {\n    \"12\": \"\",\n    a.b/c: \"\\\n       x\\n\\\n      \\  y\\n\\\n      \",\n    \"no\": \"é\\x01\",\n  },\n  items: [{\n    a: [],\n  }, {}],\n}\n";
        assert_eq!(super::json_to_kyaml(&value), want);
    }
}
