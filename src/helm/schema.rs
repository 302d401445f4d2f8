//! `values.schema.json`: whether values fit, in the sentences Helm prints.

use super::chart::Chart;
use super::json::Json;
use super::jsonschema::{Compiler, read};
use super::values::Logs;
use crate::source::World;
use crate::value::{Kind, Map, Value};

/// The address Helm gives a chart's schema.
const ADDRESS: &str = "file:///values.schema.json";

/// Checks the values of a chart and of all below it. Schemas that a schema names by a file's path are read from `world`.
pub fn validate_chart(chart: &Chart, values: &Map, world: &dyn World, logs: &mut Logs) -> Result<(), String> {
    validate_tree(chart, values, &mut Compiler::new(Some(world)), logs)
}

fn validate_tree(chart: &Chart, values: &Map, compiler: &mut Compiler<'_>, logs: &mut Logs) -> Result<(), String> {
    let mut out = String::new();
    if let Some(schema) = &chart.schema {
        logs.debug("chart name", &[("chart-name", chart.name())]);
        if let Err(e) = validate_one(values, schema, compiler, logs) {
            out.push_str(&format!("{}:\n{e}", chart.name()));
        }
    }
    let count = chart.dependencies.len().to_string();
    logs.debug("number of dependencies in the chart", &[("chart", chart.name()), ("dependencies", &count)]);
    for child in &chart.dependencies {
        let Some(value) = values.get(child.name()).filter(|v| !v.is_nil()) else { continue };
        match &value.kind {
            Kind::Map(map) => {
                if let Err(e) = validate_tree(child, map, compiler, logs) {
                    out.push_str(&e);
                }
            }
            _ => out.push_str(&format!(
                "{}:\ninvalid type for values: expected object (map), got {}\n",
                child.name(),
                value.go_type_name().unwrap_or_default()
            )),
        }
    }
    if out.is_empty() { Ok(()) } else { Err(out) }
}

/// Checks values against one schema.
pub fn validate(values: &Map, schema: &[u8], world: &dyn World, logs: &mut Logs) -> Result<(), String> {
    validate_one(values, schema, &mut Compiler::new(Some(world)), logs)
}

fn validate_one(values: &Map, schema: &[u8], compiler: &mut Compiler<'_>, logs: &mut Logs) -> Result<(), String> {
    let text = String::from_utf8_lossy(schema);
    let document = read(&text)?;
    logs.debug("unmarshalled JSON schema", &[("schema", &text)]);
    let instance = plain(&values.clone().into(), 0)?;
    let verdict = compiler.validate(ADDRESS, document, &instance);
    for urn in compiler.unresolved() {
        logs.warn_once("unresolved URN reference ignored; using permissive schema", "urn", urn);
    }
    verdict?.map_err(|report| {
        // What tells that it is about the chart's schema is of no use to anyone.
        let about = format!("jsonschema validation failed with '{ADDRESS}#'\n");
        format!("{}\n", report.strip_prefix(&about).unwrap_or(&report))
    })
}

/// The deepest values that are looked at.
const MAX_DEPTH: usize = 10_000;

fn plain(value: &Value, depth: usize) -> Result<Json, String> {
    if depth > MAX_DEPTH {
        return Err("unable to validate schema: values are nested too deep".to_owned());
    }
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
        Ok(match &value.kind {
            Kind::Nil => Json::Null,
            Kind::Bool(b) => Json::Bool(*b),
            Kind::Int(_, i) => Json::Number(i.to_string()),
            Kind::Uint(_, u) => Json::Number(u.to_string()),
            Kind::Float(f) if f.is_finite() => Json::Number(crate::value::float_text(*f)),
            Kind::Str(s) => Json::Str(s.to_string()),
            Kind::List(list) => Json::List(list.items().iter().map(|v| plain(v, depth + 1)).collect::<Result<_, _>>()?),
            Kind::Map(map) if map.name().is_none() => {
                let entries: Result<_, String> = map.borrow().iter().map(|(k, v)| Ok((k.to_string(), plain(v, depth + 1)?))).collect();
                Json::Map(entries?)
            }
            _ => Json::Foreign(value.go_type_name().unwrap_or_default()),
        })
    })
}
