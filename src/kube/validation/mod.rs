//! What the API server checks after decoding, in its order and with its sentences. upstream: pkg/apis/*/validation
//!
//! Values are read with the server's defaults in mind: an absent field is what defaulting would have made of it.

mod config;
mod meta;
mod network;
mod pod;
mod policy;
mod volume;
mod workload;

use serde_json::Value;

use super::check::Cause;
use super::decode::quote;
use super::field::Path;

/// The findings of one object.
#[derive(Debug, Default)]
pub(crate) struct Errors(pub(crate) Vec<Cause>);

impl Errors {
    fn add(&mut self, reason: &'static str, path: &Path, message: String) {
        self.0.push(Cause { reason, field: path.to_string(), message, path: path.clone() });
    }

    fn required(&mut self, path: &Path, detail: &str) {
        self.add("FieldValueRequired", path, with_detail("Required value", detail));
    }

    fn forbidden(&mut self, path: &Path, detail: &str) {
        self.add("FieldValueForbidden", path, with_detail("Forbidden", detail));
    }

    fn invalid(&mut self, path: &Path, value: &Value, detail: &str) {
        self.add("FieldValueInvalid", path, with_detail(&format!("Invalid value: {}", shown(value)), detail));
    }

    fn invalid_text(&mut self, path: &Path, value: &str, details: Vec<String>) {
        for detail in details {
            self.add("FieldValueInvalid", path, with_detail(&format!("Invalid value: {}", quote(value)), &detail));
        }
    }

    fn invalid_number(&mut self, path: &Path, value: i64, details: Vec<String>) {
        for detail in details {
            self.add("FieldValueInvalid", path, format!("Invalid value: {value}: {detail}"));
        }
    }

    fn unsupported(&mut self, path: &Path, value: &str, supported: &[&str]) {
        let supported: Vec<String> = supported.iter().map(|s| quote(s)).collect();
        let message = format!("Unsupported value: {}: supported values: {}", quote(value), supported.join(", "));
        self.add("FieldValueNotSupported", path, message);
    }

    fn duplicate(&mut self, path: &Path, value: &str) {
        self.add("FieldValueDuplicate", path, format!("Duplicate value: {}", quote(value)));
    }

    fn not_found(&mut self, path: &Path, value: &str) {
        self.add("FieldValueNotFound", path, format!("Not found: {}", quote(value)));
    }

    fn too_long(&mut self, path: &Path, limit: usize) {
        self.add("FieldValueTooLong", path, format!("Too long: may not be more than {limit} bytes"));
    }

    fn nonnegative(&mut self, path: &Path, value: i64) {
        if value < 0 {
            self.invalid_number(path, value, vec!["must be greater than or equal to 0".to_owned()]);
        }
    }
}

fn with_detail(phrase: &str, detail: &str) -> String {
    if detail.is_empty() { phrase.to_owned() } else { format!("{phrase}: {detail}") }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(s) => quote(s),
        other => other.to_string(),
    }
}

/// A field; `null` is absent.
fn get<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|v| !v.is_null())
}

/// A field of type string; empty when absent.
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    get(value, key).and_then(Value::as_str).unwrap_or("")
}

/// A field of type string with its default.
fn text_or<'a>(value: &'a Value, key: &str, default: &'a str) -> &'a str {
    match text(value, key) {
        "" => default,
        found => found,
    }
}

/// A field of an integer type.
fn int(value: &Value, key: &str) -> Option<i64> {
    get(value, key).and_then(Value::as_i64)
}

/// The items of a list; none when absent.
fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    get(value, key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The entries of a map of strings.
fn strings<'a>(value: &'a Value, key: &str) -> Vec<(&'a str, &'a str)> {
    let entries = get(value, key).and_then(Value::as_object).into_iter().flatten();
    entries.map(|(k, v)| (k.as_str(), v.as_str().unwrap_or(""))).collect()
}

/// Validates an object of a kind whose rules are known; others only in what all objects share.
pub(crate) fn validate(api_version: &str, kind: &str, object: &Value) -> Vec<Cause> {
    let mut errors = Errors::default();
    meta::object_meta(&mut errors, api_version, kind, object);
    match (api_version, kind) {
        ("v1", "Pod") => pod::pod(&mut errors, object),
        ("v1", "PodTemplate") => {
            let empty = Value::Null;
            workload::pod_template(&mut errors, get(object, "template").unwrap_or(&empty), &Path::new("template"));
        }
        ("v1", "ReplicationController") => workload::replication_controller(&mut errors, object),
        ("apps/v1", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") => workload::apps(&mut errors, kind, object),
        ("batch/v1", "Job") => workload::plain_job(&mut errors, object),
        ("batch/v1", "CronJob") => workload::cron_job(&mut errors, object),
        ("v1", "ConfigMap") => config::config_map(&mut errors, object),
        ("v1", "Secret") => config::secret(&mut errors, object),
        ("v1", "Service") => network::service(&mut errors, object),
        ("rbac.authorization.k8s.io/v1", "Role" | "ClusterRole") => policy::role(&mut errors, object, kind == "Role"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding" | "ClusterRoleBinding") => {
            policy::role_binding(&mut errors, object, kind == "RoleBinding");
        }
        ("networking.k8s.io/v1", "NetworkPolicy") => policy::network_policy(&mut errors, object),
        ("v1", "PersistentVolumeClaim") => {
            policy::claim(&mut errors, get(object, "spec").unwrap_or(&Value::Null), &Path::new("spec"));
        }
        ("autoscaling/v1" | "autoscaling/v2", "HorizontalPodAutoscaler") => policy::autoscaler(&mut errors, object),
        ("policy/v1", "PodDisruptionBudget") => policy::budget(&mut errors, object),
        ("networking.k8s.io/v1", "Ingress") => network::ingress(&mut errors, object),
        _ => {}
    }
    errors.0
}
