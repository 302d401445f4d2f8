//! Structural schemas of custom resources, read where they stand in the CRD's JSON: pruning, defaulting, lists that are
//! sets or maps, and the declared types rules see. upstream: apiextensions-apiserver pkg/apiserver/schema

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;

use super::check::Cause;
use super::field::Path;
use crate::cel::decl::{Decl, DeclField, DeclKind, ListKind, MAX_REQUEST, escape};

/// A boolean of a schema.
pub(crate) fn flag(schema: &Value, key: &str) -> bool {
    schema.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// A text of a schema.
pub(crate) fn word<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema.get(key).and_then(Value::as_str).unwrap_or("")
}

/// The schema of additional properties, when it is a schema.
pub(crate) fn additional(schema: &Value) -> Option<&Value> {
    schema.get("additionalProperties").filter(|v| v.is_object())
}

fn allows_additional(schema: &Value) -> bool {
    schema.get("additionalProperties").is_some_and(|v| v.is_object() || v.as_bool() == Some(true))
}

/// The schema of a property.
pub(crate) fn property<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    schema.get("properties")?.get(key)
}

/// The schema of items.
pub(crate) fn items(schema: &Value) -> Option<&Value> {
    schema.get("items").filter(|v| v.is_object())
}

const META: [&str; 3] = ["apiVersion", "kind", "metadata"];

fn child(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Removes what the schema does not know; gives the paths removed, sorted.
pub(crate) fn prune(value: &mut Value, schema: &Value) -> Vec<String> {
    let mut unknown = Vec::new();
    prune_at(value, Some(schema), true, "", &mut unknown);
    unknown.sort();
    unknown
}

/// As [`prune`], for a part of an object; `embedded` parts have metadata of their own.
pub(crate) fn prune_default(value: &mut Value, schema: &Value, embedded: bool) -> Vec<String> {
    let mut unknown = Vec::new();
    prune_at(value, Some(schema), embedded, "", &mut unknown);
    unknown
}

fn prune_at(value: &mut Value, schema: Option<&Value>, root: bool, path: &str, unknown: &mut Vec<String>) {
    let preserve = schema.is_some_and(|s| flag(s, "x-kubernetes-preserve-unknown-fields"));
    let embedded = root || schema.is_some_and(|s| flag(s, "x-kubernetes-embedded-resource"));
    match value {
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            for key in keys {
                if embedded && META.contains(&key.as_str()) {
                    continue;
                }
                let at = child(path, &key);
                let known = schema.and_then(|s| property(s, &key).or_else(|| additional(s)));
                let free = preserve || schema.is_some_and(allows_additional);
                match (known, map.get_mut(&key)) {
                    (Some(known), Some(v)) => prune_at(v, Some(known), false, &at, unknown),
                    (None, Some(v)) if free => {
                        if !preserve {
                            prune_at(v, None, false, &at, unknown);
                        }
                    }
                    _ => {
                        unknown.push(at);
                        map.remove(&key);
                    }
                }
            }
        }
        Value::Array(list) => {
            let items = schema.and_then(items);
            for (i, item) in list.iter_mut().enumerate() {
                if preserve && items.is_none() {
                    continue;
                }
                prune_at(item, items, false, &format!("{path}[{i}]"), unknown);
            }
        }
        _ => {}
    }
}

fn is_bad_null(value: &Value, schema: Option<&Value>) -> bool {
    value.is_null() && schema.is_some_and(|s| !flag(s, "nullable"))
}

/// Removes nulls of fields that are not nullable and have no default.
pub(crate) fn prune_nulls(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            for key in keys {
                let known = property(schema, &key).or_else(|| additional(schema));
                let Some(known) = known else { continue };
                let Some(v) = map.get_mut(&key) else { continue };
                if is_bad_null(v, Some(known)) {
                    if known.get("default").is_none() {
                        map.remove(&key);
                    }
                } else {
                    prune_nulls(v, known);
                }
            }
        }
        Value::Array(list) => {
            if let Some(items) = items(schema) {
                list.iter_mut().for_each(|item| prune_nulls(item, items));
            }
        }
        _ => {}
    }
}

/// Fills in defaults.
pub(crate) fn default(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => {
            for (key, prop) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let Some(default) = prop.get("default").filter(|d| !d.is_null()) else { continue };
                if map.get(key).is_none_or(|v| is_bad_null(v, Some(prop))) {
                    map.insert(key.clone(), default.clone());
                }
            }
            for (key, v) in map.iter_mut() {
                if let Some(prop) = property(schema, key) {
                    default(v, prop);
                } else if let Some(extra) = additional(schema) {
                    if is_bad_null(v, Some(extra)) {
                        *v = extra.get("default").cloned().unwrap_or(Value::Null);
                    }
                    default(v, extra);
                }
            }
        }
        Value::Array(list) => {
            let Some(items) = items(schema) else { return };
            for item in list {
                if is_bad_null(item, Some(items)) {
                    *item = items.get("default").cloned().unwrap_or(Value::Null);
                }
                default(item, items);
            }
        }
        _ => {}
    }
}

/// The schema with the fields every object has.
pub(crate) fn with_meta(schema: &Value) -> Value {
    let mut out = schema.as_object().cloned().unwrap_or_default();
    let mut properties = out.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let text = serde_json::json!({"type": "string"});
    properties.insert("kind".to_owned(), text.clone());
    properties.insert("apiVersion".to_owned(), text.clone());
    let mut meta: Map<String, Value> = properties.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut meta_properties = meta.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    for key in ["name", "generateName"] {
        meta_properties.entry(key).or_insert_with(|| text.clone());
    }
    meta.insert("type".to_owned(), "object".into());
    meta.insert("properties".to_owned(), Value::Object(meta_properties));
    properties.insert("metadata".to_owned(), Value::Object(meta));
    out.insert("type".to_owned(), "object".into());
    out.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(out)
}

fn count(schema: &Value, key: &str) -> Option<u64> {
    schema.get(key).and_then(|v| v.as_i64().or_else(|| v.as_f64().map(|f| f as i64))).map(|n| u64::try_from(n).unwrap_or(0))
}

/// The declared type of a schema; `None` where rules see nothing. upstream: apiserver pkg/cel/common/schemas.go
pub(crate) fn decl(schema: &Value, root: bool) -> Option<Decl> {
    let nullable = flag(schema, "nullable");
    let text_max = |schema: &Value| match count(schema, "maxLength") {
        // Four bytes a character at most, and two quotation marks.
        Some(n) => n.saturating_mul(4),
        None => MAX_REQUEST - 2,
    };
    let made = |kind: DeclKind, max: u64, min_size: u64| Some(Decl { kind, nullable, max: Some(max), min_size, visible: true });
    if flag(schema, "x-kubernetes-int-or-string") {
        return made(DeclKind::IntOrString, text_max(schema), 1);
    }
    let owned;
    let schema = if root {
        owned = with_meta(schema);
        &owned
    } else {
        schema
    };
    match word(schema, "type") {
        "array" => {
            let items = items(schema)?;
            let item = decl(items, flag(items, "x-kubernetes-embedded-resource"))?;
            let max = count(schema, "maxItems").unwrap_or((MAX_REQUEST - 2) / (item.min_size + 1));
            let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array).into_iter().flatten();
            let kind = match word(schema, "x-kubernetes-list-type") {
                "set" => ListKind::Set,
                "map" => ListKind::MapBy(keys.filter_map(Value::as_str).map(|k| escape(k).unwrap_or_else(|| k.to_owned())).collect()),
                _ => ListKind::Atomic,
            };
            made(DeclKind::List(Arc::new(item), kind), max, 2)
        }
        "object" => {
            if let Some(extra) = additional(schema) {
                let value = decl(extra, flag(extra, "x-kubernetes-embedded-resource"))?;
                let max = count(schema, "maxProperties").unwrap_or((MAX_REQUEST - 2) / (value.min_size + 6));
                return made(DeclKind::Map(Arc::new(value)), max, 2);
            }
            let required = schema.get("required").and_then(Value::as_array);
            let mut fields = BTreeMap::new();
            let mut min_size = 2;
            for (name, prop) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let field = decl(prop, flag(prop, "x-kubernetes-embedded-resource"));
                let Some(field) = field else {
                    if let Some(escaped) = escape(name) {
                        let hidden = Decl { visible: false, ..Decl::new(DeclKind::Preserved) };
                        fields.insert(escaped, DeclField { json: name.clone(), decl: Arc::new(hidden) });
                    }
                    continue;
                };
                let is_required = required.is_some_and(|r| r.iter().any(|v| v.as_str() == Some(name)));
                if is_required && prop.get("default").is_none() {
                    min_size += name.len() as u64 + field.min_size + 4;
                }
                if let Some(escaped) = escape(name) {
                    fields.insert(escaped, DeclField { json: name.clone(), decl: Arc::new(field) });
                }
            }
            made(DeclKind::Object(fields), 0, min_size)
        }
        "string" => match word(schema, "format") {
            "byte" => made(DeclKind::Bytes, count(schema, "maxLength").unwrap_or(MAX_REQUEST - 2), 2),
            "duration" => made(DeclKind::Duration, 32, 3),
            "date" => made(DeclKind::Timestamp(true), 12, 12),
            "date-time" => made(DeclKind::Timestamp(false), 32, 21),
            _ => {
                let options = schema.get("enum").and_then(Value::as_array).filter(|e| !e.is_empty());
                let max = match (count(schema, "maxLength"), options) {
                    (None, Some(options)) => options.iter().filter_map(Value::as_str).map(|s| s.len() as u64).max().unwrap_or(0),
                    _ => text_max(schema),
                };
                made(DeclKind::Str, max, 2)
            }
        },
        "boolean" => made(DeclKind::Bool, 0, 4),
        "number" => made(DeclKind::Double, 0, 1),
        "integer" => made(DeclKind::Int, 0, 1),
        _ => None,
    }
}

/// Where an item equals an earlier one for the first time.
fn repeated(values: &[Value]) -> Vec<usize> {
    let mut seen: Vec<(&Value, usize)> = Vec::new();
    let mut out = Vec::new();
    for (i, value) in values.iter().enumerate() {
        match seen.iter_mut().find(|(v, _)| *v == value) {
            None => seen.push((value, 1)),
            Some((_, times)) => {
                if *times == 1 {
                    out.push(i);
                }
                *times += 1;
            }
        }
    }
    out
}

/// Duplicates in sets and keyed lists. upstream: schema/listtype/validation.go
pub(crate) fn list_types(value: &Value, schema: &Value, path: Option<&Path>, out: &mut Vec<Cause>) {
    let at = |step: &str, named: bool| match (path, named) {
        (None, _) => Path::new(step),
        (Some(p), true) => super::crd_errors::below(p, step),
        (Some(p), false) => p.key(step),
    };
    match value {
        Value::Object(map) => {
            for (key, v) in map {
                if let Some(prop) = property(schema, key) {
                    list_types(v, prop, Some(&at(key, true)), out);
                } else if let Some(extra) = additional(schema) {
                    list_types(v, extra, Some(&at(key, false)), out);
                }
            }
        }
        Value::Array(list) => {
            let here = path.cloned().unwrap_or_default();
            let mut duplicate = |i: usize, value: &Value| {
                let path = here.index(i);
                let message = format!("Duplicate value: {}", super::crd_errors::shown(value));
                out.push(Cause { reason: "FieldValueDuplicate", field: path.to_string(), message, path });
            };
            match word(schema, "x-kubernetes-list-type") {
                "set" => repeated(list).into_iter().for_each(|i| duplicate(i, &list[i])),
                "map" if list.iter().any(|v| !v.is_null() && !v.is_object()) => {
                    let wrong = list.iter().position(|v| !v.is_null() && !v.is_object()).unwrap_or(0);
                    let detail = "must be an object for an array of list-type map";
                    out.push(super::crd_errors::invalid(Some(&here.index(wrong)), Some(&list[wrong]), detail));
                }
                "map" => {
                    let keys: Vec<&str> = schema
                        .get("x-kubernetes-list-map-keys")
                        .and_then(Value::as_array)
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                        .collect();
                    let key_of = |item: &Value| {
                        let pairs = keys.iter().filter_map(|k| Some(((*k).to_owned(), item.get(k)?.clone())));
                        Value::Object(pairs.collect())
                    };
                    let values: Vec<Value> = list.iter().map(key_of).collect();
                    repeated(&values).into_iter().for_each(|i| duplicate(i, &values[i]));
                }
                _ => {}
            }
            if let Some(items) = items(schema) {
                for (i, item) in list.iter().enumerate() {
                    list_types(item, items, Some(&here.index(i)), out);
                }
            }
        }
        _ => {}
    }
}
