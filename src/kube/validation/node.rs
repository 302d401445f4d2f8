//! Runtime classes. upstream: pkg/apis/node/validation

use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::{Errors, get, list, meta, text, update};

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, _version: &str, kind: &str, object: &Value) {
    if kind == "RuntimeClass" {
        meta::object_meta(errors, object, names::dns1123_subdomain);
        runtime_class(errors, object);
    }
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, _version: &str, kind: &str, object: &Value, old: &Value) {
    if kind == "RuntimeClass" {
        runtime_class(errors, object);
        errors.immutable(&At::new("handler"), text(object, "handler"), text(old, "handler"));
    }
}

/// upstream: ValidateRuntimeClass
fn runtime_class(errors: &mut Errors, object: &Value) {
    let handler = text(object, "handler");
    let at = At::new("handler");
    if handler.is_empty() {
        errors.required(&at, "");
    } else {
        errors.invalid_each(&at, handler, names::dns1123_label(handler));
    }
    if let Some(overhead) = get(object, "overhead") {
        super::pod::overhead(errors, get(overhead, "podFixed").unwrap_or(&Value::Null), &At::new("overhead"));
    }
    let Some(scheduling) = get(object, "scheduling") else { return };
    let path = At::new("scheduling");
    for (name, value) in super::strings(scheduling, "nodeSelector") {
        let at = path.child("nodeSelector");
        errors.invalid_each(&at, name, names::qualified_name(name));
        errors.invalid_each(&at, value, names::label_value(value));
    }
    super::placement::tolerations(errors, list(scheduling, "tolerations"), &path.child("tolerations"));
    let mut seen: Vec<[&str; 4]> = Vec::new();
    for (i, toleration) in list(scheduling, "tolerations").iter().enumerate() {
        let key = ["key", "operator", "value", "effect"].map(|f| text(toleration, f));
        if seen.contains(&key) {
            errors.duplicate(&path.item("tolerations", i), update::shown_as("core.Toleration", Some(toleration)));
        } else {
            seen.push(key);
        }
    }
}
