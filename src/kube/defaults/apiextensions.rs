//! Defaults of definitions of custom resources. upstream: apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go

use serde_json::Value;
use serde_json::json;

use super::{absent, existing, generation_and_status, text, zero};

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
    let versions = object.pointer("/spec/versions").and_then(Value::as_array);
    let stored = versions.into_iter().flatten().find(|v| v.get("storage").and_then(Value::as_bool) == Some(true));
    let stored: Vec<Value> = stored.map(|v| Value::from(text(v, "name"))).into_iter().collect();
    let names = json!({"plural": "", "kind": ""});
    super::set(object, "status", json!({"conditions": null, "acceptedNames": names, "storedVersions": stored}));
}
