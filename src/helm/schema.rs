//! `values.schema.json`: whether values fit, in the sentences Helm prints.

use super::chart::Chart;
use super::values::Logs;
use crate::value::{Kind, Map, Value};

/// Checks the values of a chart and of all below it.
pub fn validate_chart(chart: &Chart, values: &Map, logs: &mut Logs) -> Result<(), String> {
    let mut out = String::new();
    if let Some(schema) = &chart.schema {
        logs.debug("chart name", &[("chart-name", chart.name())]);
        if let Err(e) = validate(values, schema) {
            out.push_str(&format!("{}:\n{e}", chart.name()));
        }
        logs.debug("unmarshalled JSON schema", &[("schema", &String::from_utf8_lossy(schema))]);
    }
    let count = chart.dependencies.len().to_string();
    logs.debug("number of dependencies in the chart", &[("chart", chart.name()), ("dependencies", &count)]);
    for child in &chart.dependencies {
        let Some(value) = values.get(child.name()).filter(|v| !v.is_nil()) else { continue };
        match &value.kind {
            Kind::Map(map) => {
                if let Err(e) = validate_chart(child, map, logs) {
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
pub fn validate(values: &Map, schema: &[u8]) -> Result<(), String> {
    let schema: serde_json::Value = serde_json::from_slice(schema).map_err(|e| format!("{e}\n"))?;
    let instance = plain(&values.clone().into(), 0);
    let validator = jsonschema::validator_for(&schema).map_err(|e| format!("{e}\n"))?;
    let errors: Vec<String> = validator.iter_errors(&instance).map(|e| format!("- at '{}': {e}\n", e.instance_path())).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.concat()) }
}

fn plain(value: &Value, depth: usize) -> serde_json::Value {
    if depth > 1000 {
        return serde_json::Value::Null;
    }
    match &value.kind {
        Kind::Bool(b) => (*b).into(),
        Kind::Int(_, i) => (*i).into(),
        Kind::Uint(_, u) => (*u).into(),
        Kind::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => (*f as i64).into(),
        Kind::Float(f) => (*f).into(),
        Kind::Str(s) => s.to_string().into(),
        Kind::List(list) => list.items().iter().map(|v| plain(v, depth + 1)).collect(),
        Kind::Map(map) => serde_json::Value::Object(map.borrow().iter().map(|(k, v)| (k.to_string(), plain(v, depth + 1))).collect()),
        _ => serde_json::Value::Null,
    }
}
