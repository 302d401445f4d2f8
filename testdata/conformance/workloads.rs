//! What is seen of StatefulSets, claims, EndpointSlices and their pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use kval::simulate::apiserver::Object;
use kval::simulate::controllers::{ControlPlane, phase, pods, revisions};
use serde_json::{Map, Value as Json, json};

use super::observe::{conditions, counters};
use super::script::{shown, target_node};

/// `r2`: the revision of that name.
fn revision_number(plane: &ControlPlane, name: &str) -> String {
    let found = plane.api.list("ControllerRevision").find(|r| r.meta.name == name);
    found.map_or_else(|| "?".to_owned(), |r| format!("r{}", revisions::number(r)))
}

fn state(pod: &Object) -> String {
    let state = match (pods::is_ready(pod), phase(pod)) {
        (true, _) => "ready",
        (_, "Running") => "notready",
        (_, phase) => phase,
    };
    if pod.meta.is_deleted() { format!("{state}/terminating") } else { state.to_owned() }
}

pub(super) fn seen(plane: &ControlPlane, out: &mut BTreeMap<String, Json>) {
    let api = &plane.api;
    for set in api.list("StatefulSet") {
        let fields = ["replicas", "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas"];
        let mut row = counters(set, &fields);
        for (key, field) in [("current", "currentRevision"), ("update", "updateRevision")] {
            row.insert(key.to_owned(), revision_number(plane, set.status[field].as_str().unwrap_or("")).into());
        }
        out.insert("statefulset".to_owned(), row.into());
        let all = revisions::of(api, set);
        out.insert("revisions".to_owned(), all.iter().map(|r| json!([r.meta.name, revisions::number(r)])).collect());
        let mut own: Vec<&Arc<Object>> = api.dependents(set.meta.uid).filter(|p| p.kind == "Pod").collect();
        own.sort_by_key(|p| p.meta.labels.get("apps.kubernetes.io/pod-index").and_then(|i| i.parse::<i64>().ok()));
        let row = |p: &&Arc<Object>| {
            let label = p.meta.labels.get("controller-revision-hash").map_or("", String::as_str);
            json!([p.meta.name, revision_number(plane, label), state(p)])
        };
        out.insert("pods".to_owned(), own.iter().map(row).collect());
    }
    for set in api.list("DaemonSet") {
        daemon_set(plane, set, out);
    }
    jobs(plane, out);
    for cron in api.list("CronJob") {
        let active = cron.status["active"].as_array().map_or(0, Vec::len);
        let suspended = cron.spec.get("suspend").is_some_and(|s| *s == true);
        out.insert("cronjob".to_owned(), json!({"active": active, "suspended": suspended}));
    }
    let claims: Map<String, Json> = api
        .list("PersistentVolumeClaim")
        .map(|c| (c.meta.name.clone(), json!([phase(c), c.spec.get("volumeName").filter(|v| *v != "")])))
        .collect();
    if !claims.is_empty() {
        out.insert("pvc".to_owned(), claims.into());
    }
    let mut slices: Vec<Json> = api.list("EndpointSlice").map(|s| slice(s)).collect();
    slices.sort_by_key(|s| (s["ports"].to_string(), -s["endpoints"].as_i64().unwrap_or(0)));
    if !slices.is_empty() {
        out.insert("endpointslices".to_owned(), slices.into());
    }
}

fn slice(slice: &Object) -> Json {
    let items = |key: &str| slice.rest.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
    let mut ports: Vec<Json> = items("ports").iter().map(|p| json!([p["name"], p["port"], p["protocol"], p["appProtocol"]])).collect();
    ports.sort_by_key(Json::to_string);
    let endpoint = |e: &Json| {
        let c = &e["conditions"];
        json!([e["targetRef"]["name"], c["ready"], c["serving"], c["terminating"]])
    };
    let mut endpoints: Vec<Json> = items("endpoints").iter().map(endpoint).collect();
    endpoints.sort_by_key(Json::to_string);
    // Many are only counted.
    let endpoints = if endpoints.len() > 10 { json!(endpoints.len()) } else { endpoints.into() };
    let service = slice.meta.labels.get("kubernetes.io/service-name");
    json!({"service": service, "type": slice.rest.get("addressType"), "ports": ports, "endpoints": endpoints})
}

fn daemon_set(plane: &ControlPlane, set: &Object, out: &mut BTreeMap<String, Json>) {
    let fields = [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberMisscheduled",
        "numberReady",
        "numberAvailable",
        "numberUnavailable",
        "updatedNumberScheduled",
    ];
    out.insert("daemonset".to_owned(), counters(set, &fields).into());
    let all = revisions::of(&plane.api, set);
    out.insert("revisions".to_owned(), all.iter().map(|r| revisions::number(r)).collect());
    let number = |pod: &Object| {
        let label = pod.meta.labels.get("controller-revision-hash");
        let found = all.iter().find(|r| r.meta.labels.get("controller-revision-hash") == label);
        format!("r{}", found.map_or(0, |r| revisions::number(r)))
    };
    let state = |pod: &Object| if pods::is_ready(pod) { "ready" } else { "notready" };
    let own: Vec<&Arc<Object>> = plane.api.dependents(set.meta.uid).filter(|p| p.kind == "Pod").collect();
    let mut rows: Vec<Json> = own.iter().map(|p| json!([target_node(p), number(p), state(p)])).collect();
    rows.sort_by_key(Json::to_string);
    out.insert("pods".to_owned(), rows.into());
    // Where the order of the nodes is not determined, pods are counted.
    let mut counts: BTreeMap<(String, &str), i64> = BTreeMap::new();
    for pod in &own {
        *counts.entry((number(pod), state(pod))).or_default() += 1;
    }
    out.insert("pods#".to_owned(), counts.into_iter().map(|((r, s), n)| json!([[r, s], n])).collect());
}

fn jobs(plane: &ControlPlane, out: &mut BTreeMap<String, Json>) {
    let all: Vec<&Arc<Object>> = plane.api.list("Job").collect();
    for job in &all {
        let mut row = counters(job, &["active", "succeeded", "failed"]);
        for field in ["completedIndexes", "failedIndexes"] {
            let value = job.status.get(field).and_then(Json::as_str);
            if let Some(value) = value.filter(|v| !v.is_empty() || field == "failedIndexes") {
                row.insert(field.to_owned(), value.into());
            }
        }
        row.insert("suspend".to_owned(), job.spec.get("suspend").is_some_and(|s| *s == true).into());
        let suffix = if all.len() > 1 { format!(":{}", shown(&job.meta.name)) } else { String::new() };
        out.insert(format!("job{suffix}"), row.into());
        out.insert(format!("conditions{suffix}"), conditions(job, ""));
    }
    if let ([job], true) = (all.as_slice(), plane.api.list("CronJob").next().is_none()) {
        let own = plane.api.dependents(job.meta.uid).filter(|p| p.kind == "Pod");
        let index =
            |p: &Object| p.meta.annotations.get("batch.kubernetes.io/job-completion-index").cloned().unwrap_or_else(|| "-".to_owned());
        let mut rows: Vec<Json> = own.map(|p| json!([index(p), phase(p)])).collect();
        rows.sort_by_key(Json::to_string);
        out.insert("pods".to_owned(), rows.into());
    }
}
