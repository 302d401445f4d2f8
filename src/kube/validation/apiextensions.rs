//! Definitions of custom resources. upstream: apiextensions-apiserver/pkg/apis/apiextensions/validation
//!
//! The server reads a definition in the shape of its own type: what all versions have in common stands once, at the top.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::structural;
use super::structural::schema_of;
use super::{Errors, get, list, map, meta, text, texts, update, webhook};
use crate::sprig;

const NOTHING: &Value = &Value::Null;
const COMMON: &[&str] = &["schema", "subresources", "additionalPrinterColumns", "selectableFields"];
const APPROVAL: &str = "api-approved.kubernetes.io";

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, _version: &str, kind: &str, object: &Value) {
    if kind != "CustomResourceDefinition" {
        return;
    }
    let spec = &converted(get(object, "spec").unwrap_or(NOTHING));
    meta::object_meta(errors, object, names::dns1123_subdomain);
    let owner = get(object, "metadata").unwrap_or(NOTHING);
    let wanted = format!("{}.{}", text(get(spec, "names").unwrap_or(NOTHING), "plural"), text(spec, "group"));
    for field in ["generateName", "name"] {
        let name = text(owner, field);
        if !name.is_empty() && name != wanted {
            errors.invalid(&At::new("metadata").child(field), name, "must be spec.names.plural+\".\"+spec.group");
        }
    }
    definition(errors, spec, &Options { schemas: true, structural: true });
    stored_versions(errors, spec, &first_storage(spec));
    approval(errors, owner, spec, None);
    if get(spec, "preserveUnknownFields").and_then(Value::as_bool) == Some(true) {
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.invalid(&At::new("spec.preserveUnknownFields"), true, detail);
    }
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, _version: &str, kind: &str, object: &Value, old: &Value) {
    if kind != "CustomResourceDefinition" {
        return;
    }
    let spec = &converted(get(object, "spec").unwrap_or(NOTHING));
    let old_spec = &converted(get(old, "spec").unwrap_or(NOTHING));
    let status = get(old, "status").unwrap_or(NOTHING);
    let has_schema = |spec: &Value| {
        get(spec, "validation").is_some_and(|v| get(v, "openAPIV3Schema").is_some())
            || list(spec, "versions").iter().all(|v| schema_of(v).is_some())
    };
    let sound = |spec: &Value| {
        schemas(spec).all(|schema| {
            let mut errors = Errors::default();
            structural::check(&mut errors, schema, &At::root());
            structural::unsupported(schema, 0).is_none() && errors.0.is_empty()
        })
    };
    definition(errors, spec, &Options { schemas: has_schema(old_spec), structural: sound(old_spec) });
    let path = At::new("spec");
    let established = list(status, "conditions").iter().any(|c| text(c, "type") == "Established" && text(c, "status") == "True");
    let name = |spec: &Value, field: &str| text(get(spec, "names").unwrap_or(NOTHING), field).to_owned();
    if established {
        errors.immutable(&path.child("scope"), text(spec, "scope"), text(old_spec, "scope"));
        errors.immutable(&path.child("names.kind"), name(spec, "kind"), name(old_spec, "kind"));
        bundle(errors, spec, old_spec);
    }
    errors.immutable(&path.child("group"), text(spec, "group"), text(old_spec, "group"));
    errors.immutable(&path.child("names.plural"), name(spec, "plural"), name(old_spec, "plural"));
    let mut stored: Vec<&str> = texts(status, "storedVersions").collect();
    if stored.is_empty() {
        stored = first_storage(old_spec);
    }
    stored.extend(first_storage(spec).into_iter().filter(|v| !stored.contains(v)).collect::<Vec<_>>());
    stored_versions(errors, spec, &stored);
    approval(errors, get(object, "metadata").unwrap_or(NOTHING), spec, Some(get(old, "metadata").unwrap_or(NOTHING)));
}

/// A certificate bundle of an established definition must be one, where it was one before.
fn bundle(errors: &mut Errors, spec: &Value, old: &Value) {
    let of = |spec: &Value| {
        let client = get(spec, "conversion").and_then(|c| get(c, "webhookClientConfig"));
        client.map_or("", |c| text(c, "caBundle")).to_owned()
    };
    let wrong = |bundle: &str| !bundle.is_empty() && !super::certificates::has_pem(bundle, "CERTIFICATE");
    let (new, old) = (of(spec), of(old));
    if wrong(&new) && !wrong(&old) {
        let detail = "unable to load root certificates: unable to parse bytes as PEM block";
        errors.invalid(&At::new("spec.conversion.webhookClientConfig.caBundle"), new, detail);
    }
}

struct Options {
    schemas: bool,
    structural: bool,
}

/// A spec in the shape of the server's own type. upstream: pkg/apis/apiextensions/v1/conversion.go
///
/// Schemas are large: each is copied once at most.
pub(super) fn converted(spec: &Value) -> Value {
    let Some(given) = spec.as_object() else { return spec.clone() };
    let mut fields: Map<String, Value> = given.iter().filter(|(key, _)| *key != "versions").map(|(k, v)| (k.clone(), v.clone())).collect();
    if let Some(conversion) = fields.get_mut("conversion").and_then(Value::as_object_mut)
        && let Some(Value::Object(mut hook)) = conversion.remove("webhook")
    {
        if let Some(client) = hook.remove("clientConfig") {
            conversion.insert("webhookClientConfig".to_owned(), client);
        }
        if let Some(versions) = hook.remove("conversionReviewVersions") {
            conversion.insert("conversionReviewVersions".to_owned(), versions);
        }
    }
    fields.entry("preserveUnknownFields").or_insert(Value::Bool(false));
    let Some(Value::Array(versions)) = given.get("versions") else {
        fields.extend(given.get("versions").map(|v| ("versions".to_owned(), v.clone())));
        return Value::Object(fields);
    };
    let mut shared: Vec<&str> = Vec::new();
    if let Some(first) = versions.first() {
        fields.insert("version".to_owned(), Value::String(text(first, "name").to_owned()));
        for field in COMMON {
            if versions.iter().all(|v| alike(get(v, field), get(first, field))) {
                shared.push(field);
                if let Some(value) = get(first, field) {
                    let top = if *field == "schema" { "validation" } else { field };
                    fields.insert(top.to_owned(), value.clone());
                }
            }
        }
    }
    let own = |version: &Value| match version {
        Value::Object(all) => {
            Value::Object(all.iter().filter(|(key, _)| !shared.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect())
        }
        other => other.clone(),
    };
    fields.insert("versions".to_owned(), versions.iter().map(own).collect());
    Value::Object(fields)
}

/// Whether a field of two versions is the same; an absent struct is no empty one.
fn alike(a: Option<&Value>, b: Option<&Value>) -> bool {
    let present = |v: Option<&Value>| v.is_some_and(|v| v.as_array().is_none_or(|a| !a.is_empty()));
    present(a) == present(b) && update::same(a, b)
}

/// All schemas of a definition.
fn schemas(spec: &Value) -> impl Iterator<Item = &Value> {
    let top = get(spec, "validation").and_then(|v| get(v, "openAPIV3Schema"));
    top.into_iter().chain(list(spec, "versions").iter().filter_map(schema_of))
}

fn first_storage(spec: &Value) -> Vec<&str> {
    let stored = |v: &&Value| get(v, "storage").and_then(Value::as_bool) == Some(true);
    list(spec, "versions").iter().find(stored).map(|v| text(v, "name")).into_iter().collect()
}

/// upstream: ValidateCustomResourceDefinitionStoredVersions
fn stored_versions(errors: &mut Errors, spec: &Value, stored: &[&str]) {
    let at = At::new("status.storedVersions");
    if stored.is_empty() {
        return errors.invalid(&at, NOTHING, "must have at least one stored version");
    }
    let shown = Value::from(stored.to_vec());
    let mut left: Vec<(usize, &str)> = stored.iter().copied().enumerate().collect();
    for version in list(spec, "versions") {
        let name = text(version, "name");
        let known = left.iter().any(|(_, v)| *v == name);
        if get(version, "storage").and_then(Value::as_bool) == Some(true) && !known {
            errors.invalid(&at, &shown, &format!("must have the storage version {name}"));
        }
        left.retain(|(_, v)| *v != name);
    }
    for (i, v) in left {
        let detail = format!(
            "missing from spec.versions; {v} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {v} and removes {v} from status.storedVersions"
        );
        errors.invalid(&at.index(i), v, &detail);
    }
}

/// upstream: validateAPIApproval
fn approval(errors: &mut Errors, owner: &Value, spec: &Value, old: Option<&Value>) {
    let group = text(spec, "group");
    let protected = ["k8s.io", "kubernetes.io"].iter().any(|g| group == *g || group.ends_with(&format!(".{g}")));
    if !protected {
        return;
    }
    let given = |owner: &Value| map(owner, "annotations").and_then(|a| a.get(APPROVAL)).and_then(Value::as_str).unwrap_or("").to_owned();
    let state = |annotation: &str| match annotation {
        "" => 3,
        a if a.starts_with("unapproved") => 2,
        a if sprig::url_parts(a).is_ok_and(|u| !u.host.is_empty() && !u.scheme.is_empty()) => 1,
        _ => 0,
    };
    let annotation = given(owner);
    let now = state(&annotation);
    if old.is_some_and(|old| state(&given(old)) == now) {
        return;
    }
    let path = At::new("metadata");
    let at = path.entry("annotations", APPROVAL);
    let start = format!("protected groups must have approval annotation \"{APPROVAL}\"");
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    match now {
        3 => errors.required(&at, &format!("{start}, {see}")),
        0 => errors.invalid(&at, annotation, &format!("{start} with either a URL or a reason starting with \"unapproved\", {see}")),
        _ => {}
    }
}

/// upstream: validateCustomResourceDefinitionSpec
fn definition(errors: &mut Errors, spec: &Value, options: &Options) {
    let path = At::new("spec");
    group(errors, text(spec, "group"), &path.child("group"));
    one_of(errors, text(spec, "scope"), &["Cluster", "Namespaced"], &path.child("scope"));
    let versions = list(spec, "versions");
    let preserves = get(spec, "preserveUnknownFields").and_then(Value::as_bool) == Some(true);
    let top = get(spec, "validation").and_then(|v| get(v, "openAPIV3Schema"));
    for (i, version) in versions.iter().enumerate().filter(|(_, v)| top.is_none() && schema_of(v).is_none()) {
        let at = path.item("versions", i);
        if options.schemas {
            errors.required(&at.child("schema.openAPIV3Schema"), "");
        } else if !preserves && get(version, "served").and_then(Value::as_bool) == Some(true) {
            errors.required(&at.child("schema.openAPIV3Schema"), "because otherwise all fields are pruned");
        }
    }
    let defaults = schemas(spec).any(|s| structural::any(s, &|s| get(s, "default").is_some(), 0));
    if defaults && preserves {
        let detail = "must be false in order to use defaults in the schema";
        errors.invalid(&path.child("preserveUnknownFields"), true, detail);
    }
    let structural = options.structural || !preserves || defaults || schemas(spec).any(|s| structural::any(s, &extended, 0));
    versions_of(errors, spec, structural, &path);
    for field in ["plural", "singular", "kind", "listKind"] {
        if text(get(spec, "names").unwrap_or(NOTHING), field).is_empty() {
            errors.required(&path.child("names").child(field), "");
        }
    }
    names_of(errors, get(spec, "names").unwrap_or(NOTHING), &path.child("names"));
    let status = std::iter::once(spec).chain(versions).any(has_status);
    if let Some(schema) = top {
        structural::schema(errors, schema, status, structural, &path.child("validation.openAPIV3Schema"));
    }
    served(errors, spec, top, &path);
    conversion(errors, spec, preserves, &path.child("conversion"));
}

/// upstream: schemaHasKubernetesExtensions
fn extended(schema: &Value) -> bool {
    let on = |key: &str| get(schema, key).and_then(Value::as_bool) == Some(true);
    on("x-kubernetes-embedded-resource")
        || on("x-kubernetes-int-or-string")
        || get(schema, "x-kubernetes-preserve-unknown-fields").is_some()
        || get(schema, "x-kubernetes-list-type").is_some()
        || !list(schema, "x-kubernetes-list-map-keys").is_empty()
        || !list(schema, "x-kubernetes-validations").is_empty()
}

fn group(errors: &mut Errors, group: &str, at: &At<'_>) {
    let wrong = names::dns1123_subdomain(group);
    if group.is_empty() {
        errors.required(at, "");
    } else if !wrong.is_empty() {
        errors.invalid(at, group, &wrong.join(","));
    } else if !group.contains('.') {
        errors.invalid(at, group, "should be a domain with at least one dot");
    }
}

/// upstream: validateEnumStrings
fn one_of(errors: &mut Errors, value: &str, known: &[&str], at: &At<'_>) {
    if value.is_empty() {
        errors.required(at, "");
    } else if !known.contains(&value) {
        errors.unsupported(at, value, known);
    }
}

fn has_status(owner: &Value) -> bool {
    get(owner, "subresources").is_some_and(|s| get(s, "status").is_some())
}

fn versions_of(errors: &mut Errors, spec: &Value, structural: bool, path: &At<'_>) {
    let versions = list(spec, "versions");
    let by_version = versions.iter().any(|v| get(v, "subresources").is_some());
    let mut seen = BTreeSet::new();
    let mut unique = true;
    for (i, version) in versions.iter().enumerate() {
        let name = text(version, "name");
        let at = path.item("versions", i);
        unique &= seen.insert(name);
        let wrong = names::dns1035_label(name);
        if !wrong.is_empty() {
            errors.invalid(&at.child("name"), name, &wrong.join(","));
        }
        let first = versions.iter().find(|v| text(v, "name") == name).unwrap_or(version);
        let status = has_status(if by_version { first } else { spec });
        deprecation(errors, version, &at.child("deprecationWarning"));
        if let Some(schema) = schema_of(version) {
            structural::schema(errors, schema, status, structural, &at.child("schema.openAPIV3Schema"));
        }
        served(errors, version, schema_of(version), &at);
    }
    let at = path.child("versions");
    let shown = || update::shown_as("[]apiextensions.CustomResourceDefinitionVersion", get(spec, "versions"));
    if !unique {
        errors.invalid(&at, shown(), "must contain unique version names");
    }
    let stored = versions.iter().filter(|v| get(v, "storage").and_then(Value::as_bool) == Some(true)).count();
    if stored != 1 {
        errors.invalid(&at, shown(), "must have exactly one version marked as storage version");
    }
    let first = text(spec, "version");
    let wrong = names::dns1035_label(first);
    if !first.is_empty() && !wrong.is_empty() {
        errors.invalid(&path.child("version"), first, &wrong.join(","));
    }
}

/// upstream: validateDeprecationWarning
fn deprecation(errors: &mut Errors, version: &Value, at: &At<'_>) {
    let Some(warning) = get(version, "deprecationWarning").and_then(Value::as_str) else { return };
    if get(version, "deprecated").and_then(Value::as_bool) != Some(true) {
        return errors.invalid(at, warning, "can only be set for deprecated versions");
    }
    if warning.len() > 256 {
        errors.invalid(at, warning, "must be <= 256 characters long");
    }
    if warning.is_empty() {
        errors.invalid(at, warning, "must not be an empty string");
    }
    if let Some((i, _)) = warning.char_indices().find(|(_, c)| !crate::value::is_print(*c)) {
        let detail = format!("must only contain printable UTF-8 characters; non-printable character found at index {i}");
        errors.invalid(at, warning, &detail);
    }
}

/// Subresources, columns and selectable fields, of a version or of all.
fn served(errors: &mut Errors, owner: &Value, schema: Option<&Value>, path: &At<'_>) {
    if let Some(scale) = get(owner, "subresources").and_then(|s| get(s, "scale")) {
        self::scale(errors, scale, &path.child("subresources.scale"));
    }
    for (i, column) in list(owner, "additionalPrinterColumns").iter().enumerate() {
        printer_column(errors, column, &path.item("additionalPrinterColumns", i));
    }
    let selectable = list(owner, "selectableFields");
    if selectable.is_empty() {
        return;
    }
    let at = path.child("selectableFields");
    let Some(schema) = schema else {
        let top = get(owner, "versions").is_some();
        let detail = if top {
            "may only be set when validations.schema is included"
        } else {
            "may only be set when `version.schema.openAPIV3Schema` is not included"
        };
        return errors.invalid(&at, "", detail);
    };
    selectable_fields(errors, selectable, schema, &at);
}

/// upstream: ValidateCustomResourceSelectableFields
fn selectable_fields(errors: &mut Errors, fields: &[Value], schema: &Value, path: &At<'_>) {
    let mut seen = BTreeSet::new();
    for (i, field) in fields.iter().enumerate() {
        let item = path.index(i);
        let at = item.child("jsonPath");
        let given = text(field, "jsonPath");
        if given.is_empty() {
            errors.required(&at, "");
            continue;
        }
        let (steps, found) = match structural::valid_field_path(given, schema, false) {
            Ok(found) => found,
            Err(wrong) => {
                errors.invalid(&at, given, &format!("is an invalid path: {wrong}"));
                continue;
            }
        };
        if steps.first().is_some_and(|s| s == "metadata") {
            errors.invalid(&at, given, "must not point to fields in metadata");
        }
        if !["string", "boolean", "integer"].contains(&text(found, "type")) {
            let detail =
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
            errors.invalid(&at, given, detail);
        }
        if !seen.insert(steps) {
            errors.duplicate(&at, given);
        }
    }
    if seen.len() > 8 {
        errors.too_many(path, seen.len(), 8);
    }
}

/// upstream: ValidateCustomResourceColumnDefinition
fn printer_column(errors: &mut Errors, column: &Value, path: &At<'_>) {
    const TYPES: &[&str] = &["boolean", "date", "integer", "number", "string"];
    const FORMATS: &[&str] = &["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
    if text(column, "name").is_empty() {
        errors.required(&path.child("name"), "");
    }
    let ty = text(column, "type");
    let detail = format!("must be one of {}", TYPES.join(","));
    if ty.is_empty() {
        errors.required(&path.child("type"), &detail);
    } else if !TYPES.contains(&ty) {
        errors.invalid(&path.child("type"), ty, &detail);
    }
    let format = text(column, "format");
    if !format.is_empty() && !FORMATS.contains(&format) {
        errors.invalid(&path.child("format"), format, &format!("must be one of {}", FORMATS.join(",")));
    }
    json_path(errors, text(column, "jsonPath"), &[], "", &path.child("JSONPath"));
}

/// A path that starts with a dot and, where asked for, with one of `roots`.
fn json_path(errors: &mut Errors, given: &str, roots: &[&str], detail: &str, at: &At<'_>) {
    if given.is_empty() {
        errors.required(at, "");
    } else if !given.starts_with('.') {
        errors.invalid(at, given, "must be a simple json path starting with .");
    } else if !roots.is_empty() && !roots.iter().any(|root| given.starts_with(root)) {
        errors.invalid(at, given, detail);
    }
}

/// upstream: ValidateCustomResourceDefinitionSubresources
fn scale(errors: &mut Errors, scale: &Value, path: &At<'_>) {
    json_path(errors, text(scale, "specReplicasPath"), &[".spec."], "should be a json path under .spec", &path.child("specReplicasPath"));
    let at = path.child("statusReplicasPath");
    json_path(errors, text(scale, "statusReplicasPath"), &[".status."], "should be a json path under .status", &at);
    let selector = text(scale, "labelSelectorPath");
    if !selector.is_empty() {
        let detail = "should be a json path under either .spec or .status";
        json_path(errors, selector, &[".spec.", ".status."], detail, &path.child("labelSelectorPath"));
    }
}

/// upstream: ValidateCustomResourceDefinitionNames
fn names_of(errors: &mut Errors, given: &Value, path: &At<'_>) {
    for (field, mixed) in [("plural", false), ("singular", false), ("kind", true), ("listKind", true)] {
        let name = text(given, field);
        let wrong = if mixed { names::dns1035_label(&name.to_lowercase()) } else { names::dns1035_label(name) };
        if !name.is_empty() && !wrong.is_empty() {
            let start = if mixed { "may have mixed case, but should otherwise match: " } else { "" };
            errors.invalid(&path.child(field), name, &format!("{start}{}", wrong.join(",")));
        }
    }
    for field in ["shortNames", "categories"] {
        for (i, name) in texts(given, field).enumerate() {
            let wrong = names::dns1035_label(name);
            if !wrong.is_empty() {
                errors.invalid(&path.item(field, i), name, &wrong.join(","));
            }
        }
        if field == "shortNames" && !text(given, "kind").is_empty() && text(given, "kind") == text(given, "listKind") {
            errors.invalid(&path.child("listKind"), text(given, "listKind"), "kind and listKind may not be the same");
        }
    }
}

/// upstream: validateCustomResourceConversion
fn conversion(errors: &mut Errors, spec: &Value, preserves: bool, path: &At<'_>) {
    let Some(conversion) = get(spec, "conversion") else { return };
    let strategy = text(conversion, "strategy");
    if strategy != "None" && preserves {
        errors.invalid(&path.child("strategy"), strategy, "must be None if spec.preserveUnknownFields is true");
    }
    one_of(errors, strategy, &["None", "Webhook"], &path.child("strategy"));
    let client = get(conversion, "webhookClientConfig");
    let (client_at, versions_at) = (path.child("webhookClientConfig"), path.child("conversionReviewVersions"));
    if strategy != "Webhook" {
        let detail = "should not be set when strategy is not set to Webhook";
        if client.is_some() {
            errors.forbidden(&client_at, detail);
        }
        if !list(conversion, "conversionReviewVersions").is_empty() {
            errors.forbidden(&versions_at, detail);
        }
        return;
    }
    match client {
        None => errors.required(&client_at, "required when strategy is set to Webhook"),
        Some(client) => match (get(client, "url").and_then(Value::as_str), get(client, "service")) {
            (Some(url), None) => webhook::url(errors, url, &client_at.child("url")),
            (None, Some(service)) => webhook::service(errors, service, true, &client_at.child("service")),
            _ => errors.required(&client_at, "exactly one of url or service is required"),
        },
    }
    let versions: Vec<&str> = texts(conversion, "conversionReviewVersions").collect();
    if versions.is_empty() {
        return errors.required(&versions_at, "");
    }
    let mut seen = BTreeSet::new();
    for (i, version) in versions.iter().enumerate() {
        if seen.insert(version) {
            errors.invalid_each(&versions_at.index(i), *version, names::dns1035_label(version));
        } else {
            errors.invalid(&versions_at.index(i), *version, "duplicate version");
        }
    }
    if !versions.iter().any(|v| ["v1", "v1beta1"].contains(v)) {
        let shown = get(conversion, "conversionReviewVersions").unwrap_or(NOTHING);
        errors.invalid(&versions_at, shown, "must include at least one of v1, v1beta1");
    }
}
