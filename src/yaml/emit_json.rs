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
            let text = through_json(s.as_bytes().into())?;
            out.string(&text, inner, context)?;
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
