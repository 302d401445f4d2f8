//! `kval diff A B`: what an upgrade from one to the other does to each object and its pods, and how the rollout goes.

use clap::ArgMatches;
use serde_json::Value;
use serde_json::json;

use super::against;
use super::against::Checkout;
use super::args::{on, slices, string, strings};
use super::error::Error;
use super::output::Output;
use super::simulate::nodes;
use super::world::RealWorld;
use super::{CLEAN, FINDINGS, options, state};
use crate::cluster::compare;
use crate::cluster::compare::Change;
use crate::cluster::compare::Effect;
use crate::cluster::helm::Session;
use crate::helm::TemplateOptions;
use crate::helm::values::Logs;
use crate::pipeline;
use crate::report::plural;
use crate::simulate::rollout;
use crate::simulate::rollout::Verdict;
use crate::sprig::Duration;

/// The objects that an argument names: `release:NAME[@REVISION]`, `cluster`, or a path.
fn side(what: &str, matches: &ArgMatches, world: &RealWorld, template: &TemplateOptions) -> Result<Vec<Value>, Error> {
    let namespace = string(matches, "namespace").unwrap_or_else(|| "default".to_owned());
    if let Some(name) = what.strip_prefix("release:") {
        let (name, revision) = name.split_once('@').unwrap_or((name, "0"));
        let revision = revision.parse().map_err(|_| Error::unusable(format!("{what:?}: the revision is not a number")))?;
        let mut opened = state::open(matches)?;
        let session = Session { cluster: &mut opened.cluster, world, namespace, logs: Logs::default() };
        let release = session.revision(name, revision).map_err(|e| Error::helm(format!("{what}: {e}")))?;
        return session.objects(&release.manifest).map_err(Error::helm);
    }
    if what == "cluster" && !std::path::Path::new(what).exists() {
        let opened = state::open(matches)?;
        let all = opened.cluster.api().all().filter(|o| o.meta.owners.is_empty());
        return Ok(all.map(|o| crate::cluster::present::object(o)).collect());
    }
    let inputs = pipeline::discover(world, &[what.to_owned()])?;
    let outcome = pipeline::run(world, &inputs, template, &options::checks(matches, false)?)?;
    if let Some(unit) = outcome.units.iter().find(|u| u.objects.is_empty() && !u.findings.is_empty()) {
        return Err(Error::helm(unit.findings.first().map(|f| f.message.clone()).unwrap_or_default()));
    }
    Ok(outcome.units.iter().flat_map(|u| u.objects.iter().map(|o| o.value.clone())).collect())
}

/// Where the files of a side lie: `REVISION:PATH`, or `REVISION` for what the other side names, are laid beside for the time of
/// the run.
fn of_revision(what: &str, other: &str) -> Result<(Option<Checkout>, String), Error> {
    let (revision, path) = what.split_once(':').unwrap_or((what, other));
    let path = path.split_once(':').map_or(path, |(_, path)| path);
    let there = std::path::Path::new(what).exists() || what == "cluster" || what.starts_with("release:");
    if there || !against::is_revision(revision) {
        if !there && what.contains(':') && !what.contains("://") {
            return Err(Error::unusable(format!("{what}: {revision} is no Git revision, and there is no such file")));
        }
        return Ok((None, what.to_owned()));
    }
    let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
    let mut folder = [revision.to_owned()];
    let checkout = against::checkout(&mut folder, std::slice::from_ref(&path))?.pop();
    let [folder] = folder;
    Ok((checkout, format!("{folder}/{path}")))
}

pub(super) fn run(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = options::world(matches)?;
    let sides = strings(matches, "sides");
    let [a, b] = sides.as_slice() else { return Err(Error::unusable("diff needs two sides: kval diff OLD NEW")) };
    let mut new_options = options::template(matches)?;
    if let Some(name) = [a, b].iter().find_map(|s| s.strip_prefix("release:")) {
        new_options.name = Some(name.split('@').next().unwrap_or_default().to_owned());
        new_options.is_upgrade = true;
    }
    if let Some(name) = string(matches, "release-name") {
        new_options.name = Some(name);
    }
    let mut old_options = new_options.clone();
    let (files, set) = (slices(matches, "old-values"), strings(matches, "old-set"));
    // The values are those of the new side where the chart is the same.
    if a == b || !files.is_empty() || !set.is_empty() {
        old_options.value_files = files;
        old_options.set = set;
    }
    let (mut checkouts, mut paths) = (Vec::new(), Vec::new());
    for (what, other) in [(a, b), (b, a)] {
        let (checkout, path) = of_revision(what, other)?;
        checkouts.push(checkout);
        paths.push(path);
    }
    let [a, b] = paths.as_slice() else { return Err(Error::unusable("diff needs two sides: kval diff OLD NEW")) };
    let new = side(b, matches, &world, &new_options)?;
    let mut old = side(a, matches, &world, &old_options)?;
    let namespace = string(matches, "namespace").unwrap_or_else(|| "default".to_owned());
    if a == "cluster" {
        // What else lives in the cluster is not concerned.
        let known: Vec<Change> = compare::compare(&[], &new, &namespace);
        let same = |o: &&Value, c: &Change| o["kind"] == c.kind.as_str() && o["metadata"]["name"] == c.name.as_str();
        old = old.iter().filter(|o| known.iter().any(|c| same(o, c))).cloned().collect();
    }
    let mut changes = compare::compare(&old, &new, &namespace);
    if a == "cluster" {
        changes.iter_mut().for_each(forget_what_the_server_set);
    }
    let cluster = nodes(&world, &strings(matches, "nodes"))?;
    let choices = rollout::Options { namespace, ..rollout::Options::default() };
    let differs = changes.iter().any(|c| c.effect != Effect::Unchanged);
    let prediction = differs.then(|| rollout::predict(&cluster, &old, &new, &choices));
    // Some changes are refused because of what the server itself has set.
    for (i, why) in prediction.iter().flat_map(|p| &p.refused) {
        if let Some(change) = changes.get_mut(*i).filter(|c| c.effect != Effect::Added) {
            change.refuse(why);
        }
    }
    let stuck = prediction.as_ref().is_some_and(|p| p.verdict() == Verdict::Stuck);
    if string(matches, "format").as_deref() == Some("json") {
        let text = serde_json::to_string_pretty(&as_json(&changes, prediction.as_ref())).unwrap_or_default();
        output.line(&text);
    } else {
        print(&changes, &new, prediction.as_ref(), on(matches, "all"), output);
    }
    let worst = changes.iter().map(|c| c.effect).max().unwrap_or(Effect::Unchanged);
    let fails = match string(matches, "fail-on").as_deref() {
        Some("never") => false,
        Some("change") => differs,
        Some("restart") => stuck || matches!(worst, Effect::Restarts | Effect::Recreated | Effect::Refused),
        _ => stuck || worst == Effect::Refused,
    };
    Ok(if fails { FINDINGS } else { CLEAN })
}

/// Of a live object, fields that the new one does not name are the server's or others'.
fn forget_what_the_server_set(change: &mut Change) {
    change.fields.retain(|f| f.new.is_some());
    if change.fields.is_empty() && change.effect == Effect::InPlace {
        change.effect = Effect::Unchanged;
    }
}

fn shown(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "(absent)".to_owned(), ToString::to_string);
    if text.chars().count() > 120 { format!("{}…", text.chars().take(119).collect::<String>()) } else { text }
}

/// A sentence with its values cut.
fn brief(note: &str) -> String {
    /// Longer values are cut to so many characters.
    const LONGEST: usize = 120;
    let Some((before, rest)) = note.split_once("Invalid value: {") else { return note.to_owned() };
    let Some((value, after)) = rest.rsplit_once("}: ") else { return note.to_owned() };
    if value.chars().count() <= LONGEST {
        return note.to_owned();
    }
    let cut: String = value.chars().take(LONGEST / 2).collect();
    format!("{before}Invalid value: {{{cut}…}}: {after}")
}

fn print(changes: &[Change], new: &[Value], prediction: Option<&rollout::Prediction>, all: bool, output: &mut Output) {
    for change in changes.iter().filter(|c| all || c.effect != Effect::Unchanged) {
        output.line(&format!("{}: {}", change.title(), change.effect.name()));
        change.notes.iter().for_each(|note| output.line(&format!("    {}", brief(note))));
        for field in &change.fields {
            output.line(&format!("    {}: {} -> {}", field.path, shown(field.old.as_ref()), shown(field.new.as_ref())));
        }
    }
    let at_rest = |kind: &str, name: &str| changes.iter().any(|c| c.effect == Effect::Unchanged && c.kind == kind && c.name == name);
    let told = |w: &&rollout::Workload| w.complete_at.is_none() || !at_rest(&w.kind, &w.name);
    if let Some(prediction) = prediction {
        let workloads: Vec<&rollout::Workload> = prediction.workloads.iter().filter(told).collect();
        if !workloads.is_empty() {
            output.line("");
        }
        for workload in workloads {
            let how = match workload.complete_at {
                Some(at) => {
                    format!("complete after {}, at least {} of {} available", Duration(at).text(), workload.min_available, workload.desired)
                }
                None => match &workload.hindrance {
                    Some(why) => format!("does not complete: {}: {}", why.reason, why.message),
                    None => "does not complete".to_owned(),
                },
            };
            output.line(&format!("rollout of {} {}: {how}", workload.kind, workload.name));
        }
        for (i, why) in prediction.refused.iter().filter(|(i, _)| changes.get(*i).is_none_or(|c| c.effect != Effect::Refused)) {
            let object = new.get(*i).unwrap_or(&Value::Null);
            let word = |v: &Value| v.as_str().unwrap_or("").to_owned();
            output.line(&format!("refused: {} {}: {}", word(&object["kind"]), word(&object["metadata"]["name"]), brief(why)));
        }
    }
    let count = |effect: Effect| changes.iter().filter(|c| c.effect == effect).count();
    let order = [
        Effect::Refused,
        Effect::Restarts,
        Effect::Recreated,
        Effect::LaterPods,
        Effect::InPlace,
        Effect::Added,
        Effect::Removed,
        Effect::Unchanged,
    ];
    let parts: Vec<String> = order.iter().filter(|e| count(**e) > 0).map(|e| format!("{} {}", count(*e), e.name())).collect();
    output.line(&format!(
        "{}: {}",
        plural(changes.len(), "object"),
        if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") }
    ));
}

fn as_json(changes: &[Change], prediction: Option<&rollout::Prediction>) -> Value {
    let objects: Vec<Value> = changes
        .iter()
        .map(|c| {
            let fields: Vec<Value> = c.fields.iter().map(|f| json!({"path": f.path, "old": f.old, "new": f.new})).collect();
            json!({"apiVersion": c.api_version, "kind": c.kind, "namespace": c.namespace, "name": c.name, "effect": c.effect.name(),
                "notes": c.notes, "fields": fields})
        })
        .collect();
    let workloads: Vec<Value> = prediction
        .iter()
        .flat_map(|p| &p.workloads)
        .map(|w| {
            json!({"kind": w.kind, "name": w.name, "desired": w.desired, "minAvailable": w.min_available, "maxPods": w.max_pods,
                "completeAfterSeconds": w.complete_at.map(|t| t as f64 / 1e9), "hindrance": w.hindrance.as_ref().map(|h| h.message.clone())})
        })
        .collect();
    json!({"objects": objects, "rollout": workloads, "verdict": prediction.map(|p| p.verdict().name())})
}
