//! Sets `simulation/<group>`: what the real scheduler, controllers and kubelet packages did with a scenario.
//!
//! A group is a folder of scenarios (`<name>/input.yaml` and `<name>/expected.json`, also packed), a file of vectors
//! (`vectors.jsonl`), or both packed as `<group>.jsonl.gz` with lines `{"id", "input", "expected"}`.

use std::fs;
use std::path::Path;

use kval::simulate::nodes;
use kval::simulate::replay;
use kval::simulate::resources;
use kval::simulate::scheduler::resource::pod_requests;
use kval::source::FileId;
use serde_json::{Value as Json, json};

use super::each;
use crate::Outcome;
use crate::data;

#[path = "controllers.rs"]
mod controllers;
#[path = "kubelet.rs"]
mod kubelet;
#[path = "observe.rs"]
mod observe;
#[path = "script.rs"]
mod script;
#[path = "storage.rs"]
mod storage;
#[path = "workloads.rs"]
mod workloads;

/// One scenario.
struct Case {
    id: String,
    /// A text (YAML) or an object (vectors).
    input: Json,
    expected: Json,
}

impl Case {
    fn text(&self) -> &str {
        self.input.as_str().unwrap_or("")
    }
}

type Check = fn(&Case) -> Result<(), String>;

/// The groups and what runs them.
const GROUPS: &[(&str, Check)] = &[
    ("simulation/scheduling-filter", scheduling),
    ("simulation/scheduling-score", scheduling),
    ("simulation/scheduling-sequence", scheduling),
    ("simulation/scheduler-config", scheduling),
    ("simulation/scheduling-large", scheduling),
    // Ours: random clusters and pods, and claims for devices, by the scheduler's framework, plugins and cache of the
    // Kubernetes v1.36.3 packages (Go 1.26.8) with the default profile and a fake clientset.
    ("simulation/scheduling-random", scheduling),
    ("simulation/scheduling-devices", scheduling),
    ("simulation/qos-resources", qos_resources),
    ("simulation/pdb", script::script),
    ("simulation/pv-binding", script::script),
    ("simulation/taint-eviction", node_timeline),
    ("simulation/node-lifecycle", node_timeline),
    ("simulation/cronjob-schedule", controllers::cronjob_schedule),
    ("simulation/hpa", controllers::hpa),
    ("simulation/pod-template-hash", controllers::pod_template_hash),
    ("simulation/deployment", script::script),
    ("simulation/replicaset", script::script),
    ("simulation/admission", script::script),
    ("simulation/gc", script::script),
    ("simulation/endpointslice", script::script),
    ("simulation/job", script::script),
    ("simulation/cronjob", script::script),
    ("simulation/daemonset", script::script),
    ("simulation/statefulset", script::script),
    ("simulation/statefulset-gated", script::gated),
    ("simulation/fresh", script::script),
    ("simulation/kubelet-grace", kubelet::grace),
    ("simulation/kubelet-eviction", kubelet::eviction),
    ("simulation/kubelet-probe", kubelet::probe),
    ("simulation/kubelet-pod-state", kubelet::pod_state),
];

/// The names of the sets.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().map(|(name, _)| *name)
}

/// Runs one group.
pub(super) fn group(set: &str) -> Option<(bool, Vec<Outcome>)> {
    let check = GROUPS.iter().find(|(name, _)| *name == set)?.1;
    Some((true, each(cases(set)?, |c| c.id.clone(), check)))
}

fn cases(set: &str) -> Option<Vec<Case>> {
    let Some(folder) = data::find(set) else {
        let field = |r: &Json, key: &str| r.get(key).cloned().unwrap_or_default();
        let case = |r: Json| Case {
            id: field(&r, "id").as_str().unwrap_or("?").to_owned(),
            input: field(&r, "input"),
            expected: field(&r, "expected"),
        };
        return Some(data::lines(&format!("{set}.jsonl"))?.into_iter().map(case).collect());
    };
    if let Some(vectors) = data::lines(&format!("{set}/vectors.jsonl")) {
        return Some(vectors.into_iter().map(vector).collect());
    }
    let mut names: Vec<_> = fs::read_dir(folder).ok()?.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    names.sort();
    Some(names.iter().map(|folder| scenario(folder)).collect())
}

/// A vector keeps its answers beside `name` and `input`; one without `input` is all in `expected`.
fn vector(mut record: Json) -> Case {
    let input = record.as_object_mut().and_then(|o| o.remove("input")).unwrap_or_default();
    let name = record["name"].as_str().or(input["name"].as_str());
    Case { id: name.unwrap_or("?").to_owned(), input, expected: record }
}

fn scenario(folder: &Path) -> Case {
    let read = |name: &str| {
        let plain = folder.join(name);
        data::read(&if plain.exists() { plain } else { folder.join(format!("{name}.gz")) })
    };
    let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let input = String::from_utf8_lossy(&read("input.yaml")).into_owned();
    Case { id, input: input.into(), expected: serde_json::from_slice(&read("expected.json")).expect("JSON") }
}

/// The first difference of two JSON values, with its path.
fn agree(got: &Json, want: &Json) -> Result<(), String> {
    fn walk(path: &str, got: &Json, want: &Json) -> Option<String> {
        match (got, want) {
            (Json::Object(g), Json::Object(w)) => {
                let keys = w.keys().chain(g.keys().filter(|k| !w.contains_key(*k)));
                keys.into_iter().find_map(|k| walk(&format!("{path}.{k}"), &got[k.as_str()], &want[k.as_str()]))
            }
            (Json::Array(g), Json::Array(w)) if g.len() == w.len() => {
                (0..w.len()).find_map(|i| walk(&format!("{path}[{i}]"), &g[i], &w[i]))
            }
            _ if got == want => None,
            _ => Some(format!("{path}: want {want} got {got}")),
        }
    }
    walk("", got, want).map_or(Ok(()), Err)
}

/// The trace of the scheduler, without what needs random repetitions.
fn scheduling(case: &Case) -> Result<(), String> {
    let keys = ["config_error", "arrival", "attempts", "placement", "pending", "per_node", "ties"];
    let pick = |v: &Json| -> Json {
        keys.iter().filter_map(|k| Some(((*k).to_owned(), v.get(k)?.clone()))).collect::<serde_json::Map<_, _>>().into()
    };
    agree(&pick(&replay::run(case.text())), &pick(&case.expected))
}

/// What happens to nodes and their pods over time; where the real controllers race, one of the timelines seen.
fn node_timeline(case: &Case) -> Result<(), String> {
    let rows = nodes::run(&nodes::Scenario::new(&case.input));
    let row = |r: &nodes::Row| {
        let mut cells = vec![Json::from(r.at), r.what.into(), r.name.as_str().into()];
        if r.what != "pod-deleted" {
            cells.push(r.value.as_str().into());
        }
        Json::from(cells)
    };
    let got: Json = rows.iter().map(row).collect();
    let in_millis = |timeline: &Json| -> Json {
        let cell = |row: &Json| {
            let mut row = row.clone();
            row[0] = ((row[0].as_f64().unwrap_or(-1.0) * 1000.0).round() as i64).into();
            row
        };
        timeline.as_array().into_iter().flatten().map(cell).collect()
    };
    let only = [case.expected["timeline"].clone()];
    let wanted = case.expected["timeline_alternatives"].as_array().map_or(only.as_slice(), Vec::as_slice);
    let mut first = Ok(());
    for want in wanted {
        match agree(&got, &in_millis(want)) {
            Ok(()) => return Ok(()),
            Err(difference) if first.is_ok() => first = Err(difference),
            Err(_) => {}
        }
    }
    first
}

/// The documents of a text.
fn documents(text: &str) -> Vec<Json> {
    kval::yaml::parse(text, FileId(0)).into_iter().filter_map(|d| d.root).map(|root| root.to_json()).collect()
}

/// QoS class, effective requests and limits, and what is derived from them, on a node of 16 GiB.
fn qos_resources(case: &Case) -> Result<(), String> {
    let of = |pod: &Json| {
        let spec = &pod["spec"];
        let containers = ["containers", "initContainers"].into_iter().flat_map(|k| spec[k].as_array().into_iter().flatten());
        let scores: serde_json::Map<String, Json> =
            containers.map(|c| (c["name"].as_str().unwrap_or("").to_owned(), resources::oom_score_adj(pod, c, 16 << 30).into())).collect();
        let scoring = pod_requests(spec).non_zero;
        json!({
            "limits": resources::limits(spec).to_json(), "requests": resources::requests(spec).to_json(),
            "qos": resources::qos(spec).name(), "oom_score_adj": scores,
            "scoring_cpu_milli": scoring.milli_cpu, "scoring_memory": scoring.memory,
        })
    };
    let name = |pod: &Json| pod["metadata"]["name"].as_str().unwrap_or("").to_owned();
    let got: serde_json::Map<String, Json> = documents(case.text()).iter().map(|pod| (name(pod), of(pod))).collect();
    agree(&got.into(), &case.expected)
}
