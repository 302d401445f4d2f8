//! What the API server fills in: the defaults of each version's types, and what creation itself sets or drops.
//! upstream: pkg/apis/*/v*/defaults.go, pkg/registry/*/*/strategy.go

#![allow(dead_code, reason = "groups come one by one")]

use serde_json::Map;
use serde_json::Value;

mod admissionregistration;
mod apiextensions;
mod apiregistration;
mod apps;
mod autoscaling;
mod batch;
mod coordination;
mod core;
mod discovery;
mod flowcontrol;
mod networking;
mod pod;
mod rbac;
mod resource;
mod scheduling;
mod storage;
mod volume;

pub(crate) use core::{data_sources, same_sources};

/// One step of one group: the version, the kind, and the object to change.
type Step = fn(version: &str, kind: &str, object: &mut Value);

/// A group's steps; its file is named after it.
struct Group {
    name: &'static str,
    /// The defaults of the version's types.
    defaults: Step,
    /// What admission and the kind's strategy do before validation.
    prepare: Step,
    /// What is set after validation.
    finish: Step,
}

pub(crate) use batch::UID;

const fn none(_: &str, _: &str, _: &mut Value) {}

/// One line a group.
const GROUPS: &[Group] = &[
    Group { name: "", defaults: core::defaults, prepare: core::prepare, finish: core::finish },
    Group { name: "apps", defaults: apps::defaults, prepare: apps::prepare, finish: apps::finish },
    Group { name: "autoscaling", defaults: autoscaling::defaults, prepare: autoscaling::prepare, finish: none },
    Group { name: "batch", defaults: batch::defaults, prepare: batch::prepare, finish: batch::finish },
    Group { name: "policy", defaults: none, prepare: generation_and_status, finish: none },
    Group {
        name: "admissionregistration.k8s.io",
        defaults: admissionregistration::defaults,
        prepare: admissionregistration::prepare,
        finish: none,
    },
    Group {
        name: "apiextensions.k8s.io",
        defaults: apiextensions::defaults,
        prepare: apiextensions::prepare,
        finish: apiextensions::finish,
    },
    Group { name: "apiregistration.k8s.io", defaults: apiregistration::defaults, prepare: none, finish: none },
    Group { name: "coordination.k8s.io", defaults: none, prepare: coordination::prepare, finish: none },
    Group { name: "discovery.k8s.io", defaults: discovery::defaults, prepare: discovery::prepare, finish: none },
    Group { name: "flowcontrol.apiserver.k8s.io", defaults: flowcontrol::defaults, prepare: flowcontrol::prepare, finish: none },
    Group { name: "networking.k8s.io", defaults: networking::defaults, prepare: networking::prepare, finish: none },
    Group { name: "rbac.authorization.k8s.io", defaults: rbac::defaults, prepare: none, finish: none },
    Group { name: "resource.k8s.io", defaults: resource::defaults, prepare: resource::prepare, finish: none },
    Group { name: "scheduling.k8s.io", defaults: scheduling::defaults, prepare: scheduling::prepare, finish: none },
    Group { name: "storage.k8s.io", defaults: storage::defaults, prepare: storage::prepare, finish: storage::finish },
];

fn group_of(api_version: &str) -> (Option<&'static Group>, &str) {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    (GROUPS.iter().find(|g| g.name == group), version)
}

/// Makes an object what validation sees.
pub(crate) fn apply(api_version: &str, kind: &str, object: &mut Value) {
    if let (Some(group), version) = group_of(api_version) {
        (group.defaults)(version, kind, object);
        (group.prepare)(version, kind, object);
    }
}

/// Fills in the defaults of an object that replaces another.
pub(crate) fn complete(api_version: &str, kind: &str, object: &mut Value) {
    if let (Some(group), version) = group_of(api_version) {
        (group.defaults)(version, kind, object);
    }
}

/// Makes a validated object what the server returns.
pub(crate) fn finish(api_version: &str, kind: &str, object: &mut Value) {
    if let (Some(group), version) = group_of(api_version) {
        (group.finish)(version, kind, object);
    }
}

/// Puts an object without a namespace into the one a request without one goes to.
pub(crate) fn namespace(value: &mut Value) {
    if let Some(meta) = object(value, "metadata") {
        zero(meta, "namespace", "default");
    }
}

/// Drops repeated owners. upstream: dedupOwnerReferences
pub(crate) fn owner_references(value: &mut Value) {
    if let Some(owners) = value.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) {
        let mut kept: Vec<Value> = Vec::with_capacity(owners.len());
        for owner in owners.drain(..) {
            if !kept.contains(&owner) {
                kept.push(owner);
            }
        }
        *owners = kept;
    }
}

/// Where the server keeps track of generations and nobody may set the status on creation.
fn generation_and_status(_: &str, _: &str, object: &mut Value) {
    generation(object);
    remove(object, "status");
}

fn generation(value: &mut Value) {
    if let Some(meta) = self::object(value, "metadata") {
        set(meta, "generation", 1);
    }
}

/// A struct of an object, made when absent; `None` where something else stands.
fn object<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    let map = value.as_object_mut()?;
    let found = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if found.is_null() {
        *found = Value::Object(Map::new());
    }
    found.is_object().then_some(found)
}

/// A struct of an object, where there is one.
fn existing<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    value.get_mut(key).filter(|v| v.is_object())
}

/// The items of a list, where there is one.
fn items<'a>(value: &'a mut Value, key: &str) -> std::slice::IterMut<'a, Value> {
    value.get_mut(key).and_then(Value::as_array_mut).map(|v| v.iter_mut()).unwrap_or_default()
}

/// A string; empty when absent.
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// Sets a field.
fn set(value: &mut Value, key: &str, new: impl Into<Value>) {
    if let Some(map) = value.as_object_mut() {
        map.insert(key.to_owned(), new.into());
    }
}

/// Removes a field.
fn remove(value: &mut Value, key: &str) -> Option<Value> {
    value.as_object_mut()?.remove(key)
}

/// Sets a field that is absent (a pointer that is nil).
fn absent(value: &mut Value, key: &str, default: impl Into<Value>) {
    if value.get(key).is_none_or(Value::is_null) {
        set(value, key, default);
    }
}

/// Whether a field that is no pointer has its zero value.
fn is_zero(value: &Value, key: &str) -> bool {
    match value.get(key) {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::Number(n)) => n.as_f64() == Some(0.0),
        Some(Value::String(s)) => s.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Bool(true)) => false,
    }
}

/// Sets a field that is absent or zero (a field that is no pointer).
fn zero(value: &mut Value, key: &str, default: impl Into<Value>) {
    if is_zero(value, key) {
        set(value, key, default);
    }
}
