//! What is seen of the objects after each step of a recorded script.

use std::collections::BTreeMap;
use std::sync::Arc;

use kval::simulate::apiserver::Object;
use kval::simulate::controllers::{ControlPlane, pods};
use serde_json::{Map, Value as Json, json};

use super::script::{quota, revision, shown};

/// Counters of a status that are not zero.
pub(super) fn counters(object: &Object, fields: &[&str]) -> Map<String, Json> {
    fields.iter().filter(|f| object.count(f) != 0).map(|f| ((*f).to_owned(), object.count(f).into())).collect()
}

pub(super) fn conditions(object: &Object, hide: &str) -> Json {
    let mut rows: Vec<String> = Vec::new();
    for c in object.status["conditions"].as_array().into_iter().flatten() {
        let text = |key: &str| c[key].as_str().unwrap_or("");
        let row = format!("{}={} {}: {}", text("type"), text("status"), text("reason"), text("message"));
        rows.push(nameless(&masked(&row, hide)));
    }
    rows.sort();
    rows.into()
}

/// The random end of a pod's name is a star.
fn masked(text: &str, owner: &str) -> String {
    let Some(at) = text.find(&format!("\"{owner}-")).filter(|_| !owner.is_empty()) else { return text.to_owned() };
    let start = at + owner.len() + 2;
    let end = text[start..].find('"').map_or(text.len(), |e| start + e);
    if end - start == 5 { format!("{}*{}", &text[..start], &text[end..]) } else { text.to_owned() }
}

/// The namespace is NS, and the random end of the name of a Job's pod a star.
fn nameless(text: &str) -> String {
    let Some((start, rest)) = text.split_once(" default/") else { return text.to_owned() };
    let (name, end) = rest.split_once(' ').unwrap_or((rest, ""));
    let name = name.rsplit_once('-').map_or_else(|| name.to_owned(), |(base, _)| format!("{base}-*"));
    format!("{start} NS/{name} {end}")
}

fn pod_name(pod: &Object) -> String {
    if pod.meta.generate_name.is_empty() { pod.meta.name.clone() } else { format!("{}*", pod.meta.generate_name) }
}

pub(super) fn snapshot(plane: &ControlPlane, _revisions: &mut BTreeMap<String, i64>) -> BTreeMap<String, Json> {
    let mut out: BTreeMap<String, Json> = BTreeMap::new();
    let api = &plane.api;
    for d in api.list("Deployment") {
        let fields = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas", "terminatingReplicas"];
        let mut row = counters(d, &fields);
        row.insert("revision".to_owned(), revision(d).into());
        out.insert("deployment".to_owned(), row.into());
        out.insert("conditions".to_owned(), conditions_of_deployment(plane, d));
    }
    let mut sets: Vec<&Arc<Object>> = api.list("ReplicaSet").collect();
    sets.sort_by_key(|s| (revision(s), s.meta.uid));
    if !sets.is_empty() {
        let row = |s: &&Arc<Object>| {
            json!([s.meta.name, revision(s), s.replicas(), s.count("replicas"), s.count("readyReplicas"), s.count("availableReplicas")])
        };
        out.insert("rs".to_owned(), sets.iter().map(row).collect());
        let mut annotations = Map::new();
        let mut failures = Map::new();
        for set in &sets {
            let own = set.meta.annotations.iter().filter_map(|(k, v)| Some((k.strip_prefix("deployment.kubernetes.io/")?, v)));
            let own: BTreeMap<&str, &String> = own.collect();
            if !own.is_empty() {
                annotations.insert(set.meta.name.clone(), json!(own));
            }
            if set.status["conditions"].as_array().is_some_and(|c| !c.is_empty()) {
                failures.insert(set.meta.name.clone(), conditions(set, &set.meta.name));
            }
        }
        if !annotations.is_empty() {
            out.insert("rs_annotations".to_owned(), annotations.into());
        }
        if !failures.is_empty() {
            out.insert("rs_conditions".to_owned(), failures.into());
        }
    }
    for rc in api.list("ReplicationController") {
        out.insert(format!("rc:{}", rc.meta.name), counters(rc, &["replicas", "readyReplicas", "availableReplicas"]).into());
    }
    for q in api.list("ResourceQuota") {
        out.insert(format!("quota:{}", q.meta.name), quota(plane, q));
    }
    pods_seen(plane, &mut out);
    super::workloads::seen(plane, &mut out);
    super::storage::seen(plane, &mut out);
    out
}

fn conditions_of_deployment(plane: &ControlPlane, deployment: &Object) -> Json {
    let failing = plane.api.dependents(deployment.meta.uid).find(|s| s.status["conditions"].as_array().is_some_and(|c| !c.is_empty()));
    conditions(deployment, failing.map_or("", |s| &s.meta.name))
}

fn pods_seen(plane: &ControlPlane, out: &mut BTreeMap<String, Json>) {
    let all: Vec<&Arc<Object>> = plane.api.list("Pod").collect();
    // Their own rows are told instead, even when they are gone.
    if plane.api.log.iter().any(|c| matches!(c.object.kind.as_str(), "StatefulSet" | "DaemonSet" | "Job" | "CronJob")) {
        return;
    }
    let mut rows: Vec<Json> = Vec::new();
    let mut left: Vec<String> = Vec::new();
    let mut nodes: BTreeMap<&str, i64> = ["g1", "g2", "g3"].into_iter().map(|n| (n, 0)).collect();
    let mut resources = Map::new();
    for pod in &all {
        let owner = pod.meta.controller().map(|o| format!("{}/{}", o.kind, shown(&o.name)));
        rows.push(json!([pod_name(pod), owner]));
        if pods::is_active(pod) {
            left.push(pod_name(pod));
            if let Some(count) = nodes.get_mut(pod.spec["nodeName"].as_str().unwrap_or("")) {
                *count += 1;
            }
        }
        let containers = ["initContainers", "containers"].iter().flat_map(|f| pod.spec[*f].as_array().into_iter().flatten());
        let each: Vec<Json> = containers.map(|c| if c["resources"].is_null() { json!({}) } else { c["resources"].clone() }).collect();
        resources.insert(pod.meta.name.clone(), each.into());
    }
    rows.sort_by_key(|r| r[0].as_str().unwrap_or("").to_owned());
    left.sort();
    out.insert("pods".to_owned(), rows.into());
    out.insert("left".to_owned(), left.into());
    out.insert("pods_per_node".to_owned(), json!(nodes));
    out.insert("resources".to_owned(), resources.into());
}
