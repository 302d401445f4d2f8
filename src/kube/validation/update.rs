//! What every update is held against: metadata and fields that may not change.
//! upstream: apimachinery/pkg/api/validation/objectmeta.go

use serde_json::Value;

use super::super::check::Cause;
use super::super::field::At;
use super::super::field::{Place, Step};
use super::super::internal;
use super::super::names;
use super::super::quantity;
use super::{Create, Errors, Raw, Shown, get, list, meta, text};

/// What a field that changed is told.
pub(super) const IMMUTABLE: &str = "field is immutable";

impl Errors {
    /// upstream: ValidateImmutableField
    pub(super) fn immutable<T: Shown + PartialEq>(&mut self, at: &impl Place, new: T, old: T) {
        if new != old {
            self.invalid(at, new, IMMUTABLE);
        }
    }

    /// As [`Errors::immutable`], for values that are shown as they are; absent and empty are the same.
    pub(super) fn immutable_value(&mut self, at: &impl Place, new: Option<&Value>, old: Option<&Value>) {
        if !same(new, old) {
            self.invalid(at, new.unwrap_or(&Value::Null), IMMUTABLE);
        }
    }

    /// As [`Errors::immutable`], for values that are shown as the internal type `ty`.
    pub(super) fn immutable_as(&mut self, at: &impl Place, new: Option<&Value>, old: Option<&Value>, ty: &str) {
        if !internal::equal(ty, new, old) {
            self.invalid(at, shown_as(ty, new), IMMUTABLE);
        }
    }
}

/// A value shown as the internal type `ty`.
pub(super) fn shown_as(ty: &str, value: Option<&Value>) -> Raw {
    Raw(internal::compact(ty, value))
}

/// Whether two values are semantically equal: an absent one equals an empty list or map, and zero values are absent.
/// upstream: equality.Semantic.DeepEqual
pub(super) fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a.filter(|v| !v.is_null()), b.filter(|v| !v.is_null())) {
        (None, None) => true,
        (Some(v), None) | (None, Some(v)) => is_zero(v),
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            a.iter().all(|(k, v)| same(Some(v), b.get(k))) && b.iter().all(|(k, v)| a.contains_key(k) || same(None, Some(v)))
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(Some(a), Some(b))),
        (Some(a), Some(b)) => a == b,
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_zero),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// upstream: ValidateObjectMetaUpdate
pub(super) fn object_meta_update(errors: &mut Errors, object: &Value, old: &Value) {
    let path = At::new("metadata");
    let (meta, old) = (get(object, "metadata").unwrap_or(&Value::Null), get(old, "metadata").unwrap_or(&Value::Null));
    for field in ["name", "namespace"] {
        let (new, old) = (text(meta, field), text(old, field));
        // A file may leave the namespace to the request.
        if !new.is_empty() && !old.is_empty() {
            errors.immutable(&path.child(field), new, old);
        }
    }
    meta_of_both(errors, meta);
}

fn meta_of_both(errors: &mut Errors, meta: &Value) {
    let path = super::super::field::Path::new("metadata");
    meta::labels(errors, meta, "labels", &path.child("labels"));
    meta::annotations(errors, meta, &path.child("annotations"));
}

/// A selector whose values need not be well-formed where an old one's were not. upstream: ValidateLabelSelector
pub(super) fn selector_with(errors: &mut Errors, selector: &Value, any_value: bool, at: &impl Place) {
    let path = at.path();
    let before = errors.0.len();
    meta::selector(errors, selector, &path);
    if any_value {
        let values = path.child("matchExpressions").to_string();
        let mut index = 0;
        errors.0.retain(|cause| {
            index += 1;
            index <= before || !(cause.field.starts_with(&values) && cause.field.contains(".values["))
        });
    }
}

/// Whether a value of a selector's expressions is no label value. upstream: LabelSelectorHasInvalidLabelValue
pub(super) fn has_wrong_value(selector: &Value) -> bool {
    let values = list(selector, "matchExpressions").iter().flat_map(|e| list(e, "values"));
    values.filter_map(Value::as_str).any(|v| !names::label_value(v).is_empty())
}

/// upstream: ValidateNonnegativeQuantity
pub(super) fn nonnegative_quantity(errors: &mut Errors, value: &Value, at: &impl Place) {
    let given = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if quantity::parse(&given).is_ok_and(|q| q.nanos < 0) {
        errors.invalid(at, &given, "must be greater than or equal to 0");
    }
}

/// What creating `object` would be refused for and `old` would not: an update does not answer for what is already there.
pub(super) fn revalidated(errors: &mut Errors, create: Create, version: &str, kind: &str, object: &Value, old: &Value) {
    let mut found = Errors::default();
    create(&mut found, version, kind, object);
    if found.0.is_empty() {
        return;
    }
    let mut before = Errors::default();
    create(&mut before, version, kind, old);
    errors.0.extend(found.0.into_iter().filter(|cause| !before.0.contains(cause)).filter_map(|cause| se_linux(cause, old)));
}

/// Where the old object states how volumes are relabelled, the new one may choose freely.
/// upstream: useOnlyRecursiveSELinuxChangePolicy
fn se_linux(mut cause: Cause, old: &Value) -> Option<Cause> {
    if !cause.field.ends_with("securityContext.seLinuxChangePolicy") {
        return Some(cause);
    }
    let step = |value: &'_ Value, step: &Step| match step {
        Step::Field(name) | Step::Key(name) => value.get(name).cloned(),
        Step::Index(i) => value.get(i).cloned(),
    };
    let stated = cause.path.0.iter().try_fold(old.clone(), |value, s| step(&value, s)).is_some_and(|v| !v.is_null());
    if stated {
        if cause.message.starts_with("Unsupported value: \"MountOption\"") {
            return None;
        }
        cause.message = cause.message.replace("supported values: \"Recursive\"", "supported values: \"MountOption\", \"Recursive\"");
    }
    Some(cause)
}
