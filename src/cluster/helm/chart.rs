//! Rendering a chart for a cluster, and a chart as part of a release record.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::Session;
use super::Wanted;
use super::objects::to_json;
use super::release::Hook;
use crate::cluster::boot::VERSION;
use crate::helm::TemplateOptions;
use crate::helm::capabilities::Capabilities;
use crate::helm::capabilities::KubeVersion;
use crate::helm::chart::Chart;
use crate::helm::dependency;
use crate::helm::engine;
use crate::helm::hooks;
use crate::helm::load;
use crate::helm::package;
use crate::helm::release as render;
use crate::helm::release::ReleaseInfo;
use crate::helm::values;
use crate::helm::values::Logs;
use crate::helm::values::UserValues;
use crate::helm::values::ValuesReader;
use crate::kube::schema;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;
use crate::source::SharedText;
use crate::source::Sources;
use crate::source::World;
use crate::value;
use crate::value::Map;

/// What a chart renders to.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The objects, each under its `# Source:`.
    pub manifest: String,
    /// The hooks, in the order of their kinds.
    pub hooks: Vec<Hook>,
    /// The notes.
    pub notes: String,
}

/// A tree of JSON as a template value.
pub(super) fn to_value(json: &Value) -> value::Value {
    value::json::from_json(json.to_string().as_bytes()).unwrap_or_default()
}

/// A tree of JSON as values.
pub(super) fn to_map(json: &Value) -> Map {
    to_value(json).as_map().cloned().unwrap_or_default()
}

/// Loads the chart that options name, with the values they give; on failure, Helm's sentence.
pub fn load(world: &dyn World, path: &str, options: &TemplateOptions, installs: bool, logs: &mut Logs) -> Result<Wanted, String> {
    let user = UserValues {
        files: &options.value_files,
        json: &options.set_json,
        set: &options.set,
        string: &options.set_string,
        file: &options.set_file,
        literal: &options.set_literal,
    };
    let mut reader = ValuesReader::default();
    let values = values::merge_options(world, user, &mut reader)?;
    let chart = load::load_known(world, path, &mut reader, logs).map_err(|e| e.0)?;
    // The record of the release holds all files.
    chart.read_all().map_err(|e| e.0)?;
    if installs && !matches!(chart.metadata.chart_type.as_str(), "" | "application") {
        return Err(format!("{} charts are not installable", chart.metadata.chart_type));
    }
    if chart.metadata.deprecated {
        logs.push("WARN", "this chart is deprecated".to_owned());
    }
    if chart.metadata.api_version == "v3" {
        return Err("invalid chart apiVersion".to_owned());
    }
    let missing = dependency::missing(&chart);
    if !missing.is_empty() {
        let why = "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing \
                   dependencies: found in Chart.yaml, but missing in charts/ directory";
        return Err(format!("{why}: {}", missing.join(", ")));
    }
    Ok(Wanted { chart, values })
}

impl Session<'_> {
    /// What templates are told of the cluster: its version, and the API versions it serves.
    pub(super) fn capabilities(&self) -> Capabilities {
        let version = KubeVersion::parse(VERSION).unwrap_or_default();
        let mut out = Capabilities::new(version, &[]);
        let served = |entry: &String| {
            // Those of Helm's own list that the server has dropped are not served.
            match entry.matches('/').count() {
                0 => true,
                1 if !entry.starts_with("v1/") => served_groups().contains(entry.as_str()),
                _ => schema::newest().kind(entry).is_some(),
            }
        };
        let api_versions = Arc::make_mut(&mut out.api_versions);
        api_versions.retain(served);
        for crd in self.cluster.list("CustomResourceDefinition", "") {
            let (group, kind) = (text(&crd, &["spec", "group"]), text(&crd, &["spec", "names", "kind"]));
            for version in list(&crd, &["spec", "versions"]).iter().filter(|v| v["served"] == true) {
                let full = format!("{group}/{}", text(version, &["name"]));
                api_versions.push(format!("{full}/{kind}"));
                api_versions.push(full);
            }
        }
        out
    }

    /// Renders a chart; on failure, Helm's sentence.
    pub(super) fn render(
        &mut self,
        chart: &Chart,
        values: &Map,
        release: &ReleaseInfo<'_>,
        check_schema: bool,
        subchart_notes: bool,
    ) -> Result<Rendered, String> {
        let capabilities = self.capabilities();
        let world = self.world;
        let top = render::render_values(chart, values, release, &capabilities, check_schema.then_some(world), &mut self.logs)?;
        let wanted = &chart.metadata.kube_version;
        if !wanted.is_empty() && !dependency::compatible(wanted, &capabilities.kube_version.normalized) {
            let version = &capabilities.kube_version.version;
            return Err(format!("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {version}"));
        }
        let mut sources = Sources::new();
        let templates = render::templates(chart, &top, &mut sources);
        let cluster = &*self.cluster;
        let find = |_: &str, kind: &str, namespace: &str, name: &str| -> Result<value::Value, String> {
            if name.is_empty() {
                let items = cluster.list(kind, namespace);
                return Ok(if items.is_empty() {
                    Map::default().into()
                } else {
                    to_value(&json!({"apiVersion": "v1", "kind": format!("{kind}List"), "items": items}))
                });
            }
            Ok(cluster.get(kind, namespace, name).map_or_else(|| Map::default().into(), |o| to_value(&o)))
        };
        let options = engine::Options { lookup: Some(&find), ..engine::Options::new(world) };
        let output = engine::render(&templates, &options).map_err(|e| e.text)?;
        self.logs.said(&output.warnings);
        let own_notes = format!("{}/templates/NOTES.txt", chart.name());
        let mut notes = String::new();
        let mut texts: Vec<(String, SharedText)> = Vec::new();
        for (path, file) in output.files {
            let text = String::from_utf8_lossy(&file.text).into_owned();
            if path.ends_with("NOTES.txt") {
                if subchart_notes || path == own_notes {
                    if !notes.is_empty() {
                        notes.push('\n');
                    }
                    notes.push_str(&text);
                }
            } else {
                texts.push((path, text.into()));
            }
        }
        let sorted = hooks::sort(texts.iter().map(|(p, t)| (p.as_str(), t)), false).map_err(|e| e.0)?;
        for text in &sorted.unknown_hooks {
            self.logs.push_with("INFO", "skipping unknown hooks", &[("hookTypes", text)]);
        }
        let mut out = Rendered { notes, ..Rendered::default() };
        for manifest in &sorted.manifests {
            out.manifest.push_str(&format!("---\n# Source: {}\n{}\n", manifest.path, manifest.text));
        }
        for manifest in &sorted.hooks {
            let Some(hook) = &manifest.hook else { continue };
            out.hooks.push(Hook {
                name: manifest.head.name.clone(),
                kind: manifest.head.kind.clone(),
                path: manifest.path.clone(),
                manifest: manifest.text.to_string(),
                events: hook.events.iter().map(|e| e.name().to_owned()).collect(),
                weight: hook.weight,
                delete_policies: hook.delete_policies.clone(),
                output_log_policies: hook.output_log_policies.clone(),
                ..Hook::default()
            });
        }
        Ok(out)
    }
}

/// The group versions the newest server has, of those that Helm lists.
fn served_groups() -> &'static std::collections::BTreeSet<String> {
    static ALL: std::sync::LazyLock<std::collections::BTreeSet<String>> = std::sync::LazyLock::new(|| {
        let all = Capabilities::default().api_versions;
        let kinds = all.iter().filter(|v| schema::newest().kind(v).is_some());
        kinds.filter_map(|k| k.rsplit_once('/').map(|p| p.0.to_owned())).collect()
    });
    &ALL
}

/// A chart as a release record keeps it: the charts below are not part of it.
pub fn encode(chart: &Chart) -> Value {
    let meta = to_json(&package::metadata(chart, true).into());
    let files = |all: &[crate::helm::File]| -> Value {
        all.iter().map(|f| json!({"name": f.name, "data": data_encoding::BASE64.encode(f.data())})).collect()
    };
    let values = chart.values.as_ref().map_or(Value::Null, |v| to_json(&v.clone().into()));
    let schema = chart.schema.as_ref().map_or(Value::Null, |s| data_encoding::BASE64.encode(s).into());
    json!({"metadata": meta, "lock": null, "templates": files(&chart.templates), "values": values, "schema": schema, "files": files(&chart.files)})
}

/// The chart of a release record, as far as its values go.
pub(super) fn decode(record: &Value) -> Chart {
    let file = |name: &str, value: &Value| (name.to_owned(), value.to_string().into_bytes());
    let mut meta = record["metadata"].clone();
    if let Some(map) = meta.as_object_mut() {
        // The charts below are not in the record.
        map.remove("dependencies");
    }
    let values = if record["values"].is_object() { record["values"].clone() } else { json!({}) };
    load::load_files(vec![file("Chart.yaml", &meta), file("values.yaml", &values)]).unwrap_or_default()
}

/// Keeps a chart's values where templates look for them.
pub(super) fn set_values(chart: &mut Chart, values: Map) {
    chart.values = Some(values);
}
