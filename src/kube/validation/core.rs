//! The core group. upstream: pkg/apis/core/validation

use serde_json::Value;

use super::super::field::Path;
use super::super::names;
use super::super::quantity;
use super::{Errors, config, get, list, meta, pod, service, text, workload};

pub(super) fn create(errors: &mut Errors, _: &str, kind: &str, object: &Value) {
    match kind {
        "Pod" => pod::pod(errors, object),
        "PodTemplate" => workload::pod_template(errors, get(object, "template").unwrap_or(&Value::Null), &Path::new("template")),
        "ReplicationController" => workload::replication_controller(errors, object),
        "ConfigMap" => config::config_map(errors, object),
        "Secret" => config::secret(errors, object),
        "Service" => service::service(errors, object),
        "PersistentVolumeClaim" => claim(errors, get(object, "spec").unwrap_or(&Value::Null), &Path::new("spec")),
        _ => {}
    }
}

pub(super) fn update(_: &mut Errors, _: &str, _: &str, _: &Value, _: &Value) {}

/// upstream: ValidatePersistentVolumeClaimSpec
pub(super) fn claim(errors: &mut Errors, spec: &Value, path: &Path) {
    let modes: Vec<&str> = list(spec, "accessModes").iter().filter_map(Value::as_str).collect();
    let known = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    let at = path.child("accessModes");
    if modes.is_empty() {
        errors.required(&at, "at least 1 access mode is required");
    }
    if let Some(selector) = get(spec, "selector") {
        meta::selector(errors, selector, &path.child("selector"));
    }
    for mode in modes.iter().filter(|m| !known.contains(m)) {
        errors.unsupported(&at, mode, &known);
    }
    if modes.contains(&"ReadWriteOncePod") && modes.iter().any(|m| *m != "ReadWriteOncePod" && known.contains(m)) {
        errors.forbidden(&at, "may not use ReadWriteOncePod with other access modes");
    }
    let at = path.child("resources").key("storage");
    match spec.pointer("/resources/requests/storage").filter(|v| !v.is_null()) {
        None => errors.required(&at, ""),
        Some(value) => {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if quantity::parse(shown.trim()).is_ok_and(|q| q.nanos <= 0) {
                errors.invalid_text(&at, &shown, vec!["must be greater than zero".to_owned()]);
            }
        }
    }
    let class = text(spec, "storageClassName");
    if !class.is_empty() {
        errors.invalid_text(&path.child("storageClassName"), class, names::dns1123_subdomain(class));
    }
    let mode = super::text_or(spec, "volumeMode", "Filesystem");
    if !["Block", "Filesystem"].contains(&mode) {
        errors.unsupported(&path.child("volumeMode"), mode, &["Block", "Filesystem"]);
    }
}
