//! Sets `template`, `functions`, `values` and `schema_values`: charts in memory through the library.

use kval::helm::capabilities::{Capabilities, HelmVersion, KubeVersion};
use kval::helm::dependency;
use kval::helm::engine;
use kval::helm::load;
use kval::helm::release::{ReleaseInfo, render_values, templates};
use kval::helm::schema;
use kval::helm::strvals;
use kval::helm::values::{self, Logs, UserValues, ValuesReader};
use kval::helm::{Chart, File};
use kval::source::{MemoryWorld, Sources};
use kval::sprig::semver;
use kval::value::Map;
use serde_json::Value as Json;

use super::{records, same, typed};
use crate::Outcome;
use crate::data;

const CHART: &str = "apiVersion: v2\nname: c\nversion: 1.2.3\nappVersion: \"4.5.6\"\ndescription: a chart\n";

fn contents(record: &Json, field: &str) -> Vec<(String, Vec<u8>)> {
    record
        .get(field)
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .map(|(k, v)| (k.clone(), data::value_bytes(v).unwrap_or_default()))
        .collect()
}

fn strings(record: &Json, field: &str) -> Vec<String> {
    record.get(field).and_then(Json::as_array).into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

fn capabilities(record: &Json) -> Result<Capabilities, String> {
    let version = record.get("kube_version").and_then(Json::as_str).unwrap_or("v1.31.2");
    let mut out = Capabilities::new(KubeVersion::parse(version)?, &strings(record, "api_versions"));
    out.helm = HelmVersion { version: "v4.3.1".to_owned(), ..out.helm };
    Ok(out)
}

/// Renders the chart of a record: every file's text by its path, or the error with the step's prefix.
fn render(record: &Json, contexts: &Json, more: &[(&str, &str)]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut files = contents(record, "files");
    if let Some(text) = data::bytes(record, "tpl") {
        files.push(("templates/t.yaml".to_owned(), text));
    }
    let context = record.get("ctx").and_then(Json::as_str).and_then(|c| contexts[c].as_str());
    if let Some(text) = data::bytes(record, "values").or(context.map(|c| c.as_bytes().to_vec())) {
        files.push(("values.yaml".to_owned(), text));
    }
    if !files.iter().any(|f| f.0 == "Chart.yaml") {
        files.push(("Chart.yaml".to_owned(), CHART.as_bytes().to_vec()));
    }
    files.extend(more.iter().map(|(n, t)| ((*n).to_owned(), t.as_bytes().to_vec())));
    files.sort();
    let mut logs = Logs::default();
    let mut chart = load::load_files(files).map_err(|e| format!("LOAD: {}", e.0))?;
    let user = Map::default();
    dependency::process(&mut chart, &user, &mut logs).map_err(|e| format!("DEPS: {e}"))?;
    let upgrade = record.get("is_upgrade").and_then(Json::as_bool).unwrap_or(false);
    let release = ReleaseInfo { name: "rel", namespace: "ns", is_upgrade: upgrade, revision: 1 };
    let top = render_values(&chart, &user, &release, &capabilities(record)?, Some(&MemoryWorld::default()), &mut logs)
        .map_err(|e| format!("VALUES: {e}"))?;
    let world = MemoryWorld { now: 1_700_000_000_000_000_000, ..MemoryWorld::default() };
    let templates = templates(&chart, &top, &mut Sources::new());
    let mut options = engine::Options::new(&world);
    options.strict = record.get("strict").and_then(Json::as_bool).unwrap_or(false);
    options.lint = record.get("lint").and_then(Json::as_bool).unwrap_or(false);
    let output = engine::render(&templates, &options).map_err(|e| e.to_string())?;
    Ok(output.files.into_iter().map(|(name, file)| (name, file.text.to_vec())).collect())
}

fn check_template(record: &Json, contexts: &Json) -> Result<(), String> {
    let got = render(record, contexts, &[]);
    if let Some(want) = data::bytes(record, "err") {
        return match got {
            Err(e) => same("error", &want, e.as_bytes()),
            Ok(_) => Err(format!("should fail: {}", String::from_utf8_lossy(&want))),
        };
    }
    let got = got.map_err(|e| format!("failed: {e}"))?;
    if let Some(want) = data::bytes(record, "out") {
        let text = got.iter().find(|f| f.0 == "c/templates/t.yaml").ok_or("not rendered")?;
        return same("text", &want, &text.1);
    }
    for (name, want) in record["out"].as_object().ok_or("no out")? {
        let text = got.iter().find(|f| f.0 == *name).ok_or_else(|| format!("{name} is not rendered"))?;
        same(name, &data::value_bytes(want).ok_or("out")?, &text.1)?;
    }
    Ok(())
}

fn check_semver(record: &Json) -> Result<(), String> {
    let out = &record["out"];
    let text = record["version"].as_str().ok_or("no version")?;
    let version = semver::Version::parse(text);
    match (&version, out.get("version_err").and_then(Json::as_str)) {
        (Err(e), Some(want)) => same("version_err", want.as_bytes(), e.clone().as_bytes())?,
        (Err(e), None) => return Err(format!("version: {e}")),
        (Ok(_), Some(want)) => return Err(format!("version should fail: {want}")),
        (Ok(v), None) => same("string", out["string"].as_str().unwrap_or("").as_bytes(), v.to_string().as_bytes())?,
    }
    if let (Some(want), Err(e)) = (out.get("strict_err").and_then(Json::as_str), semver::Version::parse_strict(text)) {
        same("strict_err", want.as_bytes(), e.clone().as_bytes())?;
    }
    let Some(constraint) = record.get("constraint").and_then(Json::as_str) else { return Ok(()) };
    let constraint = semver::Constraints::parse(constraint);
    match (&constraint, out.get("constraint_err").and_then(Json::as_str), &version) {
        (Err(e), Some(want), _) => same("constraint_err", want.as_bytes(), e.clone().as_bytes()),
        (Err(e), None, _) => Err(format!("constraint: {e}")),
        (Ok(_), Some(want), _) => Err(format!("constraint should fail: {want}")),
        (Ok(c), None, Ok(v)) => {
            let want = out.get("match").and_then(Json::as_bool);
            let got = c.check(v);
            if want.is_some_and(|w| w != got) { Err(format!("match: want {want:?} got {got}")) } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

/// Sets `template` and `functions`.
pub(super) fn template(set: &str) -> Option<(bool, Vec<Outcome>)> {
    let contexts: Json = serde_json::from_slice(&data::read(&data::find("vectors/contexts.json")?)).expect("contexts");
    let outcomes = records(&format!("vectors/{set}.jsonl"), |r| match r["kind"].as_str() {
        Some("semver") => check_semver(r),
        _ => check_template(r, &contexts),
    })?;
    Some((true, outcomes))
}

fn check_strvals(record: &Json) -> Result<(), String> {
    let mode = match record["mode"].as_str() {
        Some("set") => strvals::Mode::Set,
        Some("set-string") => strvals::Mode::String,
        Some("set-json") => strvals::Mode::Json,
        Some("set-file") => strvals::Mode::File,
        _ => strvals::Mode::Literal,
    };
    let base = kval::yaml::decode_values(record["base"].as_str().unwrap_or("").as_bytes()).map_err(|e| e.message)?;
    let read = |path: &str| Ok(format!("<<{path}>>").into_bytes());
    let arg = String::from_utf8_lossy(&data::bytes(record, "arg").ok_or("no arg")?).into_owned();
    let got = strvals::parse_into(mode, &arg, &base, &read, None).map(|()| typed(&base.into()));
    against(record, got)
}

fn against(record: &Json, got: Result<String, String>) -> Result<(), String> {
    match (data::bytes(record, "out"), data::bytes(record, "err"), got) {
        (Some(want), _, Ok(got)) => same("out", &want, got.as_bytes()),
        (_, Some(want), Err(got)) => same("err", &want, got.as_bytes()),
        (_, _, got) => Err(format!("want {} got {got:?}", record.get("out").or(record.get("err")).unwrap_or(&Json::Null))),
    }
}

/// What a chart's values become: user values, coalesced values, each chart's rendered files, warnings.
struct Seen {
    user: String,
    coalesced: String,
    files: Vec<(String, Vec<u8>)>,
    warnings: Vec<String>,
}

const DUMP: &str = "templates/zz-values.yaml";

fn add_dump(chart: &mut Chart) {
    chart.templates.push(File::new(DUMP, b"{{ toJson .Values }}".to_vec()));
    chart.dependencies.iter_mut().for_each(add_dump);
}

fn see(record: &Json) -> Result<Seen, String> {
    let mut world = MemoryWorld::default();
    world.files.extend(contents(record, "value_files"));
    let mut logs = Logs::default();
    let mut reader = ValuesReader::default();
    let lists: Vec<Vec<String>> =
        ["f", "set_json", "set", "set_string", "set_file", "set_literal"].iter().map(|k| strings(record, k)).collect();
    let user = UserValues { files: &lists[0], json: &lists[1], set: &lists[2], string: &lists[3], file: &lists[4], literal: &lists[5] };
    let user = values::merge_options(&world, user, &mut reader).map_err(|e| format!("MERGE: {e}"))?;
    let user_text = typed(&user.clone().into());
    let mut chart = load::load_files_with(contents(record, "files"), &mut reader, &mut logs).map_err(|e| format!("LOAD: {}", e.0))?;
    add_dump(&mut chart);
    dependency::process(&mut chart, &user, &mut logs).map_err(|e| format!("DEPS: {e}"))?;
    let release = ReleaseInfo { name: "rel", namespace: "ns", is_upgrade: false, revision: 1 };
    let top = render_values(&chart, &user, &release, &capabilities(record)?, Some(&MemoryWorld::default()), &mut logs)
        .map_err(|e| format!("VALUES: {e}"))?;
    let coalesced = typed(&top.get("Values").unwrap_or_default());
    let templates = templates(&chart, &top, &mut Sources::new());
    let output = engine::render(&templates, &engine::Options::new(&world)).map_err(|e| e.to_string())?;
    let files = output
        .files
        .into_iter()
        .map(|(n, f)| (n.strip_suffix(&format!("/{DUMP}")).map_or(n.clone(), str::to_owned), f.text.to_vec()))
        .collect();
    let mut warnings: Vec<String> =
        logs.list.iter().filter(|l| l.level == "INFO" && l.attributes.is_empty()).map(|l| l.message.clone()).collect();
    warnings.sort();
    Ok(Seen { user: user_text, coalesced, files, warnings })
}

fn check_values(record: &Json) -> Result<(), String> {
    let seen = see(record);
    if let Some(want) = data::bytes(record, "err") {
        return match seen {
            Err(e) => same("error", &want, e.as_bytes()),
            Ok(_) => Err(format!("should fail: {}", String::from_utf8_lossy(&want))),
        };
    }
    let seen = seen.map_err(|e| format!("failed: {e}"))?;
    let out = &record["out"];
    same("user_values", out["user_values"].as_str().unwrap_or("").as_bytes(), seen.user.as_bytes())?;
    same("coalesced", out["coalesced"].as_str().unwrap_or("").as_bytes(), seen.coalesced.as_bytes())?;
    for (path, want) in out["charts"].as_object().into_iter().flatten() {
        let got = seen.files.iter().find(|f| f.0 == *path).ok_or_else(|| format!("{path} is not there"))?;
        same(path, &data::value_bytes(want).unwrap_or_default(), &got.1)?;
    }
    let mut want = strings(out, "warnings");
    want.sort();
    if want == seen.warnings { Ok(()) } else { Err(format!("warnings: want {want:?} got {:?}", seen.warnings)) }
}

/// Set `values`.
pub(super) fn values(_: &str) -> Option<(bool, Vec<Outcome>)> {
    Some((true, records("vectors/values.jsonl", |r| if r["kind"] == "strvals" { check_strvals(r) } else { check_values(r) })?))
}

/// What the network answered, or the lack of one, belongs to the machine that recorded it.
fn offline(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let cut = text.find("HTTP request failed for ").and_then(|at| Some(at + text[at..].find(": Get \"")?));
    cut.map_or(text.as_ref(), |at| &text[..at]).as_bytes().to_vec()
}

fn check_schema(record: &Json) -> Result<(), String> {
    if let Some(text) = data::bytes(record, "schema") {
        let values = kval::yaml::decode_values(&data::bytes(record, "values").unwrap_or_default()).map_err(|e| e.message)?;
        let got = schema::validate(&values, &text, &MemoryWorld::default(), &mut Logs::default());
        if let (Err(got), Some(want)) = (&got, data::bytes(record, "err").filter(|w| offline(w) != *w)) {
            return same("err", &offline(&want), &offline(got.as_bytes()));
        }
        return against(record, got.map(|()| "valid".to_owned()));
    }
    let mut record = record.clone();
    if record["files"].get("Chart.yaml").is_none() {
        record["files"]["Chart.yaml"] = CHART.into();
    }
    match (see(&record).err(), data::bytes(&record, "err")) {
        (None, None) => Ok(()),
        (Some(got), Some(want)) => {
            same("error", &want, got.strip_prefix("VALUES: ").unwrap_or(&got).as_bytes()).or_else(|_| same("error", &want, got.as_bytes()))
        }
        (got, want) => Err(format!("want {:?} got {got:?}", want.map(|w| String::from_utf8_lossy(&w).into_owned()))),
    }
}

/// Sets `schema_values` and `schema_generated`: schemas and values thought of, and made by chance from all keywords.
pub(super) fn schema_values(set: &str) -> Option<(bool, Vec<Outcome>)> {
    Some((true, records(&format!("vectors/{set}.jsonl"), check_schema)?))
}
