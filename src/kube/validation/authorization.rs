//! Access reviews. upstream: pkg/apis/authorization/validation

use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::{Errors, get, list, text, update};

const NOTHING: &Value = &Value::Null;

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, _version: &str, kind: &str, object: &Value) {
    let local = kind == "LocalSubjectAccessReview";
    if !local && !matches!(kind, "SubjectAccessReview" | "SelfSubjectAccessReview") {
        return;
    }
    let spec = get(object, "spec").unwrap_or(NOTHING);
    review(errors, spec, kind == "SelfSubjectAccessReview");
    let meta = get(object, "metadata").unwrap_or(NOTHING);
    let used = |key: &str, value: &Value| !(key == "managedFields" || (local && key == "namespace") || update::same(Some(value), None));
    if meta.as_object().is_some_and(|m| m.iter().any(|(k, v)| used(k, v))) {
        let detail = if local { "must be empty except for namespace" } else { "must be empty" };
        errors.invalid(&At::new("metadata"), update::shown_as("v1.ObjectMeta", Some(meta)), detail);
    }
    if local {
        // The namespace of the request is that of the object.
        let namespace = match text(meta, "namespace") {
            "" => "default",
            given => given,
        };
        if let Some(resource) = get(spec, "resourceAttributes")
            && text(resource, "namespace") != namespace
        {
            let at = At::new("spec.resourceAttributes.namespace");
            errors.invalid(&at, text(resource, "namespace"), "must match metadata.namespace");
        }
        if let Some(other) = get(spec, "nonResourceAttributes") {
            let shown = update::shown_as("authorization.NonResourceAttributes", Some(other));
            errors.invalid(&At::new("spec.nonResourceAttributes"), shown, "disallowed on this kind of request");
        }
    }
}

/// Reviews are not stored.
pub(super) fn update(_: &mut Errors, _version: &str, _kind: &str, _object: &Value, _old: &Value) {}

/// upstream: ValidateSubjectAccessReviewSpec, ValidateSelfSubjectAccessReviewSpec
fn review(errors: &mut Errors, spec: &Value, own: bool) {
    let path = At::new("spec");
    let (resource, other) = (get(spec, "resourceAttributes"), get(spec, "nonResourceAttributes"));
    if let (Some(_), Some(other)) = (resource, other) {
        let shown = update::shown_as("authorization.NonResourceAttributes", Some(other));
        errors.invalid(&path.child("nonResourceAttributes"), shown, "cannot be specified in combination with resourceAttributes");
    }
    if resource.is_none() && other.is_none() {
        let detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        errors.invalid(&path.child("resourceAttributes"), NOTHING, detail);
    }
    if !own && text(spec, "user").is_empty() && list(spec, "groups").is_empty() {
        errors.invalid(&path.child("user"), "", "at least one of user or group must be specified");
    }
    let Some(resource) = resource else { return };
    let path = path.child("resourceAttributes");
    for field in ["fieldSelector", "labelSelector"] {
        let Some(selector) = get(resource, field) else { continue };
        let at = path.child(field);
        let (raw, requirements) = (text(selector, "rawSelector"), list(selector, "requirements"));
        if !raw.is_empty() && !requirements.is_empty() {
            errors.invalid(&at.child("rawSelector"), raw, "may not specified at the same time as requirements");
        }
        if raw.is_empty() && requirements.is_empty() {
            let detail = format!("when spec.resourceAttributes.{field} is specified, requirements or rawSelector is required");
            errors.required(&at.child("requirements"), &detail);
        }
        for (i, one) in requirements.iter().enumerate() {
            requirement(errors, one, field == "labelSelector", &at.item("requirements", i));
        }
    }
}

/// upstream: ValidateFieldSelectorRequirement, ValidateLabelSelectorRequirement, unknown operators allowed
fn requirement(errors: &mut Errors, requirement: &Value, label: bool, at: &At<'_>) {
    let (key, values) = (text(requirement, "key"), list(requirement, "values"));
    if !label && key.is_empty() {
        errors.required(&at.child("key"), "must be specified");
    }
    match text(requirement, "operator") {
        "In" | "NotIn" if values.is_empty() => {
            errors.required(&at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            errors.forbidden(&at.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        }
        _ => {}
    }
    if label {
        errors.invalid_each(&at.child("key"), key, names::qualified_name(key));
        for (i, value) in values.iter().filter_map(Value::as_str).enumerate() {
            errors.invalid_each(&at.item("values", i), value, names::label_value(value));
        }
    }
}
