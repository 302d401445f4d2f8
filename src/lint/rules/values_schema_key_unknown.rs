//! `values-schema-key-unknown`: reports a key of `values.yaml` that `values.schema.json` does not describe, and a
//! property of the schema that looks like a misspelt key.

use crate::diagnostic::similar;
use crate::lint::chart;
use crate::lint::context::Context;
use crate::lint::field::Field;
use serde_json::Value;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    let object = |f: &'_ Option<chart::YamlFile>| f.as_ref().and_then(|f| f.object.clone());
    let (Some(values), Some(schema)) = (object(&chart.values), object(&chart.schema)) else { return };
    level(cx, &Field::root(&values), &Field::root(&schema), 0);
}

fn level(cx: &Context, values: &Field, schema: &Field, depth: usize) {
    let (Value::Object(map), Some(properties)) = (values.value, schema.get("properties")) else { return };
    // A schema with other words may describe the rest.
    let open = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties", "if"].iter().any(|k| schema.value.get(k).is_some())
        || schema.get("additionalProperties").is_some_and(|a| a.value != &Value::Bool(false));
    let Value::Object(described) = properties.value else { return };
    if depth > 50 || open || described.is_empty() {
        return;
    }
    // Many schemas describe some values only, on purpose.
    let known = map.keys().filter(|k| described.contains_key(*k)).count();
    let complete = known * 5 >= map.len() * 4;
    for key in map.keys().filter(|_| complete).filter(|k| !described.contains_key(*k) && *k != "global") {
        cx.report(values.place_key(key), format!("the schema does not describe `{key}`"), "describe it in values.schema.json");
    }
    for key in described.keys().filter(|k| !map.contains_key(*k)) {
        let like = similar(key, map.keys().filter(|k| !described.contains_key(*k)).map(String::as_str));
        if let Some(like) = like {
            cx.report(properties.place_key(key), format!("values.yaml has no `{key}`"), format!("did you mean `{like}`?"));
        }
    }
    for key in map.keys() {
        if let (Some(value), Some(inner)) = (values.get_key(key), properties.get_key(key)) {
            level(cx, &value, &inner, depth + 1);
        }
    }
}
