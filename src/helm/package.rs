//! Writing a chart as an archive that Helm reads; the same chart gives the same bytes.

use std::io::Write;

use flate2::{Compression, GzBuilder};

use super::chart::{Chart, Dependency, ImportValue};
use super::load::LoadError;
use crate::value::{List, Map, Value};
use crate::yaml;

/// The mark Helm puts into the gzip header.
const HEADER: &[u8] = b"+aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=";

/// The name of the archive and its bytes. `seconds` is the time every file gets.
pub fn package(chart: &Chart, seconds: u64) -> Result<(String, Vec<u8>), LoadError> {
    let failed = |e: std::io::Error| LoadError(e.to_string());
    let gzip = GzBuilder::new().extra(HEADER).comment("Helm").mtime(0).write(Vec::new(), Compression::default());
    let mut archive = tar::Builder::new(gzip);
    write(&mut archive, chart, "", seconds, 0)?;
    chart.all_read()?;
    let mut gzip = archive.into_inner().map_err(failed)?;
    gzip.flush().map_err(failed)?;
    let bytes = gzip.finish().map_err(failed)?;
    Ok((format!("{}-{}.tgz", chart.name(), chart.metadata.version), bytes))
}

fn write<W: Write>(out: &mut tar::Builder<W>, chart: &Chart, prefix: &str, seconds: u64, depth: usize) -> Result<(), LoadError> {
    if depth > 64 {
        return Err("charts are nested too deep".into());
    }
    let base = format!("{prefix}{}", chart.name());
    let mut file = |name: &str, data: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(data.len() as u64);
        header.set_mtime(seconds);
        header.set_entry_type(tar::EntryType::Regular);
        out.append_data(&mut header, format!("{base}/{name}"), data).map_err(|e| LoadError(e.to_string()))
    };
    let metadata = yaml::to_yaml(&metadata(chart, chart.metadata.api_version != "v1").into()).map_err(LoadError)?;
    file("Chart.yaml", &metadata)?;
    let raw = |name: &str| chart.raw.iter().find(|f| f.name == name);
    if chart.metadata.api_version == "v2" {
        if let Some(lock) = raw("Chart.lock").or_else(|| raw("requirements.lock")) {
            file("Chart.lock", lock.data())?;
        }
    }
    if let Some(values) = raw("values.yaml") {
        file("values.yaml", values.data())?;
    }
    if let Some(schema) = &chart.schema {
        if serde_json::from_slice::<serde::de::IgnoredAny>(schema).is_err() {
            return Err("invalid JSON in values.schema.json".into());
        }
        file("values.schema.json", schema)?;
    }
    for f in chart.templates.iter().chain(&chart.files) {
        file(&f.name, f.data())?;
    }
    for child in &chart.dependencies {
        write(out, child, &format!("{base}/charts/"), seconds, depth + 1)?;
    }
    Ok(())
}

/// `Chart.yaml` as Go would write it again: keys sorted, empty ones left out.
pub fn metadata(chart: &Chart, with_dependencies: bool) -> Map {
    let m = &chart.metadata;
    let out = Map::default();
    let text = |map: &Map, key: &str, s: &str| {
        if !s.is_empty() {
            map.insert(key, s.into());
        }
    };
    let texts = |map: &Map, key: &str, list: &[String]| {
        if !list.is_empty() {
            map.insert(key, List::any(list.iter().map(|s| Value::from(s.as_str())).collect()).into());
        }
    };
    for (key, value) in [
        ("name", &m.name),
        ("home", &m.home),
        ("version", &m.version),
        ("description", &m.description),
        ("icon", &m.icon),
        ("apiVersion", &m.api_version),
        ("condition", &m.condition),
        ("tags", &m.tags),
        ("appVersion", &m.app_version),
        ("kubeVersion", &m.kube_version),
        ("type", &m.chart_type),
    ] {
        text(&out, key, value);
    }
    texts(&out, "sources", m.sources.as_deref().unwrap_or_default());
    texts(&out, "keywords", m.keywords.as_deref().unwrap_or_default());
    if m.deprecated {
        out.insert("deprecated", true.into());
    }
    if let Some(annotations) = m.annotations.as_ref().filter(|a| !a.is_empty()) {
        let map = Map::default();
        for (key, value) in annotations {
            map.insert(key.as_str(), value.as_str().into());
        }
        out.insert("annotations", map.into());
    }
    let maintainers: Vec<Value> = m
        .maintainers
        .iter()
        .flatten()
        .flatten()
        .map(|p| {
            let map = Map::default();
            text(&map, "name", &p.name);
            text(&map, "email", &p.email);
            text(&map, "url", &p.url);
            map.into()
        })
        .collect();
    if !maintainers.is_empty() {
        out.insert("maintainers", List::any(maintainers).into());
    }
    let dependency = |d: &Dependency| {
        let map = Map::default();
        map.insert("name", d.name.as_str().into());
        map.insert("repository", d.repository.as_str().into());
        text(&map, "version", &d.version);
        text(&map, "condition", &d.condition);
        text(&map, "alias", &d.alias);
        texts(&map, "tags", &d.tags);
        if d.enabled {
            map.insert("enabled", true.into());
        }
        if !d.import_values.is_empty() {
            let imports = d.import_values.iter().map(|i| match i {
                ImportValue::Export(name) => name.as_str().into(),
                ImportValue::Path { child, parent } => {
                    let map = Map::default();
                    map.insert("child", child.as_str().into());
                    map.insert("parent", parent.as_str().into());
                    map.into()
                }
                ImportValue::Other => Value::NIL,
            });
            map.insert("import-values", List::any(imports.collect()).into());
        }
        Value::from(map)
    };
    // Charts of the first version keep them in requirements.yaml.
    let dependencies: Vec<Value> = m.dependencies().map(dependency).collect();
    if with_dependencies && !dependencies.is_empty() {
        out.insert("dependencies", List::any(dependencies).into());
    }
    out
}
