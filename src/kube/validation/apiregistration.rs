//! API services. upstream: kube-aggregator/pkg/apis/apiregistration/validation

use serde_json::Value;

use super::super::decode::quote;
use super::super::field::At;
use super::super::names;
use super::{Errors, get, int, meta, text};

const NOTHING: &Value = &Value::Null;

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, _version: &str, kind: &str, object: &Value) {
    if kind != "APIService" {
        return;
    }
    meta::object_meta(errors, object, names::path_segment);
    let spec = get(object, "spec").unwrap_or(NOTHING);
    let path = At::new("spec");
    let (group, version) = (text(spec, "group"), text(spec, "version"));
    let wanted = format!("{version}.{group}");
    let owner = get(object, "metadata").unwrap_or(NOTHING);
    for field in ["generateName", "name"] {
        let name = text(owner, field);
        if !name.is_empty() && name != wanted && names::path_segment(name).is_empty() {
            let detail = format!("must be `spec.version+\".\"+spec.group`: {}", quote(&wanted));
            errors.invalid(&At::new("metadata").child(field), name, &detail);
        }
    }
    if group.is_empty() && version != "v1" {
        errors.required(&path.child("group"), "only v1 may have an empty group and it better be legacy kube");
    }
    if !group.is_empty() {
        errors.invalid_each(&path.child("group"), group, names::dns1123_subdomain(group));
    }
    errors.invalid_each(&path.child("version"), version, names::dns1035_label(version));
    for (field, limit) in [("groupPriorityMinimum", 20000), ("versionPriority", 1000)] {
        let value = int(spec, field).unwrap_or(0);
        if value <= 0 || value > limit {
            errors.invalid(&path.child(field), value, &format!("must be positive and less than {limit}"));
        }
    }
    let bundle = text(spec, "caBundle");
    let insecure = get(spec, "insecureSkipTLSVerify").and_then(Value::as_bool) == Some(true);
    let at = path.child("insecureSkipTLSVerify");
    let Some(service) = get(spec, "service") else {
        if !bundle.is_empty() {
            let length = bundle.bytes().filter(|b| !matches!(b, b'=' | b'\r' | b'\n')).count() * 3 / 4;
            errors.invalid(&path.child("caBundle"), format!("{length} bytes"), "local APIServices may not have a caBundle");
        }
        if insecure {
            errors.invalid(&at, true, "local APIServices may not have insecureSkipTLSVerify");
        }
        return;
    };
    let service_at = path.child("service");
    for field in ["namespace", "name"] {
        if text(service, field).is_empty() {
            errors.required(&service_at.child(field), "");
        }
    }
    let port = int(service, "port").unwrap_or(443);
    let wrong = names::port_number(port);
    if !wrong.is_empty() {
        errors.invalid(&service_at.child("port"), port, &format!("port is not valid: {}", wrong.join(", ")));
    }
    if insecure && !bundle.is_empty() {
        errors.invalid(&at, true, "may not be true if caBundle is present");
    }
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, version: &str, kind: &str, object: &Value, _old: &Value) {
    create(errors, version, kind, object);
}
