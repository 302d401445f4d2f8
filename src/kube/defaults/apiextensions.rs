//! Defaults of definitions of custom resources. upstream: apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go

use serde_json::Value;
use serde_json::json;

use super::{absent, existing, text, zero};

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
