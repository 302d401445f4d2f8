//! Which charts below a chart are on, under which name, and which of their values rise to the parent.

use super::chart::{Chart, Dependency, ImportValue};
use super::values::{Logs, coalesce_tables, coalesce_values, copy_map, merge_values, path_value, table};
use crate::sprig::semver;
use crate::value::{Kind, Map, Value};

/// Whether a text is a version (loosely, as Helm takes it).
pub fn valid_version(text: &str) -> bool {
    semver::Version::parse(text).is_ok()
}

/// Whether `version` is in the range `constraint`; false when either cannot be read.
pub fn compatible(constraint: &str, version: &str) -> bool {
    let (Ok(version), Ok(constraint)) = (semver::Version::parse(version), semver::Constraints::parse(constraint)) else {
        return false;
    };
    constraint.check(&version)
}

/// Turns dependencies on and off, renames aliased ones, and lifts imported values.
pub fn process(chart: &mut Chart, values: &Map, logs: &mut Logs) -> Result<(), String> {
    enable(chart, values, "", logs)?;
    import(chart, logs)
}

fn enable(chart: &mut Chart, values: &Map, path: &str, logs: &mut Logs) -> Result<(), String> {
    let Some(mut wanted) = chart.metadata.dependencies.clone() else { return Ok(()) };
    if wanted.is_empty() {
        // An empty list and an absent one are the same to Go.
        return Ok(());
    }
    let charts = std::mem::take(&mut chart.dependencies);
    let named = |d: &Dependency, c: &Chart| c.name() == d.name && compatible(&d.version, &c.metadata.version);
    let mut kept: Vec<Chart> = charts.iter().filter(|c| !wanted.iter().flatten().any(|d| named(d, c))).cloned().collect();
    for dependency in wanted.iter_mut().flatten() {
        if let Some(found) = charts.iter().find(|c| named(dependency, c)) {
            let mut copy = found.clone();
            if !dependency.alias.is_empty() {
                copy.metadata.name.clone_from(&dependency.alias);
            }
            kept.push(copy);
        }
        if !dependency.alias.is_empty() {
            dependency.name.clone_from(&dependency.alias);
        }
        dependency.enabled = true;
    }
    chart.dependencies = kept;
    let coalesced = coalesce_values(chart, values, logs)?;
    for dependency in wanted.iter_mut().flatten() {
        by_tags(dependency, &coalesced, logs);
        by_condition(dependency, &coalesced, path, logs);
    }
    let off: Vec<String> = wanted.iter().flatten().filter(|d| !d.enabled).map(|d| d.name.clone()).collect();
    chart.dependencies.retain(|c| !off.iter().any(|n| n == c.name()));
    wanted.retain(|d| d.as_ref().is_some_and(|d| d.enabled && !off.contains(&d.name)));
    for child in &mut chart.dependencies {
        let path = format!("{path}{}.", child.name());
        enable(child, &coalesced, &path, logs)?;
    }
    chart.metadata.dependencies = (!wanted.is_empty()).then_some(wanted);
    Ok(())
}

fn by_tags(dependency: &mut Dependency, values: &Map, logs: &mut Logs) {
    let Ok(tags) = table(values, "tags") else { return };
    let (mut on, mut off) = (false, false);
    for tag in &dependency.tags {
        match tags.get(tag).map(|v| v.kind) {
            None => {}
            Some(Kind::Bool(true)) => on = true,
            Some(Kind::Bool(false)) => off = true,
            Some(_) => logs.push_with("WARN", "returned non-bool value", &[("tag", tag), ("chart", &dependency.name)]),
        }
    }
    dependency.enabled = on || !off;
}

fn by_condition(dependency: &mut Dependency, values: &Map, path: &str, logs: &mut Logs) {
    for condition in dependency.condition.trim().split(',').filter(|c| !c.is_empty()) {
        match path_value(values, &format!("{path}{condition}")).map(|v| v.kind) {
            None => {}
            Some(Kind::Bool(on)) => {
                dependency.enabled = on;
                break;
            }
            Some(_) => {
                logs.push_with("WARN", "returned non-bool value", &[("path", condition), ("chart", &dependency.name)]);
            }
        }
    }
}

fn import(chart: &mut Chart, logs: &mut Logs) -> Result<(), String> {
    for child in &mut chart.dependencies {
        import(child, logs)?;
    }
    let Some(wanted) = &chart.metadata.dependencies else { return Ok(()) };
    let values = merge_values(chart, &Map::default(), logs)?;
    let imported = Map::default();
    for dependency in wanted.iter().flatten() {
        for import in &dependency.import_values {
            let (child, parent) = match import {
                ImportValue::Export(name) => (format!("exports.{name}"), "."),
                ImportValue::Path { child, parent } => (child.clone(), parent.as_str()),
                ImportValue::Other => continue,
            };
            match table(&values, &format!("{}.{child}", dependency.name)) {
                Ok(found) => {
                    coalesce_tables(&imported, &nested(parent, found), "", true, logs, 0);
                }
                Err(error) => {
                    let chart = ("chart", dependency.name.as_str());
                    match import {
                        ImportValue::Export(_) => logs.push_with("WARN", "ImportValues missing table", &[("error", &error)]),
                        _ => logs.push_with("WARN", "ImportValues missing table from chart", &[chart, ("error", &error)]),
                    }
                }
            }
        }
    }
    let own = copy_map(&values);
    coalesce_tables(&own, &imported, "", true, logs, 0);
    chart.values = Some(own);
    Ok(())
}

/// The table under a path of dots; `.` is the table itself.
fn nested(path: &str, table: Map) -> Map {
    if path == "." {
        return table;
    }
    path.split('.').rev().fold(table, |inner, name| {
        let outer = Map::default();
        outer.insert(name, Value::from(inner));
        outer
    })
}

/// The names of dependencies that `Chart.yaml` asks for and `charts/` lacks.
pub fn missing(chart: &Chart) -> Vec<String> {
    chart.metadata.dependencies().filter(|d| !chart.dependencies.iter().any(|c| c.name() == d.name)).map(|d| d.name.clone()).collect()
}
