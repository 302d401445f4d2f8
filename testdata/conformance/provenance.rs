//! Sets `provenance-template` and `provenance-values`: where each scalar of a rendered chart came from.
//!
//! No program records this, so the charts prove it themselves: a value replaced by a mark must be named as the origin
//! of every scalar that is that mark.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use kval::cli::RealWorld;
use kval::diagnostic;
use kval::helm::TemplateOptions;
use kval::pipeline;
use kval::pipeline::Unit;
use kval::source::FileId;
use kval::source::Origin;
use kval::yaml;
use kval::yaml::{Node, NodeKind};
use serde_json::Value as Json;

use super::cli;
use super::each;
use crate::Outcome;

/// Valid as a name, a label and an image.
const MARK: &str = "kvalmark0";
/// How many values of a chart are marked.
const MARKS: usize = 6;

fn options(dir: &Path, case: &Json) -> TemplateOptions {
    TemplateOptions {
        name: Some("rel".to_owned()),
        chart: dir.join(case["chart_path"].as_str().expect("path")).to_string_lossy().into_owned(),
        namespace: "prod-ns".to_owned(),
        kube_version: Some("1.36.0".to_owned()),
        ..TemplateOptions::default()
    }
}

fn world() -> RealWorld {
    RealWorld::new(Some(1_700_000_000_000_000_000), Some(1))
}

/// Calls `see` with every scalar of the rendered documents.
fn scalars(unit: &Unit, mut see: impl FnMut(FileId, &Node) -> Result<(), String>) -> Result<(), String> {
    fn walk(file: FileId, node: &Arc<Node>, see: &mut dyn FnMut(FileId, &Node) -> Result<(), String>) -> Result<(), String> {
        match &node.kind {
            NodeKind::Mapping(entries) => entries.iter().try_for_each(|e| walk(file, &e.value, see)),
            NodeKind::Sequence(items) => items.iter().try_for_each(|i| walk(file, i, see)),
            _ => see(file, node),
        }
    }
    unit.documents.iter().try_for_each(|(file, d)| d.root.as_ref().map_or(Ok(()), |root| walk(*file, root, &mut see)))
}

fn place(unit: &Unit, file: FileId, node: &Node) -> String {
    format!("{}:{} {:?}", unit.sources.get(file).name, unit.sources.start(node.span).line, unit.sources.slice(node.span))
}

fn check_template(dir: &Path, case: &Json) -> Result<(), String> {
    let unit = pipeline::load(&world(), &options(dir, case));
    if unit.documents.is_empty() && !unit.findings.is_empty() {
        return Err(unit.findings[0].message.clone());
    }
    scalars(&unit, |file, node| {
        // Files of crds/ are no templates: they are their own place.
        if unit.sources.get(file).map.is_none() || node.span.start == node.span.end {
            return Ok(());
        }
        let found = diagnostic::resolve(&unit.sources, node.span);
        found.template.map(|_| ()).ok_or_else(|| format!("no template: {}", place(&unit, file, node)))
    })
}

/// The values file with the `n`-th of its strings replaced by the mark: only the top key that holds it.
fn marked(values: &Json, n: usize) -> Option<(String, Json)> {
    fn replace(value: &mut Json, left: &mut usize) -> bool {
        match value {
            Json::String(s) if !s.is_empty() => {
                if *left == 0 {
                    MARK.clone_into(s);
                    return true;
                }
                *left -= 1;
                false
            }
            Json::Array(items) => items.iter_mut().any(|i| replace(i, left)),
            Json::Object(map) => map.values_mut().any(|v| replace(v, left)),
            _ => false,
        }
    }
    let mut left = n;
    values.as_object()?.iter().find_map(|(key, value)| {
        let mut value = value.clone();
        replace(&mut value, &mut left).then(|| (key.clone(), value))
    })
}

fn count(value: &Json) -> usize {
    match value {
        Json::String(s) => usize::from(!s.is_empty()),
        Json::Array(items) => items.iter().map(count).sum(),
        Json::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

fn check_values(dir: &Path, case: &Json) -> Result<(), String> {
    let mut options = options(dir, case);
    let Ok(text) = fs::read_to_string(Path::new(&options.chart).join("values.yaml")) else { return Ok(()) };
    let Some(root) = yaml::parse(&text, FileId(0)).into_iter().find_map(|d| d.root) else { return Ok(()) };
    let values = root.to_json();
    let total = count(&values);
    let file = dir.join(format!("mark-{}.json", case["id"].as_str().unwrap_or("?")));
    options.value_files = vec![file.to_string_lossy().into_owned()];
    let mut wrong = Vec::new();
    for i in 0..total.min(MARKS) {
        let Some((key, value)) = marked(&values, i * total / total.min(MARKS)) else { continue };
        fs::write(&file, serde_json::json!({ key: value }).to_string()).map_err(|e| e.to_string())?;
        let unit = pipeline::load(&world(), &options);
        let _ = scalars(&unit, |file, node| {
            if !matches!(&node.kind, NodeKind::Str(s) if **s == *MARK) {
                return Ok(());
            }
            let found = diagnostic::resolve(&unit.sources, node.span);
            let marked = |o: &Origin| matches!(o, Origin::Key { value, .. } if unit.sources.slice(*value).trim_matches('"') == MARK);
            if !found.origins.iter().any(marked) {
                wrong.push(place(&unit, file, node));
            }
            Ok(())
        });
    }
    let _ = fs::remove_file(&file);
    wrong.first().map_or(Ok(()), |first| Err(format!("{} scalars have lost their value, first {first}", wrong.len())))
}

fn run(check: fn(&Path, &Json) -> Result<(), String>) -> Option<(bool, Vec<Outcome>)> {
    let (dir, cases) = cli::corpus_templates()?;
    let plain = cases.into_iter().filter(|c| c["label"] == "default" && c["exit"] == 0).collect();
    Some((true, each(plain, |c| c["id"].as_str().unwrap_or("?").to_owned(), |c| check(dir, c))))
}

/// Every scalar resolves to a template line.
pub(super) fn template(_: &str) -> Option<(bool, Vec<Outcome>)> {
    run(check_template)
}

/// Every scalar that is a value's text resolves to that value.
pub(super) fn values(_: &str) -> Option<(bool, Vec<Outcome>)> {
    run(check_values)
}
