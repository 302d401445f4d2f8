//! The rules about templates and what they render.

use super::super::capabilities::Capabilities;
use super::super::dependency;
use super::super::engine;
use super::super::release;
use super::super::release::ReleaseInfo;
use super::super::strvals::quote;
use super::super::values;
use super::super::values::Logs;
use super::documents::Head;
use super::{Level, Linter, deprecated, documents};
use crate::kube::names;
use crate::source::{FileKind, Sources};
use crate::value::Map;

const FOLDER: &str = "templates/";

/// Renders the chart and judges each document.
pub(super) fn check(linter: &mut Linter<'_>, user: &Map, logs: &mut Logs) {
    let verdict = match linter.world.kind(&linter.file("templates")) {
        Err(e) if e.not_found => {
            linter.rule("chart-templates-missing", Level::Warning, FOLDER, Err("directory does not exist".to_owned()));
            return;
        }
        Err(e) => Err(e.message),
        Ok(FileKind::Directory) => Ok(()),
        Ok(_) => Err("not a directory".to_owned()),
    };
    if !linter.rule("render-error", Level::Error, FOLDER, verdict) {
        return;
    }
    let (chart, rendered) = match render(linter, user, logs) {
        Ok(Some(rendered)) => rendered,
        Ok(None) => return,
        Err(e) => {
            linter.rule("render-error", Level::Error, FOLDER, Err(e));
            return;
        }
    };
    let versions = linter.settings.kube_version.clone().unwrap_or_default();
    let version = (versions.major.parse().unwrap_or(0), versions.minor.parse().unwrap_or(0));
    for file in &chart.templates {
        let name = &file.name;
        linter.rule("template-extension", Level::Error, name, allowed_extension(name));
        if !matches!(extension(name).to_lowercase().as_str(), ".yaml" | ".yml") {
            continue;
        }
        let path = release::clean_path(&format!("{}/{name}", chart.name()));
        let Some(text) = rendered.files.get(&path).map(|f| String::from_utf8_lossy(&f.text).into_owned()) else { continue };
        if text.trim().is_empty() {
            continue;
        }
        linter.rule("template-indent", Level::Warning, name, top_indent(&text));
        for document in documents::read(text.as_bytes()) {
            let head = match document {
                Ok(head) => head,
                Err(e) => {
                    // What follows in other files would only fail in the same way.
                    linter.rule("yaml-syntax", Level::Error, name, Err(format!("unable to parse YAML: {e}")));
                    return;
                }
            };
            let Some(head) = head else { continue };
            linter.rule("invalid-value", Level::Warning, name, object_name(&head));
            let old = deprecated::warning(&head.api_version, &head.kind, version).map_or(Ok(()), Err);
            linter.rule("removed-api", Level::Warning, name, old);
            linter.rule("missing-required-field", Level::Error, name, selector(&head, &text));
            linter.rule("resource-policy-in-list", Level::Error, name, list_annotations(&head, &text));
        }
    }
}

/// The chart as its values leave it, and what it renders; `None` where Helm says nothing.
fn render(linter: &Linter<'_>, user: &Map, logs: &mut Logs) -> Result<Option<(super::super::chart::Chart, engine::Output)>, String> {
    let mut chart = linter.load(logs)?;
    if dependency::process(&mut chart, user, logs).is_err() {
        return Ok(None);
    }
    let Ok(values) = values::coalesce_values(&chart, user, logs) else { return Ok(None) };
    let settings = linter.settings;
    let namespace = if settings.namespace.is_empty() { "default" } else { &settings.namespace };
    let about = ReleaseInfo { name: "test-release", namespace, is_upgrade: false, revision: 0 };
    let capabilities = Capabilities::new(settings.kube_version.clone().unwrap_or_default(), &[]);
    let schema_world = (!settings.skip_schema_validation).then_some(linter.world);
    let top = release::render_values(&chart, &values, &about, &capabilities, schema_world, logs)?;
    let templates = release::templates(&chart, &top, &mut Sources::new());
    let options = engine::Options { lint: true, ..engine::Options::new(linter.world) };
    let rendered = engine::render(&templates, &options).map_err(|e| {
        logs.said(&e.warnings);
        e.text
    })?;
    logs.said(&rendered.warnings);
    Ok(Some((chart, rendered)))
}

/// Go's `filepath.Ext`.
fn extension(name: &str) -> &str {
    let base = &name[name.rfind('/').map_or(0, |i| i + 1)..];
    base.rfind('.').map_or("", |i| &base[i..])
}

fn allowed_extension(name: &str) -> Result<(), String> {
    match extension(name) {
        ".yaml" | ".yml" | ".tpl" | ".txt" => Ok(()),
        other => Err(format!("file extension '{other}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt")),
    }
}

/// The longest line that Go's scanner reads.
const MAX_LINE: usize = 64 * 1024;

fn top_indent(text: &str) -> Result<(), String> {
    for line in text.split('\n') {
        if line.len() >= MAX_LINE {
            return Err("bufio.Scanner: token too long".to_owned());
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.trim().is_empty() {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            return Err(format!("document starts with an illegal indent: {}, which may cause parsing problems", quote(line)));
        }
        return Ok(());
    }
    Ok(())
}

fn object_name(head: &Head) -> Result<(), String> {
    let wrong = match head.kind.to_lowercase().as_str() {
        "service" => names::dns1035_label(&head.name),
        "namespace" => names::dns1123_label(&head.name),
        "certificatesigningrequest" => Vec::new(),
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => names::path_segment(&head.name),
        _ => names::dns1123_subdomain(&head.name),
    };
    let name = quote(&head.name);
    let mut sentences: Vec<String> = Vec::new();
    for why in wrong {
        let sentence = format!("metadata.name: Invalid value: {name}: {why}");
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    let all = match sentences.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    Err(format!("object name does not conform to Kubernetes naming requirements: {name}: {all}"))
}

fn selector(head: &Head, text: &str) -> Result<(), String> {
    let selects = matches!(head.kind.as_str(), "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet");
    if selects && !text.contains("matchLabels") && !text.contains("matchExpressions") {
        let (kind, name) = (&head.kind, quote(&head.name));
        return Err(format!("a {kind} must contain matchLabels or matchExpressions, and {name} does not"));
    }
    Ok(())
}

fn list_annotations(head: &Head, text: &str) -> Result<(), String> {
    if head.kind != "List" {
        return Ok(());
    }
    match documents::list_keeps(text) {
        Err(e) => Err(format!("unable to parse YAML: {e}")),
        Ok(true) => Err("annotation 'helm.sh/resource-policy' within List objects are ignored".to_owned()),
        Ok(false) => Ok(()),
    }
}
