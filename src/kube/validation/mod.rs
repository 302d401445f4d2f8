//! What the API server checks after decoding, in its order and with its sentences. upstream: pkg/apis/*/validation
//!
//! Values are read with the server's defaults in mind: an absent field is what defaulting would have made of it.

#![allow(dead_code, clippy::needless_borrows_for_generic_args, reason = "groups come one by one")]

mod admissionregistration;
mod apiextensions;
mod apiregistration;
mod apps;
mod authorization;
mod autoscaling;
mod batch;
pub(super) mod certificates;
mod claim;
mod container;
mod coordination;
mod core;
mod discovery;
mod events;
mod flowcontrol;
mod meta;
mod networking;
mod node;
mod placement;
mod pod;
mod policy;
mod rbac;
mod resource;
mod resources;
mod scheduling;
mod security;
mod service;
mod storage;
mod storagemigration;
mod structural;
mod update;
mod update_core;
mod update_workloads;
mod volume;
mod webhook;

use serde_json::Value;

pub use update_core::service_with_allocated;

use super::check::Cause;
use super::decode::quote;
use super::field::Place;

/// The findings of one object.
#[derive(Debug, Default)]
pub(crate) struct Errors(pub(crate) Vec<Cause>);

/// A value that a sentence shows.
pub(crate) trait Shown {
    fn shown(&self) -> String;
}

impl Shown for str {
    fn shown(&self) -> String {
        quote(self)
    }
}

impl Shown for String {
    fn shown(&self) -> String {
        quote(self)
    }
}

impl Shown for i64 {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for bool {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for Value {
    fn shown(&self) -> String {
        shown(self)
    }
}

impl<T: Shown + ?Sized> Shown for &T {
    fn shown(&self) -> String {
        (**self).shown()
    }
}

/// A value already written as it is to be shown.
pub(crate) struct Raw(pub(crate) String);

impl Shown for Raw {
    fn shown(&self) -> String {
        self.0.clone()
    }
}

impl Errors {
    fn add(&mut self, reason: &'static str, at: &impl Place, message: String) {
        let path = at.path();
        self.0.push(Cause { reason, field: path.to_string(), message, path });
    }

    fn required(&mut self, at: &impl Place, detail: &str) {
        self.add("FieldValueRequired", at, with_detail("Required value", detail));
    }

    fn forbidden(&mut self, at: &impl Place, detail: &str) {
        self.add("FieldValueForbidden", at, with_detail("Forbidden", detail));
    }

    fn invalid(&mut self, at: &impl Place, value: impl Shown, detail: &str) {
        self.add("FieldValueInvalid", at, with_detail(&format!("Invalid value: {}", value.shown()), detail));
    }

    /// One error a detail.
    fn invalid_each(&mut self, at: &impl Place, value: impl Shown, details: Vec<String>) {
        for detail in details {
            self.invalid(at, &value, &detail);
        }
    }

    fn invalid_text(&mut self, at: &impl Place, value: &str, details: Vec<String>) {
        self.invalid_each(at, value, details);
    }

    fn invalid_number(&mut self, at: &impl Place, value: i64, details: Vec<String>) {
        self.invalid_each(at, value, details);
    }

    /// `supported` in the order in which the sentence shows it (upstream sorts most lists).
    fn unsupported(&mut self, at: &impl Place, value: impl Shown, supported: &[&str]) {
        let supported: Vec<String> = supported.iter().map(|s| quote(s)).collect();
        let message = format!("Unsupported value: {}: supported values: {}", value.shown(), supported.join(", "));
        self.add("FieldValueNotSupported", at, message);
    }

    fn duplicate(&mut self, at: &impl Place, value: impl Shown) {
        self.add("FieldValueDuplicate", at, format!("Duplicate value: {}", value.shown()));
    }

    fn not_found(&mut self, at: &impl Place, value: impl Shown) {
        self.add("FieldValueNotFound", at, format!("Not found: {}", value.shown()));
    }

    fn too_long(&mut self, at: &impl Place, limit: usize) {
        let bytes = if limit == 1 { "byte" } else { "bytes" };
        self.add("FieldValueTooLong", at, format!("Too long: may not be more than {limit} {bytes}"));
    }

    fn too_many(&mut self, at: &impl Place, count: usize, limit: usize) {
        let items = if limit == 1 { "item" } else { "items" };
        self.add("FieldValueTooMany", at, format!("Too many: {count}: must have at most {limit} {items}"));
    }

    /// upstream: ValidateNonnegativeField
    fn nonnegative(&mut self, at: &impl Place, value: i64) {
        if value < 0 {
            self.invalid(at, value, "must be greater than or equal to 0");
        }
    }
}

impl Errors {
    /// Takes over findings made below `at`.
    fn graft(&mut self, at: &impl Place, found: Self) {
        if found.0.is_empty() {
            return;
        }
        let base = at.path();
        for mut cause in found.0 {
            let mut path = base.clone();
            path.0.append(&mut cause.path.0);
            self.0.push(Cause { field: path.to_string(), path, ..cause });
        }
    }

    /// As [`Errors::invalid`], for a text whose type in Go is its own and that is therefore shown as JSON.
    fn unsupported_json(&mut self, at: &impl Place, value: &str, supported: &[&str]) {
        self.unsupported(at, Raw(json(&Value::from(value))), supported);
    }
}

/// JSON as Go writes it: without spaces, `<`, `>` and `&` escaped.
fn json(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}

/// A value that is absent.
const NOTHING: &Value = &Value::Null;

/// A struct that is no pointer: absent is as empty.
fn part<'a>(value: &'a Value, key: &str) -> &'a Value {
    get(value, key).unwrap_or(NOTHING)
}

/// A field of type boolean.
fn flag(value: &Value, key: &str) -> bool {
    get(value, key).and_then(Value::as_bool).unwrap_or(false)
}

/// The items of a list of strings.
fn texts<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a str> + Clone {
    list(value, key).iter().map(|v| v.as_str().unwrap_or(""))
}

/// The entries of a map.
fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    get(value, key).and_then(Value::as_object).into_iter().flatten().map(|(k, v)| (k.as_str(), v))
}

fn with_detail(phrase: &str, detail: &str) -> String {
    if detail.is_empty() { phrase.to_owned() } else { format!("{phrase}: {detail}") }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(s) => quote(s),
        other => json(other),
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

/// The entries of a map.
fn map<'a>(value: &'a Value, key: &str) -> Option<&'a serde_json::Map<String, Value>> {
    get(value, key).and_then(Value::as_object)
}

/// The entries of a map of strings.
fn strings<'a>(value: &'a Value, key: &str) -> Vec<(&'a str, &'a str)> {
    let entries = get(value, key).and_then(Value::as_object).into_iter().flatten();
    entries.map(|(k, v)| (k.as_str(), v.as_str().unwrap_or(""))).collect()
}

/// Checks of one group on creation: the findings, the version, the kind, and the object with its defaults.
type Create = fn(&mut Errors, version: &str, kind: &str, object: &Value);

/// Checks of one group on update: the findings, the version, the kind, the new object with its defaults, the old one.
type Update = fn(&mut Errors, version: &str, kind: &str, object: &Value, old: &Value);

/// One line a group; its file is named after it.
const GROUPS: &[(&str, Create, Update)] = &[
    ("", core::create, update_core::update),
    ("admissionregistration.k8s.io", admissionregistration::create, admissionregistration::update),
    ("apiextensions.k8s.io", apiextensions::create, apiextensions::update),
    ("apiregistration.k8s.io", apiregistration::create, apiregistration::update),
    ("apps", apps::create, update_workloads::apps),
    ("authorization.k8s.io", authorization::create, authorization::update),
    ("autoscaling", autoscaling::create, update_workloads::autoscaling),
    ("batch", batch::create, update_workloads::batch),
    ("certificates.k8s.io", certificates::create, certificates::update),
    ("coordination.k8s.io", coordination::create, coordination::update),
    ("discovery.k8s.io", discovery::create, discovery::update),
    ("events.k8s.io", events::create, events::update),
    ("flowcontrol.apiserver.k8s.io", flowcontrol::create, flowcontrol::update),
    ("networking.k8s.io", networking::create, networking::update),
    ("node.k8s.io", node::create, node::update),
    ("policy", policy::create, update_workloads::policy),
    ("rbac.authorization.k8s.io", rbac::create, rbac::update),
    ("resource.k8s.io", resource::create, resource::update),
    ("scheduling.k8s.io", scheduling::create, scheduling::update),
    ("storage.k8s.io", storage::create, storage::update),
    ("storagemigration.k8s.io", storagemigration::create, storagemigration::update),
];

fn group_of(api_version: &str) -> (Option<&'static (&'static str, Create, Update)>, &str) {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    (GROUPS.iter().find(|g| g.0 == group), version)
}

/// What creating `object` (with its defaults) is refused for; of kinds whose rules are not known nothing is.
pub(crate) fn validate(api_version: &str, kind: &str, object: &Value) -> Vec<Cause> {
    let mut errors = Errors::default();
    if let (Some(group), version) = group_of(api_version) {
        (group.1)(&mut errors, version, kind, object);
    }
    if errors.0.is_empty() && has_meta(kind) {
        // Every stored object is held against this, once its own rules are content. upstream: rest.BeforeCreate
        meta::object_meta(&mut errors, object, super::names::path_segment);
    }
    errors.0
}

/// Whether objects of the kind are stored and so have metadata.
fn has_meta(kind: &str) -> bool {
    !kind.ends_with("Review")
}

/// What the metadata of a custom resource is refused for.
pub(crate) fn custom_meta(object: &Value, _old: Option<&Value>) -> Vec<Cause> {
    let mut errors = Errors::default();
    meta::object_meta(&mut errors, object, super::names::dns1123_subdomain);
    // Unqualified finalizers are only warned about.
    errors.0.retain(|c| !c.message.ends_with("name is neither a standard finalizer name nor is it fully qualified"));
    errors.0
}

/// What the metadata of a resource inside of another is refused for; it needs no name.
pub(crate) fn embedded_meta(meta: &serde_json::Map<String, Value>) -> Vec<Cause> {
    let mut meta = meta.clone();
    if meta.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
        meta.insert("name".to_owned(), "fakename".into());
    }
    let mut errors = Errors::default();
    meta::object_meta(&mut errors, &serde_json::json!({ "metadata": meta }), super::names::path_segment);
    errors.0
}

/// What replacing `old` by `object` (both with their defaults) is refused for.
pub(crate) fn validate_update(api_version: &str, kind: &str, object: &Value, old: &Value) -> Vec<Cause> {
    let mut errors = Errors::default();
    // upstream: rest.BeforeUpdate
    meta::object_meta(&mut errors, object, super::names::path_segment);
    update::object_meta_update(&mut errors, object, old);
    if let (Some(group), version) = group_of(api_version) {
        (group.2)(&mut errors, version, kind, object, old);
    }
    each_once(errors)
}

/// What adding ephemeral containers to a pod is refused for.
pub(crate) fn validate_ephemeral_containers(pod: &Value, old: &Value) -> Vec<Cause> {
    let mut errors = Errors::default();
    meta::object_meta(&mut errors, pod, super::names::path_segment);
    update::object_meta_update(&mut errors, pod, old);
    update_core::ephemeral_containers(&mut errors, pod, old);
    each_once(errors)
}

fn each_once(mut errors: Errors) -> Vec<Cause> {
    let mut told = Vec::new();
    errors.0.retain(|cause| {
        let new = !told.contains(cause);
        told.push(cause.clone());
        new
    });
    errors.0
}
