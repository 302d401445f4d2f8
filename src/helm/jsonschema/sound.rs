//! Whether a schema is plainly one, told without its metaschema. Schemas of charts are large and nearly always sound: to hold one
//! against its metaschema takes longer than all else that is done with it.

use std::collections::BTreeSet;

use super::super::json::Json;
use super::draft::Draft;
use super::format;
use super::schema::Type;

/// Deeper schemas are left to the metaschema.
const MAX_DEPTH: usize = 64;

/// Whether the metaschema of the draft would certainly find nothing. What this does not know, or what only some drafts allow, is
/// left to the metaschema.
pub(super) fn is_sound(schema: &Json, draft: Draft) -> bool {
    draft >= Draft::D7 && schema_is_sound(schema, draft, 0)
}

fn schema_is_sound(schema: &Json, draft: Draft, depth: usize) -> bool {
    match schema {
        Json::Bool(_) => true,
        Json::Map(entries) if depth < MAX_DEPTH => entries.iter().all(|(keyword, value)| entry_is_sound(keyword, value, draft, depth)),
        _ => false,
    }
}

fn entry_is_sound(keyword: &str, value: &Json, draft: Draft, depth: usize) -> bool {
    let schema = |value: &Json| schema_is_sound(value, draft, depth + 1);
    let each = |fits: &dyn Fn(&Json) -> bool| matches!(value, Json::Map(entries) if entries.values().all(fits));
    let schemas = |value: &Json| matches!(value, Json::List(all) if !all.is_empty() && all.iter().all(schema));
    match keyword {
        "$id" => value.as_str().is_some_and(|id| !id.contains('#') && is_reference(id)),
        "$schema" => value.as_str().is_some_and(|url| url.starts_with("http") && Draft::from_url(url).is_some()),
        "$ref" => value.as_str().is_some_and(is_reference),
        "$anchor" | "$dynamicAnchor" | "$dynamicRef" | "$recursiveAnchor" | "$recursiveRef" | "$vocabulary" => false,
        "$comment" | "title" | "description" | "format" | "contentMediaType" | "contentEncoding" => value.as_str().is_some(),
        "deprecated" | "readOnly" | "writeOnly" | "uniqueItems" => matches!(value, Json::Bool(_)),
        "examples" => matches!(value, Json::List(_)),
        "multipleOf" => matches!(value, Json::Number(text) if text.parse().is_ok_and(|n: f64| n > 0.0)),
        "maximum" | "exclusiveMaximum" | "minimum" | "exclusiveMinimum" => matches!(value, Json::Number(_)),
        "maxLength" | "minLength" | "maxItems" | "minItems" | "maxProperties" | "minProperties" | "maxContains" | "minContains" => {
            matches!(value, Json::Number(text) if text.len() < 16 && text.bytes().all(|b| b.is_ascii_digit()))
        }
        "pattern" => value.as_str().is_some_and(is_pattern),
        "required" => are_different_texts(value),
        "dependentRequired" => each(&are_different_texts),
        "type" => {
            is_type(value) || matches!(value, Json::List(all) if !all.is_empty() && all.iter().all(is_type)) && are_different_texts(value)
        }
        "enum" => matches!(value, Json::List(all) if !all.is_empty() && are_different(all)),
        "definitions" | "$defs" | "properties" | "dependentSchemas" => each(&schema),
        "patternProperties" => each(&schema) && matches!(value, Json::Map(entries) if entries.keys().all(|pattern| is_pattern(pattern))),
        "dependencies" => each(&|needs: &Json| schema(needs) || are_different_texts(needs)),
        "items" => schema(value) || draft < Draft::D2020 && schemas(value),
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => schemas(value),
        "additionalItems"
        | "additionalProperties"
        | "contains"
        | "contentSchema"
        | "else"
        | "if"
        | "not"
        | "propertyNames"
        | "then"
        | "unevaluatedItems"
        | "unevaluatedProperties" => schema(value),
        _ => true,
    }
}

fn is_type(value: &Json) -> bool {
    value.as_str().is_some_and(|name| Type::named(name).is_some())
}

fn is_pattern(text: &str) -> bool {
    matches!(format::named("regex"), Some((_, check)) if check(text).is_ok())
}

fn is_reference(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'$' | b'.');
    let plain = text.strip_prefix('#').is_some_and(|pointer| pointer.bytes().all(plain));
    plain || matches!(format::named("uri-reference"), Some((_, check)) if check(text).is_ok())
}

/// Whether these are plain values, none of them twice.
fn are_different(all: &[Json]) -> bool {
    let mut seen = BTreeSet::new();
    all.iter().all(|value| {
        let plain = match value {
            Json::Null => ("null", ""),
            Json::Bool(b) => (if *b { "true" } else { "false" }, ""),
            Json::Str(text) => ("text", text.as_str()),
            // Other numbers may be the same and look different.
            Json::Number(text) if text.bytes().all(|b| b.is_ascii_digit()) => ("number", text.as_str()),
            _ => return false,
        };
        seen.insert(plain)
    })
}

/// Whether it is a list of texts, none of them twice.
fn are_different_texts(value: &Json) -> bool {
    let Json::List(all) = value else { return false };
    let mut seen = BTreeSet::new();
    all.iter().all(|text| text.as_str().is_some_and(|text| seen.insert(text)))
}
