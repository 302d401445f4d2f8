//! Schemas of custom resources: what OpenAPI parts may be used, and that they are structural.
//! upstream: apiextensions-apiserver/pkg/apiserver/schema, pkg/apis/apiextensions/validation

use serde_json::Value;

use super::super::crd_check;
use super::super::field::At;
use super::super::field::Place;
use super::super::internal;
use super::{Errors, get, list, map, text, texts, update};
use crate::value::go_regex;

const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];
const MAX_DEPTH: usize = 100;
const AT_ROOT: &[&str] = &[
    "Description",
    "Type",
    "Format",
    "Title",
    "Maximum",
    "ExclusiveMaximum",
    "Minimum",
    "ExclusiveMinimum",
    "MaxLength",
    "MinLength",
    "Pattern",
    "MaxItems",
    "MinItems",
    "UniqueItems",
    "MultipleOf",
    "Required",
    "Items",
    "Properties",
    "ExternalDocs",
    "Example",
    "XPreserveUnknownFields",
    "XValidations",
];

/// The schema of a version.
pub(super) fn schema_of(version: &Value) -> Option<&Value> {
    get(get(version, "schema")?, "openAPIV3Schema")
}

fn on(schema: &Value, key: &str) -> bool {
    get(schema, key).and_then(Value::as_bool) == Some(true)
}

/// The one schema of all items.
fn items(schema: &Value) -> Option<&Value> {
    get(schema, "items").filter(|i| i.is_object())
}

/// The schema of further properties.
fn additional(schema: &Value) -> Option<&Value> {
    get(schema, "additionalProperties").filter(|a| a.is_object())
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    map(schema, "properties").into_iter().flatten()
}

/// Whether a schema, or one below it, is as asked. upstream: SchemaHas
pub(super) fn any(schema: &Value, asked: &dyn Fn(&Value) -> bool, depth: usize) -> bool {
    let Some(parts) = schema.as_object().filter(|_| depth <= MAX_DEPTH) else { return false };
    let below = |s: &Value| any(s, asked, depth + 1);
    asked(schema)
        || parts.iter().any(|(key, part)| match (key.as_str(), part) {
            ("items" | "allOf" | "anyOf" | "oneOf", Value::Array(all)) => all.iter().any(below),
            ("properties" | "patternProperties" | "definitions" | "dependencies", Value::Object(all)) => all.values().any(below),
            ("items" | "not" | "additionalProperties" | "additionalItems", part) => below(part),
            _ => false,
        })
}

/// What a schema has, found in one walk over its keys: most have little, and then little has to be looked for.
#[derive(Clone, Copy, Default)]
struct Has {
    /// `not`, `allOf`, `anyOf`, `oneOf`.
    junctors: bool,
    /// A key that starts with `x-kubernetes-`.
    extensions: bool,
    /// A key that structural schemas or definitions may not have, or that only few have.
    rare: bool,
}

fn has(schema: &Value) -> Has {
    let mut out = Has::default();
    for (key, value) in schema.as_object().into_iter().flatten() {
        match key.as_str() {
            "description"
            | "type"
            | "properties"
            | "items"
            | "required"
            | "format"
            | "enum"
            | "minLength"
            | "maxLength"
            | "minimum"
            | "maximum"
            | "nullable"
            | "additionalProperties"
            | "title"
            | "example" => out.rare |= key == "items" && value.is_array(),
            "not" | "allOf" | "anyOf" | "oneOf" => out.junctors = true,
            _ if key.starts_with("x-kubernetes-") => out.extensions = true,
            _ => out.rare = true,
        }
    }
    out
}

/// The schema of a definition or version. upstream: validateCustomResourceDefinitionValidation
pub(super) fn schema(errors: &mut Errors, schema: &Value, status: bool, structural: bool, path: &At<'_>) {
    let before = errors.0.len();
    if status {
        at_root(errors, schema, path);
    }
    if on(schema, "nullable") {
        errors.forbidden(&path.child("nullable"), "nullable cannot be true at the root");
    }
    let broken = if structural { unsupported(schema, 0) } else { None };
    let mut expressions = false;
    if structural && broken.is_none() {
        let mut found = Errors::default();
        check(&mut found, schema, path);
        found.0.sort_by(|a, b| (&a.field, &a.message).cmp(&(&b.field, &b.message)));
        if found.0.is_empty() {
            found.0 = crd_check::defaults(schema, path);
        }
        expressions = found.0.is_empty();
        errors.0.append(&mut found.0);
    }
    let walk = Walk { defaults: Ok(()), meta: false };
    let start = errors.0.len();
    open_api(errors, schema, &walk, true, path, 0);
    if expressions {
        let mut found = crd_check::rules(schema, path, &errors.0[start..]);
        errors.0.append(&mut found);
    }
    if let Some(wrong) = broken.filter(|_| errors.0.len() == before) {
        errors.invalid(path, "", &wrong);
    }
}

/// The keys of what nearly all schemas have at their root, beside the type.
const PLAIN_ROOT: &[&str] = &["description", "type", "properties", "required", "x-kubernetes-preserve-unknown-fields"];

/// With a status subresource little is allowed at the root.
fn at_root(errors: &mut Errors, schema: &Value, path: &At<'_>) {
    let plain = |all: &serde_json::Map<String, Value>| all.keys().all(|key| PLAIN_ROOT.contains(&key.as_str()));
    if text(schema, "type") == "object" && schema.as_object().is_some_and(plain) {
        return;
    }
    for (shown, json, ty) in internal::fields("apiextensions.JSONSchemaProps") {
        let Some(value) = get(schema, json) else { continue };
        let zero = match value {
            Value::Bool(b) => !b,
            Value::String(s) => s.is_empty(),
            Value::Number(n) => n.as_f64() == Some(0.0),
            _ => false,
        };
        if zero && !ty.starts_with('*') {
            continue;
        }
        if shown == "Type" {
            if value.as_str() != Some("object") {
                let detail = "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
                return errors.invalid(&path.child("type"), text(schema, "type"), detail);
            }
        } else if !AT_ROOT.contains(&shown) {
            let dump = update::shown_as("apiextensions.JSONSchemaProps", Some(schema));
            let fields = AT_ROOT.join(" ");
            let detail = format!("only [{fields}] fields are allowed at the root of the schema if the status subresource is enabled");
            return errors.invalid(path, dump, &detail);
        }
    }
}

/// Why a schema cannot be read as a structural one at all. upstream: NewStructural
pub(super) fn unsupported(schema: &Value, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    let has = has(schema);
    let below = |s: &Value| unsupported(s, depth + 1);
    let deeper = || {
        items(schema)
            .and_then(below)
            .or_else(|| properties(schema).find_map(|(_, s)| below(s)))
            .or_else(|| additional(schema).and_then(below))
    };
    if !has.rare && !has.junctors && !has.extensions {
        return deeper();
    }
    let filled = |key: &str| match get(schema, key) {
        Some(Value::String(s)) => !s.is_empty(),
        Some(Value::Object(m)) => !m.is_empty(),
        Some(_) => key == "additionalItems",
        None => false,
    };
    for key in ["id", "$schema", "$ref", "patternProperties", "dependencies"] {
        if filled(key) {
            return Some(format!("OpenAPIV3Schema '{}' is not supported", if key == "$schema" { "schema" } else { key }));
        }
    }
    if get(schema, "additionalItems").is_some() {
        return Some("OpenAPIV3Schema 'additionalItems' is not supported".to_owned());
    }
    if filled("definitions") {
        return Some("OpenAPIV3Schema 'definitions' is not supported".to_owned());
    }
    if let Some(wrong) = get(schema, "not").and_then(below) {
        return Some(wrong);
    }
    if let Some(wrong) = ["allOf", "anyOf", "oneOf"].iter().flat_map(|k| list(schema, k)).find_map(below) {
        return Some(wrong);
    }
    if get(schema, "x-kubernetes-preserve-unknown-fields").and_then(Value::as_bool) == Some(false) {
        return Some("internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined".to_owned());
    }
    if !list(schema, "items").is_empty() {
        return Some("OpenAPIV3Schema 'items' must be a schema, but is an array".to_owned());
    }
    deeper()
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Item,
    Field,
}

/// upstream: ValidateStructural
pub(super) fn check(errors: &mut Errors, schema: &Value, path: &At<'_>) {
    invariants(errors, schema, Level::Root, path, 0);
    complete_all(errors, schema, Some(schema), path, path, 0);
}

/// upstream: validateStructuralInvariants
fn invariants(errors: &mut Errors, schema: &Value, level: Level, path: &At<'_>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    let ty = text(schema, "type");
    match items(schema) {
        Some(items) => invariants(errors, items, Level::Item, &path.child("items"), depth + 1),
        None if ty == "array" => errors.required(&path.child("items"), "must be specified"),
        None => {}
    }
    for (name, property) in properties(schema) {
        invariants(errors, property, Level::Field, &path.entry("properties", name), depth + 1);
    }
    let additional_at = path.child("additionalProperties");
    let has = has(schema);
    let extended = |key: &str| has.extensions && on(schema, key);
    let embedded = extended("x-kubernetes-embedded-resource");
    let preserves = extended("x-kubernetes-preserve-unknown-fields");
    let either = extended("x-kubernetes-int-or-string");
    if level == Level::Root && get(schema, "additionalProperties").is_some() {
        errors.forbidden(&additional_at, "must not be used at the root");
    }
    if let Some(additional) = additional(schema) {
        invariants(errors, additional, Level::Field, &additional_at, depth + 1);
    }
    if either && preserves {
        let detail = "must be false if x-kubernetes-int-or-string is true";
        errors.invalid(&path.child("x-kubernetes-preserve-unknown-fields"), true, detail);
    }
    if either && embedded {
        let detail = "must be false if x-kubernetes-int-or-string is true";
        errors.invalid(&path.child("x-kubernetes-embedded-resource"), true, detail);
    }
    if has.junctors || has.rare {
        let any_of = is_int_or_string(schema);
        let all_of = list(schema, "allOf").first().is_some_and(is_int_or_string);
        value_validation(errors, schema, any_of, all_of, path, depth);
    }
    let type_at = path.child("type");
    if embedded && ty != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        if ty.is_empty() { errors.required(&type_at, detail) } else { errors.invalid(&type_at, ty, detail) }
    } else if ty.is_empty() && !either && !preserves {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.required(&type_at, detail);
    }
    if embedded && get(schema, "additionalProperties").is_some() {
        errors.forbidden(&additional_at, "must not be used if x-kubernetes-embedded-resource is set");
    }
    if level == Level::Root && !ty.is_empty() && ty != "object" {
        errors.invalid(&type_at, ty, "must be object at the root");
    }
    type_meta(errors, schema, level, embedded, path);
    if embedded && !preserves && properties(schema).next().is_none() {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        errors.required(&path.child("properties"), detail);
    }
}

/// What may be said about `apiVersion`, `kind` and `metadata`.
fn type_meta(errors: &mut Errors, schema: &Value, level: Level, embedded: bool, path: &At<'_>) {
    let object = level == Level::Root || embedded;
    if !object {
        return;
    }
    let all = map(schema, "properties");
    let property = |name: &str| all.and_then(|p| p.get(name));
    for name in ["kind", "apiVersion"] {
        if let Some(found) = property(name).filter(|p| object && text(p, "type") != "string") {
            errors.invalid(&path.entry("properties", name).child("type"), text(found, "type"), "must be string");
        }
    }
    let Some(metadata) = property("metadata") else { return };
    let at = path.entry("properties", "metadata");
    if object && text(metadata, "type") != "object" {
        errors.invalid(&at.child("type"), text(metadata, "type"), "must be object");
    }
    let names: Vec<&str> = properties(metadata).map(|(k, _)| k.as_str()).collect();
    let known = names.iter().all(|n| ["name", "generateName"].contains(n));
    let more =
        |(key, value): (&String, &Value)| !(matches!(key.as_str(), "type" | "default") || is_unset(value) || key == "properties" && known);
    if level == Level::Root && metadata.as_object().is_some_and(|m| m.iter().any(more)) {
        errors.forbidden(&at, "must not specify anything other than name and generateName, but metadata is implicitly specified");
    }
}

fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(s) => s.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Whether `anyOf` says "an integer or a string" and nothing else.
fn is_int_or_string(schema: &Value) -> bool {
    let plain =
        |s: &Value, ty: &str| text(s, "type") == ty && s.as_object().is_some_and(|m| m.iter().all(|(k, v)| k == "type" || is_unset(v)));
    matches!(list(schema, "anyOf"), [a, b] if plain(a, "integer") && plain(b, "string"))
}

/// upstream: validateValueValidation
fn value_validation(errors: &mut Errors, schema: &Value, skip_any_of: bool, skip_first: bool, path: &At<'_>, depth: usize) {
    for (i, s) in list(schema, "anyOf").iter().enumerate().filter(|_| !skip_any_of) {
        nested(errors, s, false, &path.item("anyOf", i), depth + 1);
    }
    for (i, s) in list(schema, "allOf").iter().enumerate() {
        nested(errors, s, skip_first && i == 0, &path.item("allOf", i), depth + 1);
    }
    for (i, s) in list(schema, "oneOf").iter().enumerate() {
        nested(errors, s, false, &path.item("oneOf", i), depth + 1);
    }
    if let Some(s) = get(schema, "not") {
        nested(errors, s, false, &path.child("not"), depth + 1);
    }
    let pattern = text(schema, "pattern");
    if !pattern.is_empty()
        && let Err(why) = go_regex::translate(pattern.as_bytes())
    {
        errors.invalid(&path.child("pattern"), pattern, &format!("must be a valid regular expression, but isn't: {why}"));
    }
}

/// upstream: validateNestedValueValidation
fn nested(errors: &mut Errors, schema: &Value, skip_any_of: bool, path: &At<'_>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    value_validation(errors, schema, skip_any_of, false, path, depth);
    if let Some(items) = items(schema) {
        nested(errors, items, false, &path.child("items"), depth + 1);
    }
    for (name, property) in properties(schema) {
        nested(errors, property, false, &path.entry("properties", name), depth + 1);
    }
    let given = |key: &str| !text(schema, key).is_empty();
    let mut refuse = |key: &str, wrong: bool, detail: &str| {
        if wrong {
            errors.forbidden(&path.child(key), detail);
        }
    };
    refuse("type", given("type"), "must be empty to be structural");
    let more = additional(schema).is_some() || on(schema, "additionalProperties");
    refuse("additionalProperties", more, "must be undefined to be structural");
    refuse("default", get(schema, "default").is_some(), "must be undefined to be structural");
    refuse("title", given("title"), "must be empty to be structural");
    refuse("description", given("description"), "must be empty to be structural");
    for key in ["nullable", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string"] {
        refuse(key, on(schema, key), "must be false to be structural");
    }
    for key in ["x-kubernetes-list-map-keys", "x-kubernetes-validations"] {
        refuse(key, !list(schema, key).is_empty(), "must be empty to be structural");
    }
    for key in ["x-kubernetes-list-type", "x-kubernetes-map-type"] {
        refuse(key, get(schema, key).is_some(), "must be undefined to be structural");
    }
    if map(schema, "properties").is_some_and(|p| p.contains_key("metadata")) {
        errors.forbidden(&path.entry("properties", "metadata"), "must not be specified in a nested context");
    }
}

/// Everything that a junctor speaks of must exist outside of it. upstream: validateValueValidationCompleteness
fn complete_all(errors: &mut Errors, value: &Value, schema: Option<&Value>, at: &At<'_>, from: &At<'_>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    if let Some(s) = get(value, "not") {
        complete(errors, s, schema, at, &from.child("not"), depth + 1);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for (i, s) in list(value, key).iter().enumerate() {
            complete(errors, s, schema, at, &from.item(key, i), depth + 1);
        }
    }
}

/// upstream: validateNestedValueValidationCompleteness
fn complete(errors: &mut Errors, value: &Value, schema: Option<&Value>, at: &At<'_>, from: &At<'_>, depth: usize) {
    let because = |from: &At<'_>| format!("because it is defined in {}", from.path());
    let Some(schema) = schema else { return errors.required(at, &because(from)) };
    complete_all(errors, value, Some(schema), at, from, depth);
    if let Some(s) = items(value) {
        complete(errors, s, items(schema), &at.child("items"), &from.child("items"), depth + 1);
    }
    for (name, s) in properties(value) {
        let (at, from) = (at.entry("properties", name), from.entry("properties", name));
        match map(schema, "properties").and_then(|p| p.get(name)) {
            None => errors.required(&at, &because(&from)),
            found => complete(errors, s, found, &at, &from, depth + 1),
        }
    }
}

/// What holds at the place of a schema.
#[derive(Clone)]
struct Walk {
    /// Why defaults are not allowed here, if so.
    defaults: Result<(), String>,
    /// Whether this is inside of `metadata`, `kind` or `apiVersion`.
    meta: bool,
}

/// upstream: ValidateCustomResourceDefinitionOpenAPISchema
fn open_api(errors: &mut Errors, schema: &Value, walk: &Walk, root: bool, path: &At<'_>, depth: usize) {
    if depth > MAX_DEPTH || !schema.is_object() {
        return;
    }
    let has = has(schema);
    if has.rare || has.extensions || text(schema, "type") == "null" {
        standard(errors, schema, walk, path);
    } else {
        known_type(errors, schema, path);
    }
    if has.rare && on(schema, "uniqueItems") {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.forbidden(&path.child("uniqueItems"), detail);
    }
    if let Some(more) = get(schema, "additionalProperties") {
        let at = path.child("additionalProperties");
        if properties(schema).next().is_some() && more.as_bool() != Some(true) {
            errors.forbidden(&at, "additionalProperties and properties are mutual exclusive");
        }
        let mut walk = walk.clone();
        if walk.meta {
            walk.defaults = Err("inside additionalProperties applying to object metadata".to_owned());
        }
        open_api(errors, more, &walk, false, &at, depth + 1);
    }
    for (name, property) in properties(schema) {
        let at = path.entry("properties", name);
        if ["metadata", "kind", "apiVersion"].contains(&name.as_str())
            && (root || has.extensions && on(schema, "x-kubernetes-embedded-resource"))
        {
            let mut walk = Walk { meta: true, ..walk.clone() };
            if root {
                walk.defaults = Err(format!("in top-level {name}"));
            }
            open_api(errors, property, &walk, false, &at, depth + 1);
        } else {
            open_api(errors, property, walk, false, &at, depth + 1);
        }
    }
    if !has.rare && !has.junctors && !has.extensions {
        if let Some(s) = items(schema) {
            open_api(errors, s, walk, false, &path.child("items"), depth + 1);
        }
        return;
    }
    if let Some(s) = get(schema, "not") {
        open_api(errors, s, walk, false, &path.child("not"), depth + 1);
    }
    for key in ["allOf", "oneOf", "anyOf"] {
        for (i, s) in list(schema, key).iter().enumerate() {
            open_api(errors, s, walk, false, &path.item(key, i), depth + 1);
        }
    }
    for (name, s) in map(schema, "definitions").into_iter().flatten() {
        open_api(errors, s, walk, false, &path.entry("definitions", name), depth + 1);
    }
    if let Some(s) = items(schema) {
        open_api(errors, s, walk, false, &path.child("items"), depth + 1);
    }
    for (i, s) in list(schema, "items").iter().enumerate() {
        open_api(errors, s, walk, false, &path.item("items", i), depth + 1);
    }
    for (name, s) in map(schema, "dependencies").into_iter().flatten() {
        open_api(errors, s, walk, false, &path.entry("dependencies", name), depth + 1);
    }
    if get(schema, "x-kubernetes-preserve-unknown-fields").and_then(Value::as_bool) == Some(false) {
        errors.invalid(&path.child("x-kubernetes-preserve-unknown-fields"), false, "must be true or undefined");
    }
    list_and_map_types(errors, schema, path);
    map_keys(errors, schema, path);
    rules(errors, schema, path);
}

fn known_type(errors: &mut Errors, schema: &Value, path: &At<'_>) {
    let ty = text(schema, "type");
    if !ty.is_empty() && !TYPES.contains(&ty) {
        errors.unsupported(&path.child("type"), ty, TYPES);
    }
}

/// upstream: specStandardValidatorV3
fn standard(errors: &mut Errors, schema: &Value, walk: &Walk, path: &At<'_>) {
    known_type(errors, schema, path);
    let ty = text(schema, "type");
    if let Err(reason) = &walk.defaults
        && get(schema, "default").is_some()
    {
        errors.forbidden(&path.child("default"), &format!("must not be set {reason}"));
    }
    let mut refuse = |key: &str, wrong: bool, detail: &str| {
        if wrong {
            errors.forbidden(&path.child(key), detail);
        }
    };
    let filled = |key: &str| map(schema, key).is_some_and(|m| !m.is_empty());
    refuse("id", !text(schema, "id").is_empty(), "id is not supported");
    refuse("additionalItems", get(schema, "additionalItems").is_some(), "additionalItems is not supported");
    refuse("patternProperties", filled("patternProperties"), "patternProperties is not supported");
    refuse("definitions", filled("definitions"), "definitions is not supported");
    refuse("dependencies", get(schema, "dependencies").is_some(), "dependencies is not supported");
    refuse("$ref", get(schema, "$ref").is_some(), "$ref is not supported");
    refuse("type", ty == "null", "type cannot be set to null, use nullable as an alternative");
    refuse("items", !list(schema, "items").is_empty(), "items must be a schema object and not an array");
    let twice = walk.meta && on(schema, "x-kubernetes-embedded-resource");
    refuse("x-kubernetes-embedded-resource", twice, "must not be used inside of resource meta");
}

fn typed(errors: &mut Errors, ty: &str, wanted: &str, key: &str, path: &At<'_>) {
    if ty == wanted {
        return;
    }
    let detail = format!("must be {wanted} if {key} is specified");
    let at = path.child("type");
    if ty.is_empty() { errors.required(&at, &detail) } else { errors.invalid(&at, ty, &detail) }
}

fn list_and_map_types(errors: &mut Errors, schema: &Value, path: &At<'_>) {
    const MAP: &str = "x-kubernetes-map-type";
    const LIST: &str = "x-kubernetes-list-type";
    let ty = text(schema, "type");
    let choice = |schema: &Value, key: &str| get(schema, key).and_then(Value::as_str).map(str::to_owned);
    if let Some(given) = choice(schema, MAP) {
        typed(errors, ty, "object", MAP, path);
        if !["atomic", "granular"].contains(&given.as_str()) {
            errors.unsupported(&path.child(MAP), &given, &["atomic", "granular"]);
        }
    }
    let Some(given) = choice(schema, LIST) else { return };
    typed(errors, ty, "array", LIST, path);
    if let Some(item) = items(schema).filter(|_| ty == "array" && given == "set") {
        let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
        let shown = get(item, LIST).unwrap_or(&Value::Null);
        let at = path.child("items");
        match text(item, "type") {
            "array" if choice(item, LIST).is_some_and(|t| t != "atomic") => errors.invalid(&at.child(LIST), shown, detail),
            // Upstream shows the type of the list here, too.
            "object" if choice(item, MAP).is_none_or(|t| t != "atomic") => errors.invalid(&at.child(MAP), shown, detail),
            _ => {}
        }
    }
    if !["atomic", "set", "map"].contains(&given.as_str()) {
        errors.unsupported(&path.child(LIST), &given, &["atomic", "set", "map"]);
    }
}

fn map_keys(errors: &mut Errors, schema: &Value, path: &At<'_>) {
    let keys: Vec<&str> = texts(schema, "x-kubernetes-list-map-keys").collect();
    let kind = get(schema, "x-kubernetes-list-type").and_then(Value::as_str);
    let (kind_at, keys_at) = (path.child("x-kubernetes-list-type"), path.child("x-kubernetes-list-map-keys"));
    let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    match kind {
        None if !keys.is_empty() => errors.required(&kind_at, detail),
        Some(kind) if kind != "map" && !keys.is_empty() => errors.invalid(&kind_at, kind, detail),
        _ => {}
    }
    let item = items(schema);
    if kind == Some("map") {
        if keys.is_empty() {
            errors.required(&keys_at, "must not be empty if x-kubernetes-list-type is map");
        }
        let at = path.child("items");
        match (item, get(schema, "items")) {
            (None, None) => errors.required(&at, "must have a schema if x-kubernetes-list-type is map"),
            (None, Some(given)) => {
                let shown = update::shown_as("apiextensions.JSONSchemaPropsOrArray", Some(given));
                errors.invalid(&at, shown, "must only have a single schema if x-kubernetes-list-type is map");
            }
            (Some(item), _) if text(item, "type") != "object" => {
                let detail = "must be object if parent array's x-kubernetes-list-type is map";
                errors.invalid(&at.child("type"), text(item, "type"), detail);
            }
            (Some(item), _) => keys_exist(errors, item, &keys, get(schema, "x-kubernetes-list-map-keys"), path),
        }
    }
    let Some((item, kind)) = item.zip(kind).filter(|(_, kind)| ["set", "map"].contains(kind)) else { return };
    let at = path.child("items");
    if on(item, "nullable") {
        errors.forbidden(&at.child("nullable"), &format!("cannot be nullable when x-kubernetes-list-type is {kind}"));
    }
    for key in keys.iter().filter(|_| kind == "map") {
        let Some(property) = map(item, "properties").and_then(|p| p.get(*key)) else { continue };
        let at = at.entry("properties", key);
        if !texts(item, "required").any(|r| r == *key) && get(property, "default").is_none() {
            let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            errors.required(&at.child("default"), detail);
        }
        if on(property, "nullable") {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.forbidden(&at.child("nullable"), detail);
        }
    }
}

fn keys_exist(errors: &mut Errors, item: &Value, keys: &[&str], shown: Option<&Value>, path: &At<'_>) {
    let at = path.child("x-kubernetes-list-map-keys");
    let shown = shown.unwrap_or(&Value::Null);
    for (i, key) in keys.iter().enumerate() {
        match map(item, "properties").and_then(|p| p.get(*key)) {
            None => errors.invalid(&at, shown, "entries must all be names of item properties"),
            Some(property) if ["array", "object"].contains(&text(property, "type")) => {
                let items_at = path.child("items");
                let type_at = items_at.entry("properties", key);
                let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                errors.invalid(&type_at.child("type"), text(item, "type"), detail);
            }
            Some(_) => {}
        }
        if keys[..i].contains(key) {
            errors.invalid(&at, shown, "must not contain duplicate entries");
        }
    }
}

/// What the rules say beside their expressions.
fn rules(errors: &mut Errors, schema: &Value, path: &At<'_>) {
    let breaks = |text: &str| text.contains(['\n', '\r']);
    for (i, rule) in list(schema, "x-kubernetes-validations").iter().enumerate() {
        let at = path.item("x-kubernetes-validations", i);
        let (expression, message, dynamic) = (text(rule, "rule"), text(rule, "message"), text(rule, "messageExpression"));
        if expression.trim().is_empty() {
            errors.required(&at.child("rule"), "rule is not specified");
        } else if !message.is_empty() && message.trim().is_empty() {
            errors.invalid(&at.child("message"), message, "must be non-empty if specified");
        } else if breaks(message.trim()) {
            errors.invalid(&at.child("message"), message, "must not contain line breaks");
        } else if breaks(expression.trim()) && message.trim().is_empty() {
            errors.required(&at.child("message"), "message must be specified if rule contains line breaks");
        }
        if !dynamic.is_empty() && dynamic.trim().is_empty() {
            errors.required(&at.child("messageExpression"), "messageExpression must be non-empty if specified");
        }
        let reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
        if let Some(reason) = get(rule, "reason").and_then(Value::as_str)
            && !reasons.contains(&reason)
        {
            errors.unsupported(&at.child("reason"), reason, &reasons);
        }
        let field = text(rule, "fieldPath");
        let at = at.child("fieldPath");
        if !field.is_empty() && field.trim().is_empty() {
            errors.invalid(&at, field, "must be non-empty if specified");
        }
        if breaks(field) {
            errors.invalid(&at, field, "must not contain line breaks");
        }
        if !field.is_empty() && unsupported(schema, 0).is_none() && valid_field_path(field, schema, true).is_err() {
            errors.invalid(&at, field, "must be a valid path");
        }
    }
}

/// The steps of a path of a rule, such as `.spec['a.b']`, and the schema it leads to. upstream: cel.ValidFieldPath
pub(crate) fn valid_field_path<'a>(path: &str, schema: &'a Value, arrays: bool) -> Result<(Vec<String>, &'a Value), String> {
    const NO_FIELD: &str = "does not refer to a valid field";
    const END: &str = "unexpected end of JSON path";
    let mut tokens = tokens(path).into_iter();
    let (mut steps, mut schema) = (Vec::new(), schema);
    while let Some(token) = tokens.next() {
        let name = match token {
            "[" if !arrays => return Err("array notation is not allowed".to_owned()),
            "[" => {
                let quoted = tokens.next().ok_or(END)?;
                let inner = quoted.strip_prefix('\'').and_then(|q| q.strip_suffix('\''));
                let inner = inner.ok_or_else(|| format!("expected single quoted string but got {quoted}"))?;
                inner.replace("\\'", "'").replace("\\\\", "\\")
            }
            "." => tokens.next().ok_or(END)?.to_owned(),
            other => return Err(format!("expected [ or . but got: {other}")),
        };
        let named = map(schema, "properties").filter(|p| !p.is_empty());
        schema = match (named, additional(schema)) {
            (Some(properties), _) => properties.get(&name).ok_or(NO_FIELD)?,
            (None, Some(more)) => more,
            (None, None) => return Err(NO_FIELD.to_owned()),
        };
        steps.push(name);
        if token == "[" {
            match tokens.next() {
                Some("]") => {}
                Some(other) => return Err(format!("expected ] but got {other}")),
                None => return Err(END.to_owned()),
            }
        }
    }
    Ok((steps, schema))
}

/// Delimiters, quoted texts and names.
fn tokens(path: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '.' | '[' | ']' => 1,
            '\'' => {
                let bytes = rest.as_bytes();
                (1..bytes.len()).find(|i| bytes[*i] == b'\'' && bytes[i - 1] != b'\\').map_or(rest.len(), |i| i + 1)
            }
            _ => rest.find(['.', '[', ']']).unwrap_or(rest.len()),
        };
        out.push(&rest[..end]);
        rest = &rest[end..];
    }
    out
}
