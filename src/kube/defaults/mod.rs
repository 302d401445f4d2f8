//! What the API server fills in: the defaults of each version's types, and what creation itself sets.
//! upstream: pkg/apis/*/v*/defaults.go, pkg/registry/*/*/strategy.go

#![allow(dead_code, reason = "groups come one by one")]

use serde_json::Map;
use serde_json::Value;

mod core;

/// Defaults of one group: the version, the kind, and the object to fill.
type Defaults = fn(version: &str, kind: &str, object: &mut Value);

/// One line a group; its file is named after it.
const GROUPS: &[(&str, Defaults)] = &[("", core::defaults)];

/// Fills in what an object leaves to the server.
pub(crate) fn apply(api_version: &str, kind: &str, object: &mut Value) {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    if let Some((_, fill)) = GROUPS.iter().find(|g| g.0 == group) {
        fill(version, kind, object);
    }
}

/// A struct of an object, made when absent; `None` where something else stands.
pub(super) fn object<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    let map = value.as_object_mut()?;
    let found = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if found.is_null() {
        *found = Value::Object(Map::new());
    }
    found.is_object().then_some(found)
}

/// A struct of an object, where there is one.
pub(super) fn existing<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    value.get_mut(key).filter(|v| v.is_object())
}

/// The items of a list, where there is one.
pub(super) fn items<'a>(value: &'a mut Value, key: &str) -> std::slice::IterMut<'a, Value> {
    value.get_mut(key).and_then(Value::as_array_mut).map(|v| v.iter_mut()).unwrap_or_default()
}

/// Sets a field that is absent (a pointer that is nil).
pub(super) fn absent(value: &mut Value, key: &str, default: impl Into<Value>) {
    if let Some(map) = value.as_object_mut()
        && map.get(key).is_none_or(Value::is_null)
    {
        map.insert(key.to_owned(), default.into());
    }
}

/// Sets a field that is absent or zero (a field that is no pointer).
pub(super) fn zero(value: &mut Value, key: &str, default: impl Into<Value>) {
    let is_zero = match value.get(key) {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::Number(n)) => n.as_f64() == Some(0.0),
        Some(Value::String(s)) => s.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Bool(true)) => false,
    };
    if is_zero && let Some(map) = value.as_object_mut() {
        map.insert(key.to_owned(), default.into());
    }
}
