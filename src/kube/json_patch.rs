//! JSON patches (RFC 6902), with the sentences of the library the API server uses. upstream: evanphx/json-patch v4

use serde_json::Value;

/// Why a patch was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// One of its tests did not hold.
    Test,
    /// It does not apply.
    Other(String),
}

fn other<T>(why: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Other(why.into()))
}

const MISSING: &str = "missing value";
const INDEX: &str = "invalid index referenced";

/// Applies the operations of a list in order.
pub(crate) fn apply(document: &Value, patch: &Value) -> Result<Value, Failure> {
    let mut out = document.clone();
    for operation in patch.as_array().into_iter().flatten() {
        one(&mut out, operation)?;
    }
    Ok(out)
}

/// The names of a pointer, unescaped.
fn names(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~")).collect()
}

/// What holds the place a pointer names, and the name in it.
fn holder<'v>(document: &'v mut Value, pointer: &str) -> Option<(&'v mut Value, String)> {
    let mut names = names(pointer);
    let last = names.pop()?;
    let mut at = document;
    for name in &names {
        at = match at {
            Value::Object(map) => map.get_mut(name)?,
            Value::Array(items) => {
                let i = position(name, items.len()).ok()?;
                items.get_mut(i)?
            }
            _ => return None,
        };
    }
    (at.is_object() || at.is_array()).then_some((at, last))
}

/// A place in a list; negative ones count from its end.
fn position(name: &str, len: usize) -> Result<usize, String> {
    let Ok(index) = name.parse::<i64>() else {
        return Err(format!("strconv.Atoi: parsing {name:?}: invalid syntax"));
    };
    let outside = || format!("Unable to access invalid index: {index}: {INDEX}");
    let place = if index < 0 { index + len as i64 } else { index };
    usize::try_from(place).ok().filter(|i| *i < len).ok_or_else(outside)
}

fn get(holder: &Value, name: &str) -> Result<Option<Value>, String> {
    match holder {
        Value::Object(map) => Ok(map.get(name).cloned()),
        Value::Array(items) => position(name, items.len()).map(|i| items.get(i).cloned()),
        _ => Ok(None),
    }
}

fn insert(holder: &mut Value, name: &str, value: Value) -> Result<(), String> {
    match holder {
        Value::Object(map) => {
            map.insert(name.to_owned(), value);
        }
        Value::Array(items) if name == "-" => items.push(value),
        Value::Array(items) => {
            let i = position(name, items.len() + 1)
                .map_err(|e| if e.starts_with("strconv") { format!("value was not a proper array index: '{name}': {e}") } else { e })?;
            items.insert(i, value);
        }
        _ => {}
    }
    Ok(())
}

fn remove(holder: &mut Value, name: &str) -> Result<Option<Value>, String> {
    match holder {
        Value::Object(map) => match map.remove(name) {
            None => Err(format!("Unable to remove nonexistent key: {name}: {MISSING}")),
            found => Ok(found),
        },
        Value::Array(items) => position(name, items.len()).map(|i| Some(items.remove(i))),
        _ => Ok(None),
    }
}

fn one(document: &mut Value, operation: &Value) -> Result<(), Failure> {
    let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or("");
    let (path, from) = (text("path"), text("from"));
    let value = operation.get("value").cloned();
    let given = || value.clone().unwrap_or(Value::Null);
    match text("op") {
        "add" => {
            let Some((at, name)) = holder(document, path) else {
                return other(format!("add operation does not apply: doc is missing path: \"{path}\": {MISSING}"));
            };
            insert(at, &name, given()).or_else(|e| other(format!("error in add for path: '{path}': {e}")))
        }
        "remove" => {
            let Some((at, name)) = holder(document, path) else {
                return other(format!("remove operation does not apply: doc is missing path: \"{path}\": {MISSING}"));
            };
            remove(at, &name).map(drop).or_else(|e| other(format!("error in remove for path: '{path}': {e}")))
        }
        "replace" if path.is_empty() => {
            *document = given();
            Ok(())
        }
        "replace" => {
            let Some((at, name)) = holder(document, path) else {
                return other(format!("replace operation does not apply: doc is missing path: {path}: {MISSING}"));
            };
            if !matches!(get(at, &name), Ok(Some(_))) {
                return other(format!("replace operation does not apply: doc is missing key: {path}: {MISSING}"));
            }
            match at {
                Value::Array(items) => {
                    if let Ok(i) = position(&name, items.len()) {
                        items[i] = given();
                    }
                }
                at => drop(insert(at, &name, given())),
            }
            Ok(())
        }
        "move" => {
            let Some((at, name)) = holder(document, from) else {
                return other(format!("move operation does not apply: doc is missing from path: {from}: {MISSING}"));
            };
            let taken = remove(at, &name).or_else(|e| other(format!("error in move for path: '{name}': {e}")))?;
            let Some((at, name)) = holder(document, path) else {
                return other(format!("move operation does not apply: doc is missing destination path: {path}: {MISSING}"));
            };
            insert(at, &name, taken.unwrap_or(Value::Null)).or_else(|e| other(format!("error in move for path: '{path}': {e}")))
        }
        "copy" => {
            let Some((at, name)) = holder(document, from) else {
                return other(format!("copy operation does not apply: doc is missing from path: {from}: {MISSING}"));
            };
            let copied = get(at, &name).or_else(|e| other(format!("error in copy for from: '{from}': {e}")))?;
            let Some((at, name)) = holder(document, path) else {
                return other(format!("copy operation does not apply: doc is missing destination path: {path}: {MISSING}"));
            };
            insert(at, &name, copied.unwrap_or(Value::Null)).or_else(|e| other(format!("error while adding value during copy: {e}")))
        }
        "test" => {
            if path.is_empty() {
                return if *document == given() { Ok(()) } else { Err(Failure::Test) };
            }
            let Some((at, name)) = holder(document, path) else {
                return other(format!("test operation does not apply: is missing path: {path}: {MISSING}"));
            };
            match get(at, &name) {
                Ok(found) if found.clone().unwrap_or(Value::Null) == given() => Ok(()),
                Ok(_) => Err(Failure::Test),
                Err(e) => other(format!("error in test for path: '{path}': {e}")),
            }
        }
        unknown => other(format!("Unexpected kind: {unknown}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patches() {
        let cases = [
            (json!({"a": {"b": 1}}), json!([{"op": "add", "path": "/a/c", "value": 2}]), Ok(json!({"a": {"b": 1, "c": 2}}))),
            (json!({"l": [1]}), json!([{"op": "add", "path": "/l/-", "value": 2}]), Ok(json!({"l": [1, 2]}))),
            (json!({"l": [1]}), json!([{"op": "add", "path": "/l/0", "value": 0}]), Ok(json!({"l": [0, 1]}))),
            (json!({"a~/b": 1}), json!([{"op": "remove", "path": "/a~0~1b"}]), Ok(json!({}))),
            (json!({"a": 1}), json!([{"op": "move", "from": "/a", "path": "/b"}]), Ok(json!({"b": 1}))),
            (json!({"a": 1}), json!([{"op": "copy", "from": "/a", "path": "/b"}]), Ok(json!({"a": 1, "b": 1}))),
            (json!({"a": 1}), json!([{"op": "test", "path": "/a", "value": 2}]), Err(Failure::Test)),
            (
                json!({}),
                json!([{"op": "add", "path": "/a/b", "value": 2}]),
                Err(Failure::Other("add operation does not apply: doc is missing path: \"/a/b\": missing value".to_owned())),
            ),
            (
                json!({}),
                json!([{"op": "replace", "path": "/a", "value": 2}]),
                Err(Failure::Other("replace operation does not apply: doc is missing key: /a: missing value".to_owned())),
            ),
        ];
        for (document, patch, want) in cases {
            assert_eq!(apply(&document, &patch), want, "{patch}");
        }
    }
}
