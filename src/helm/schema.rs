//! `values.schema.json`: whether values fit, in the sentences Helm prints.

use super::chart::Chart;
use super::values::Logs;
use crate::value::{Kind, Map};

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
