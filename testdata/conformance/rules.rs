//! The set `rules`: a bad case counts when its id is reported at its field and line, a good one when its id is not.

use std::collections::BTreeMap;
use std::path::Path;

use kval::diagnostic::{Diagnostic, resolve};
use kval::helm::TemplateOptions;
use kval::pipeline;
use kval::pipeline::{Checks, Fixes};
use kval::source::{MemoryWorld, Sources};
use serde_json::Value as Json;

use super::each;
use crate::Outcome;
use crate::data;

const CHART: &str = "demo";

/// The cases; those in a folder are read from it, packed ones carry their files. `rules-siblings` are mistakes of the same
/// kinds in other workloads, other fields and other versions of an API, and what only looks like a mistake.
pub(crate) fn rules(set: &str) -> Option<(bool, Vec<Outcome>)> {
    let cases = data::lines(if set == "rules-siblings" { "rules/siblings.jsonl" } else { "rules/cases.jsonl" })?;
    let folder = data::find("rules/cases");
    let id = |c: &Json| format!("{}/{}", text(c, "rule"), text(c, "file"));
    Some((true, each(cases, id, |case| check(case, folder.as_deref()))))
}

pub(super) fn text<'j>(case: &'j Json, key: &str) -> &'j str {
    case[key].as_str().unwrap_or("")
}

/// The version of Kubernetes a case was recorded for, where the matrix names one.
fn version(rule: &str) -> Option<String> {
    let version = match rule {
        "api-not-yet-available" => "1.20",
        "field-not-in-version" => "1.27",
        "deprecated-api" => "1.25",
        _ => return None,
    };
    Some(version.to_owned())
}

/// The settings that the cases of policy rules are meant for, by the matrix.
fn params() -> BTreeMap<String, Vec<String>> {
    let list = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect();
    BTreeMap::from([("untrusted-registry.allowed".to_owned(), list(&["registry.example.com"]))])
}

/// A case's world, what is linted in it and how.
fn prepared(case: &Json, folder: Option<&Path>) -> (MemoryWorld, &'static str, Checks) {
    let rule = text(case, "rule");
    let chart = text(case, "file").ends_with('/');
    let mut world = MemoryWorld::default();
    let named = if chart { CHART } else { "case.yaml" };
    for (name, bytes) in files(case, folder) {
        let path = if chart { format!("{CHART}/{name}") } else { named.to_owned() };
        world.files.insert(path, bytes);
    }
    let checks = Checks { judge: true, select: vec![rule.to_owned()], kube_version: version(rule), params: params(), ..Checks::default() };
    (world, named, checks)
}

pub(super) fn check(case: &Json, folder: Option<&Path>) -> Result<(), String> {
    let rule = text(case, "rule");
    let (world, named, checks) = prepared(case, folder);
    let inputs = pipeline::discover(&world, &[named.to_owned()]).map_err(|e| e.message)?;
    let outcome = pipeline::run(&world, &inputs, &TemplateOptions::default(), &checks).map_err(|e| e.message)?;
    let mut seen = Vec::new();
    for unit in &outcome.units {
        for finding in unit.findings.iter().filter(|f| f.code == rule) {
            let (spellings, line) = places(&unit.sources, finding);
            let at = case["line"].is_null() || case["line"].as_u64() == line;
            if at && (case["field"].is_null() || spellings.iter().any(|s| s == text(case, "field"))) && text(case, "kind") == "bad" {
                return Ok(());
            }
            seen.push(format!("{spellings:?} line {line:?}: {}", finding.message));
        }
    }
    match text(case, "kind") {
        "good" if seen.is_empty() => Ok(()),
        "good" => Err(format!("want nothing, got {seen:?}")),
        _ => Err(format!("want {} line {}, got {seen:?}", case["field"], case["line"])),
    }
}

/// The set `fixes`: a bad case of a rule with a fix counts when its finding can be mended, and mending again changes
/// nothing.
pub(crate) fn fixes(_: &str) -> Option<(bool, Vec<Outcome>)> {
    let cases = data::lines("rules/cases.jsonl")?;
    let folder = data::find("rules/cases");
    let cases: Vec<Json> = cases.into_iter().filter(|c| text(c, "kind") == "bad" && kval::lint::fixable(text(c, "rule"))).collect();
    let id = |c: &Json| format!("{}/{}", text(c, "rule"), text(c, "file"));
    Some((true, each(cases, id, |case| check_fix(case, folder.as_deref()))))
}

fn check_fix(case: &Json, folder: Option<&Path>) -> Result<(), String> {
    let (mut world, named, checks) = prepared(case, folder);
    let inputs = pipeline::discover(&world, &[named.to_owned()]).map_err(|e| e.message)?;
    let template = TemplateOptions::default();
    let fixed = pipeline::fix(&world, &inputs, &template, &checks, Fixes::All).map_err(|e| e.message)?;
    if fixed.count == 0 {
        return Err(format!("nothing was mended ({} refused)", fixed.refused));
    }
    let left: usize = fixed.outcome.units.iter().map(|u| u.findings.iter().filter(|f| f.code == text(case, "rule")).count()).sum();
    for (path, (_, new)) in fixed.files {
        world.files.insert(path, new.into_bytes());
    }
    let again = pipeline::fix(&world, &inputs, &template, &checks, Fixes::All).map_err(|e| e.message)?;
    if !again.files.is_empty() {
        return Err("mending again changes more".to_owned());
    }
    if left == 0 { Ok(()) } else { Err(format!("{left} findings are left")) }
}

/// The files of a case: name below its folder (empty for a single file) and content.
pub(super) fn files(case: &Json, folder: Option<&Path>) -> Vec<(String, Vec<u8>)> {
    if let Some(packed) = case["files"].as_object() {
        return packed.iter().filter_map(|(name, value)| Some((name.clone(), data::value_bytes(value)?))).collect();
    }
    let Some(folder) = folder else { return Vec::new() };
    let path = folder.join(text(case, "file"));
    let mut out = Vec::new();
    walk(&path, "", &mut out);
    out
}

fn walk(path: &Path, name: &str, out: &mut Vec<(String, Vec<u8>)>) {
    if !path.is_dir() {
        out.push((name.to_owned(), data::read(path)));
        return;
    }
    let mut entries: Vec<_> = path.read_dir().expect("the folder is readable").map(|e| e.expect("it is readable").path()).collect();
    entries.sort();
    for entry in entries {
        let file = entry.file_name().expect("it has a name").to_string_lossy().into_owned();
        walk(&entry, &if name.is_empty() { file } else { format!("{name}/{file}") }, out);
    }
}

/// How a finding's place may be spelled in a case (`field`, `file:field` or `file:line`), and its line.
fn places(sources: &Sources, finding: &Diagnostic) -> (Vec<String>, Option<u64>) {
    let mut out = vec![finding.field.clone()];
    let Some(span) = finding.span else { return (out, None) };
    let origin = resolve(sources, span).template.unwrap_or(span);
    let line = u64::from(sources.start(origin).line);
    let name = &sources.get(origin.file).name;
    let name = name.strip_prefix(CHART).and_then(|n| n.strip_prefix('/')).unwrap_or(name);
    out.push(format!("{name}:{}", finding.field));
    out.push(format!("{name}:{line}"));
    (out, Some(line))
}
