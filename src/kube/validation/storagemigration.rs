//! Storage version migrations. upstream: pkg/apis/storagemigration/validation

use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::{Errors, Raw, get, meta, text, update};

const NOTHING: &Value = &Value::Null;

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, _version: &str, _kind: &str, object: &Value) {
    meta::object_meta(errors, object, names::dns1123_subdomain);
    let target = get(object, "spec").and_then(|s| get(s, "resource")).unwrap_or(NOTHING);
    let path = At::new("spec.resource");
    let (resource, group) = (text(target, "resource"), text(target, "group"));
    let wrong = names::dns1035_label(resource);
    if resource.is_empty() {
        errors.required(&path.child("resource"), "resource is required to be set");
    } else if !wrong.is_empty() {
        errors.invalid(&path.child("resource"), resource, &wrong.join(","));
    }
    let wrong = names::dns1123_subdomain(group);
    if !group.is_empty() && !wrong.is_empty() {
        errors.invalid(&path.child("group"), group, &wrong.join(","));
    }
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, version: &str, kind: &str, object: &Value, old: &Value) {
    create(errors, version, kind, object);
    if !update::same(get(object, "spec"), get(old, "spec")) {
        let target = get(object, "spec").and_then(|s| get(s, "resource")).unwrap_or(NOTHING);
        let part = |key| quote_json(text(target, key));
        let shown = format!("{{\"Resource\":{{\"group\":{},\"resource\":{}}}}}", part("group"), part("resource"));
        errors.invalid(&At::new("spec"), Raw(shown), update::IMMUTABLE);
    }
}

fn quote_json(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}
