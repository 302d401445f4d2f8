//! Short ways into JSON objects; anything absent or of another type is empty.

use std::collections::BTreeMap;

use serde_json::Value;

static EMPTY: Vec<Value> = Vec::new();

/// The value at a path of keys.
pub fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |v, key| v.get(key).unwrap_or(&Value::Null))
}

/// The string at a path, or the empty one.
pub fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).as_str().unwrap_or("")
}

/// The list at a path, or the empty one.
pub fn list<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).as_array().unwrap_or(&EMPTY)
}

/// The whole number at a path.
pub fn int(value: &Value, path: &[&str]) -> Option<i64> {
    let v = at(value, path);
    v.as_i64().or_else(|| v.as_f64().map(|f| f as i64))
}

/// A scalar as text: quantities may be written as numbers.
pub fn scalar(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The map of strings at a path.
pub fn strings(value: &Value, path: &[&str]) -> BTreeMap<String, String> {
    match at(value, path) {
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), scalar(v))).collect(),
        _ => BTreeMap::new(),
    }
}

/// The strings of the list at a path.
pub fn words(value: &Value, path: &[&str]) -> Vec<String> {
    list(value, path).iter().map(scalar).collect()
}

/// The namespace of an object, `default` when it names none.
pub fn namespace(object: &Value) -> String {
    match text(object, &["metadata", "namespace"]) {
        "" => "default".to_owned(),
        name => name.to_owned(),
    }
}

/// The name of an object.
pub fn name(object: &Value) -> String {
    scalar(at(object, &["metadata", "name"]))
}
