//! Metadata, labels and selectors. upstream: apimachinery/pkg/api/validation, apis/meta/v1/validation

use serde_json::Value;

use super::super::field::At;
use super::super::field::Place;
use super::super::names;
use super::super::scope;
use super::{Errors, NOTHING, Raw, entries, flag, get, int, json, list, part, strings, text, texts};

/// How long the part of a generated name may be that the user gives.
const GENERATED_PREFIX: usize = 58;

/// upstream: ValidateObjectMeta
pub(super) fn object_meta(errors: &mut Errors, object: &Value, check: fn(&str) -> Vec<String>) {
    let path = At::new("metadata");
    let meta = part(object, "metadata");
    let (name, prefix) = (text(meta, "name"), text(meta, "generateName"));
    if !prefix.is_empty() {
        let masked = match prefix.strip_suffix('-') {
            // The character before the dash goes with it.
            Some(head) if !head.is_empty() => format!("{}a", head.char_indices().next_back().map_or("", |(i, _)| &head[..i])),
            _ => prefix.to_owned(),
        };
        errors.invalid_text(&path.child("generateName"), prefix, check(&masked));
    }
    if !name.is_empty() {
        errors.invalid_text(&path.child("name"), name, check(name));
    } else if prefix.is_empty() {
        errors.required(&path.child("name"), "name or generateName is required");
    } else {
        let end = (0..=GENERATED_PREFIX.min(prefix.len())).rev().find(|i| prefix.is_char_boundary(*i)).unwrap_or(0);
        let generated = format!("{}xxxxx", &prefix[..end]);
        errors.invalid_text(&path.child("name"), &generated, check(&generated));
    }
    let namespace = text(meta, "namespace");
    if scope::is_namespaced(text(object, "apiVersion"), text(object, "kind")) && !namespace.is_empty() {
        errors.invalid_text(&path.child("namespace"), namespace, names::dns1123_label(namespace));
    }
    errors.nonnegative(&path.child("generation"), int(meta, "generation").unwrap_or(0));
    labels(errors, meta, "labels", &path.child("labels"));
    annotations(errors, meta, &path.child("annotations"));
    owner_references(errors, meta, &path.child("ownerReferences"));
    finalizers(errors, meta, &path.child("finalizers"));
}

/// upstream: ValidateOwnerReferences
fn owner_references(errors: &mut Errors, meta: &Value, at: &At<'_>) {
    let mut controller: Option<String> = None;
    for owner in list(meta, "ownerReferences") {
        let (version, kind) = (text(owner, "apiVersion"), text(owner, "kind"));
        // A text with several slashes is no version at all.
        let readable = version.matches('/').count() < 2;
        if !readable || version.rsplit('/').next().is_none_or(str::is_empty) {
            errors.invalid(&at.child("apiVersion"), version, "version must not be empty");
        }
        for field in ["kind", "name", "uid"] {
            let value = text(owner, field);
            if value.is_empty() {
                errors.invalid(&at.child(field), value, "must not be empty");
            }
        }
        if (version, kind) == ("v1", "Event") {
            errors.invalid(at, Raw(owner_text(owner)), "/v1, Kind=Event is disallowed from being an owner");
        }
        if flag(owner, "controller") {
            let this = format!("{kind}/{}", text(owner, "name"));
            match &controller {
                Some(first) => {
                    let all: Vec<String> = list(meta, "ownerReferences").iter().map(owner_text).collect();
                    let detail =
                        format!("Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}");
                    errors.invalid(at, Raw(format!("[{}]", all.join(","))), &detail);
                }
                None => controller = Some(this),
            }
        }
    }
}

fn owner_text(owner: &Value) -> String {
    let mut fields: Vec<String> =
        ["apiVersion", "kind", "name", "uid"].iter().map(|f| format!("\"{f}\":{}", json(&text(owner, f).into()))).collect();
    for field in ["controller", "blockOwnerDeletion"] {
        if let Some(value) = get(owner, field) {
            fields.push(format!("\"{field}\":{value}"));
        }
    }
    format!("{{{}}}", fields.join(","))
}

/// upstream: ValidateFinalizers, validateKubeFinalizerName
fn finalizers(errors: &mut Errors, meta: &Value, at: &At<'_>) {
    let all = texts(meta, "finalizers");
    for finalizer in all.clone() {
        errors.invalid_text(at, finalizer, names::qualified_name(finalizer));
    }
    if all.clone().any(|f| f == "orphan") && all.clone().any(|f| f == "foregroundDeletion") {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.invalid(at, part(meta, "finalizers"), detail);
    }
    for (i, finalizer) in all.enumerate() {
        kube_finalizer(errors, finalizer, &at.index(i));
    }
}

/// upstream: validateKubeFinalizerName
pub(super) fn kube_finalizer(errors: &mut Errors, finalizer: &str, at: &impl Place) {
    if !finalizer.contains('/') && !["kubernetes", "orphan", "foregroundDeletion"].contains(&finalizer) {
        errors.invalid(at, finalizer, "name is neither a standard finalizer name nor is it fully qualified");
    }
}

/// upstream: ValidateLabels
pub(super) fn labels(errors: &mut Errors, value: &Value, key: &str, at: &impl Place) {
    for (name, value) in entries(value, key) {
        let value = value.as_str().unwrap_or("");
        errors.invalid_text(at, name, names::qualified_name(name));
        errors.invalid_text(at, value, names::label_value(value));
    }
}

/// upstream: ValidateLabelName
pub(super) fn label_name(errors: &mut Errors, name: &str, at: &impl Place) {
    errors.invalid_text(at, name, names::qualified_name(name));
}

/// upstream: ValidateAnnotations
pub(super) fn annotations(errors: &mut Errors, meta: &Value, at: &impl Place) {
    let mut size = 0;
    for (name, value) in entries(meta, "annotations") {
        errors.invalid_text(at, name, names::qualified_name(&name.to_lowercase()));
        size += name.len() + value.as_str().map_or(0, str::len);
    }
    if size > 256 * 1024 {
        errors.too_long(at, 256 * 1024);
    }
}

/// upstream: ValidateLabelSelector
pub(super) fn selector(errors: &mut Errors, selector: &Value, at: &impl Place) {
    errors.graft(at, faults(selector));
}

fn faults(selector: &Value) -> Errors {
    let mut errors = Errors::default();
    labels(&mut errors, selector, "matchLabels", &At::new("matchLabels"));
    for (i, requirement) in list(selector, "matchExpressions").iter().enumerate() {
        let root = At::root();
        let at = root.item("matchExpressions", i);
        let values = list(requirement, "values");
        match text(requirement, "operator") {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(&at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(&at.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => errors.invalid(&at.child("operator"), other, "not a valid selector operator"),
        }
        label_name(&mut errors, text(requirement, "key"), &at.child("key"));
        for (j, value) in texts(requirement, "values").enumerate() {
            errors.invalid_text(&at.item("values", j), value, names::label_value(value));
        }
    }
    errors
}

/// Whether a selector is malformed, and so selects nothing that could be compared. upstream: LabelSelectorAsSelector
pub(super) fn malformed(selector: &Value) -> bool {
    !faults(selector).0.is_empty()
}

/// Whether labels match a selector; `None` when the selector is malformed.
pub(super) fn matches(selector: &Value, labels: &[(&str, &str)]) -> Option<bool> {
    if malformed(selector) {
        return None;
    }
    let value = |key: &str| labels.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
    let plain = strings(selector, "matchLabels").iter().all(|(k, v)| value(k) == Some(v));
    let all = list(selector, "matchExpressions").iter().all(|r| {
        let found = value(text(r, "key"));
        let listed = found.is_some_and(|f| list(r, "values").iter().any(|v| v.as_str() == Some(f)));
        match text(r, "operator") {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => found.is_some(),
            _ => found.is_none(),
        }
    });
    Some(plain && all)
}

/// A selector as Go writes it: what is empty is left out.
pub(super) fn shown_selector(selector: &Value) -> Raw {
    if selector.is_null() {
        return Raw("null".to_owned());
    }
    let mut fields = Vec::new();
    if entries(selector, "matchLabels").next().is_some() {
        fields.push(format!("\"matchLabels\":{}", json(part(selector, "matchLabels"))));
    }
    let requirement = |r: &Value| {
        let (key, operator) = (json(&text(r, "key").into()), json(&text(r, "operator").into()));
        let values = match list(r, "values") {
            [] => String::new(),
            _ => format!(",\"values\":{}", json(part(r, "values"))),
        };
        format!("{{\"key\":{key},\"operator\":{operator}{values}}}")
    };
    let requirements: Vec<String> = list(selector, "matchExpressions").iter().map(requirement).collect();
    if !requirements.is_empty() {
        fields.push(format!("\"matchExpressions\":[{}]", requirements.join(",")));
    }
    Raw(format!("{{{}}}", fields.join(",")))
}

/// Whether a selector has no requirement.
pub(super) fn is_empty(selector: &Value) -> bool {
    strings(selector, "matchLabels").is_empty() && list(selector, "matchExpressions").is_empty()
}

/// A template's metadata, where only labels and annotations may be set. upstream: ValidateTemplateObjectMeta
pub(super) fn template_meta(errors: &mut Errors, meta: &Value, at: &At<'_>) {
    annotations(errors, meta, &at.child("annotations"));
    labels(errors, meta, "labels", &at.child("labels"));
    let fields = [
        ("name", "name"),
        ("generateName", "generateName"),
        ("namespace", "namespace"),
        ("selfLink", "selfLink"),
        ("uid", "uID"),
        ("resourceVersion", "resourceVersion"),
        ("generation", "generation"),
        ("creationTimestamp", "creationTimestamp"),
        ("deletionTimestamp", "deletionTimestamp"),
        ("deletionGracePeriodSeconds", "deletionGracePeriodSeconds"),
        ("ownerReferences", "ownerReferences"),
        ("finalizers", "finalizers"),
        ("managedFields", "managedFields"),
    ];
    for (field, spelled) in fields {
        let set = match part(meta, field) {
            Value::Null => false,
            Value::String(s) => !s.is_empty(),
            Value::Number(n) => field.starts_with("deletion") || n.as_i64() != Some(0),
            _ => true,
        };
        if set {
            errors.forbidden(&at.child(spelled), "cannot be set");
        }
    }
}

/// The labels of a template.
pub(super) fn labels_of(template: &Value) -> Vec<(&str, &str)> {
    strings(get(template, "metadata").unwrap_or(NOTHING), "labels")
}
