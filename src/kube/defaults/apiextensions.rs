//! Defaults of definitions of custom resources. upstream: apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go

use serde_json::Value;
use serde_json::json;

use super::{absent, existing, generation_and_status, items, text, zero};

pub(super) fn defaults(_version: &str, kind: &str, object: &mut Value) {
    if kind != "CustomResourceDefinition" {
        return;
    }
    let Some(spec) = super::object(object, "spec") else { return };
    if let Some(names) = super::object(spec, "names") {
        let kind = text(names, "kind").to_owned();
        zero(names, "singular", kind.to_lowercase());
        if !kind.is_empty() {
            zero(names, "listKind", format!("{kind}List"));
        }
    }
    absent(spec, "conversion", json!({"strategy": "None"}));
    let hook = existing(spec, "conversion").and_then(|c| existing(c, "webhook"));
    if let Some(service) = hook.and_then(|h| existing(h, "clientConfig")).and_then(|c| existing(c, "service")) {
        absent(service, "port", 443);
    }
}

/// upstream: apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go
pub(super) fn prepare(_version: &str, kind: &str, object: &mut Value) {
    if kind != "CustomResourceDefinition" {
        return;
    }
    generation_and_status("", kind, object);
}

/// What the server keeps about a new definition: the version it stores.
pub(super) fn finish(_version: &str, kind: &str, object: &mut Value) {
    if kind != "CustomResourceDefinition" {
        return;
    }
    for version in existing(object, "spec").into_iter().flat_map(|spec| items(spec, "versions")) {
        if let Some(schema) = existing(version, "schema").and_then(|s| s.get_mut("openAPIV3Schema")) {
            without_empty(schema, 0);
        }
    }
    let versions = object.pointer("/spec/versions").and_then(Value::as_array);
    let stored = versions.into_iter().flatten().find(|v| v.get("storage").and_then(Value::as_bool) == Some(true));
    let stored: Vec<Value> = stored.map(|v| Value::from(text(v, "name"))).into_iter().collect();
    let names = json!({"plural": "", "kind": ""});
    super::set(object, "status", json!({"conditions": null, "acceptedNames": names, "storedVersions": stored}));
}

/// Drops what is empty from a schema and those below it, as the server writes them: pointers stay, and so do values.
fn without_empty(schema: &mut Value, depth: usize) {
    const POINTERS: &[&str] = &[
        "$ref",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "not",
        "items",
        "additionalProperties",
        "additionalItems",
        "externalDocs",
        "default",
        "example",
    ];
    let Some(fields) = schema.as_object_mut().filter(|_| depth < 100) else { return };
    fields.retain(|key, value| match value {
        Value::Null => false,
        Value::Number(_) => true,
        _ if POINTERS.contains(&key.as_str()) => true,
        Value::Bool(on) => *on,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    });
    for (key, value) in fields {
        match key.as_str() {
            "not" | "additionalProperties" | "additionalItems" => without_empty(value, depth + 1),
            "items" | "allOf" | "anyOf" | "oneOf" => match value {
                Value::Array(list) => list.iter_mut().for_each(|s| without_empty(s, depth + 1)),
                one => without_empty(one, depth + 1),
            },
            "properties" | "patternProperties" | "definitions" | "dependencies" => {
                let below = value.as_object_mut().into_iter().flat_map(|m| m.values_mut());
                below.for_each(|s| without_empty(s, depth + 1));
            }
            _ => {}
        }
    }
}
