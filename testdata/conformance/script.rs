//! Runs the recorded scripts: what a user and the nodes do step by step, and what is seen after each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kval::simulate::apiserver::object::time;
use kval::simulate::apiserver::{ApiServer, Nanos, Object, Operation, Propagation, SECOND, Uid, admission, patch, store};
use kval::simulate::controllers::{ControlPlane, Gates, disruption, pods};
use serde_json::{Map, Value as Json, json};

use super::controllers::documents;
use super::{Case, agree};

/// 2026-01-01T00:00:00Z
const START: Nanos = 1_767_225_600 * SECOND;
/// How long a step took: a little more or less decides whether what is due after three seconds belongs to it.
const STEPS: [Nanos; 2] = [5 * SECOND / 2, 12 * SECOND / 5];

struct Run {
    plane: ControlPlane,
    length: Nanos,
    hold: bool,
    cursor: usize,
    before: BTreeMap<String, Json>,
    observations: Vec<Json>,
    revisions: BTreeMap<String, i64>,
}

pub(super) fn script(case: &Case) -> Result<(), String> {
    run_with(case, Gates::default())
}

pub(super) fn gated(case: &Case) -> Result<(), String> {
    run_with(case, Gates { max_unavailable_stateful_set: true })
}

fn run_with(case: &Case, gates: Gates) -> Result<(), String> {
    run_in_steps(case, gates, STEPS[0]).or_else(|first| run_in_steps(case, gates, STEPS[1]).map_err(|_| first))
}

fn run_in_steps(case: &Case, gates: Gates, length: Nanos) -> Result<(), String> {
    let script = documents(case).remove(0);
    let mut plane = ControlPlane::new(ApiServer::new(START, 1));
    plane.gates = gates;
    let before = ["pods", "left"].map(|k| (k.to_owned(), json!([]))).into_iter().collect();
    let mut run = Run { plane, length, hold: false, cursor: 0, before, observations: Vec::new(), revisions: BTreeMap::new() };
    for step in script["steps"].as_array().into_iter().flatten() {
        run.step(step);
    }
    if let Some(defect) = run.plane.defect {
        return Err(defect);
    }
    let want = case.expected["observations"].as_array().cloned().unwrap_or_default();
    // Some keys are told in some scenarios only.
    let counted = want.iter().any(|o| o["pods"][0][1].is_number());
    let told: BTreeSet<&String> = want.iter().flat_map(|o| o.as_object().into_iter().flatten().map(|(k, _)| k)).collect();
    // Fields that differed between recordings were taken out.
    let unstable: Vec<&str> = case.expected["unstable_fields_removed"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let always = ["changes", "rejected", "pods_created", "pods_deleted", "response"];
    for (i, want) in want.iter().enumerate() {
        let Some(got) = run.observations.get_mut(i) else { return Err(format!("observation {i} is missing: want {want}")) };
        if let Some(map) = got.as_object_mut().filter(|_| counted) {
            let pods = map.remove("pods#");
            map.remove("pods");
            map.extend(pods.map(|p| ("pods".to_owned(), p)));
        }
        let kept: Map<String, Json> = got
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(k, _)| {
                (told.contains(k) || always.contains(&k.as_str())) && !(unstable.contains(&k.as_str()) && want.get(k).is_none())
            })
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        agree(&kept.into(), want).map_err(|e| format!("[{i}] {} {e}", want["step"]))?;
    }
    if run.observations.len() > want.len() {
        return Err(format!("observation {} is one too many: {}", want.len(), run.observations[want.len()]));
    }
    Ok(())
}

/// `now-600s` becomes nanoseconds.
fn resolve_times(value: &mut Json, now: Nanos) {
    match value {
        Json::String(s) => {
            let ago = s.strip_prefix("now-").and_then(|s| s.strip_suffix('s')?.parse::<i64>().ok());
            if let Some(ago) = ago {
                *value = (now - ago * SECOND).into();
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|v| resolve_times(v, now)),
        Json::Object(map) => map.values_mut().for_each(|v| resolve_times(v, now)),
        _ => {}
    }
}

impl Run {
    fn step(&mut self, step: &Json) {
        let label = step["label"].as_str().map(str::to_owned);
        let text = |key: &str| step[key].as_str().unwrap_or("").to_owned();
        let mut rejected = Vec::new();
        let mut response = None;
        let name = match text("do").as_str() {
            "apply" => {
                for object in step["objects"].as_array().into_iter().flatten() {
                    let mut object = object.clone();
                    resolve_times(&mut object, self.plane.api.now);
                    if let Err(e) = self.apply(&object) {
                        let (kind, name) = (object["kind"].as_str().unwrap_or(""), object["metadata"]["name"].as_str().unwrap_or(""));
                        let message = e.message.replace("default/", "NS/");
                        rejected.push(json!(format!("{kind}/{name}: {} {}: {message}", e.code, e.reason)));
                    }
                }
                label.unwrap_or_else(|| "apply".to_owned())
            }
            "patch" => {
                if let Err(e) = self.patch(&text("kind"), &text("name"), &step["body"]) {
                    rejected.push(json!(masked(&format!("{} {}", e.code, e.message))));
                }
                label.unwrap_or_default()
            }
            "rollout" => {
                let max = step["max"].as_u64().unwrap_or(60);
                for _ in 0..max {
                    let Some(pod) = self.not_ready().first().map(|p| p.meta.uid) else { break };
                    self.make_ready(pod, 0);
                    self.settle(self.length);
                    self.observe("ready 1".to_owned(), Vec::new());
                }
                return;
            }
            "ready" => {
                let chosen = self.choose(step, self.not_ready());
                for pod in &chosen {
                    self.make_ready(pod.meta.uid, 0);
                    self.plane.settle();
                }
                label.unwrap_or_else(|| format!("ready {}", chosen.len()))
            }
            "unready" => {
                let ready: Vec<_> = self.candidates().into_iter().filter(|p| pods::is_ready(p)).collect();
                let chosen = self.choose(step, ready);
                let now = self.plane.api.now;
                for pod in &chosen {
                    self.plane.api.edit(pod.meta.uid, |p| set_ready(p, false, now));
                }
                label.unwrap_or_else(|| format!("unready {}", chosen.len()))
            }
            "ready_on" => {
                let node = text("node");
                let ago = step["ago"].as_i64().unwrap_or(0);
                let on: Vec<Uid> = self.not_ready().iter().filter(|p| p.spec["nodeName"] == node.as_str()).map(|p| p.meta.uid).collect();
                for pod in on {
                    self.make_ready(pod, ago);
                }
                format!("ready on {node}")
            }
            what @ ("succeed" | "fail") => {
                let chosen = self.choose(step, self.candidates());
                let exit = step["exit"].as_i64().unwrap_or(i64::from(what == "fail"));
                let now = self.plane.api.now;
                for pod in &chosen {
                    self.plane.api.edit(pod.meta.uid, |p| finish(p, what == "succeed", exit, &step["conditions"], now));
                }
                label.unwrap_or_else(|| format!("{what} {}", chosen.len()))
            }
            "bind" => {
                let node = text("node");
                let free: Vec<Uid> = self
                    .candidates_by_creation()
                    .iter()
                    .filter(|p| p.spec["nodeName"].as_str().unwrap_or("").is_empty())
                    .map(|p| p.meta.uid)
                    .collect();
                let count = step["n"].as_u64().map_or(usize::MAX, |n| n as usize);
                for uid in free.into_iter().take(count) {
                    self.plane.api.edit(uid, |p| p.spec_mut()["nodeName"] = node.as_str().into());
                }
                self.settle(self.length);
                return;
            }
            "hold" => {
                // What was held goes with the next step.
                self.hold = step["on"] == true;
                return;
            }
            "delete" => {
                let (kind, name) = (text("kind"), text("name"));
                let propagation = match text("propagation").as_str() {
                    "Foreground" => Propagation::Foreground,
                    "Orphan" => Propagation::Orphan,
                    _ => Propagation::Background,
                };
                let uid = ["default", ""].iter().find_map(|ns| self.plane.api.find(&kind, ns, &name).map(|o| o.meta.uid));
                match uid {
                    Some(uid) => self.plane.api.delete(uid, propagation),
                    None if kind == "Namespace" => {
                        let all: Vec<Uid> = self.plane.api.all().filter(|o| o.meta.namespace == "default").map(|o| o.meta.uid).collect();
                        for uid in all.into_iter().rev() {
                            self.plane.api.delete(uid, Propagation::Background);
                        }
                    }
                    None => {}
                }
                let shown = if kind == "Namespace" { "NS" } else { &name };
                format!("delete {kind}/{shown}")
            }
            "wait" => {
                let seconds = step["seconds"].as_i64().unwrap_or(0);
                self.settle(seconds * SECOND + self.length);
                self.observe(label.unwrap_or_else(|| format!("wait {seconds}s")), rejected);
                return;
            }
            "evict" => {
                let mut from = self.candidates();
                if step["pods"].is_null() {
                    from.retain(|p| pods::is_ready(p));
                }
                let chosen = self.choose(step, from);
                if let Some(pod) = chosen.first().cloned() {
                    response = Some(match disruption::evict(&mut self.plane, pod.meta.uid) {
                        Ok(()) => json!([201]),
                        Err(e) => [Some(json!(e.code)), Some(json!(e.message)), e.cause.map(Json::from)].into_iter().flatten().collect(),
                    });
                }
                label.unwrap_or_else(|| "evict".to_owned())
            }
            other => other.to_owned(),
        };
        self.settle(step["idle"].as_i64().map_or(self.length, |s| s * SECOND));
        self.observe(name, rejected);
        // The answer to a patch is one sentence.
        if let (true, Some(Json::Object(last))) = (step["do"] == "patch", self.observations.last_mut())
            && let Some(one) = last.get_mut("rejected").and_then(Json::as_array_mut).and_then(Vec::pop)
        {
            last.insert("rejected".to_owned(), one);
        }
        if let (Some(response), Some(Json::Object(last))) = (response, self.observations.last_mut()) {
            last.insert("response".to_owned(), response);
        }
    }

    fn apply(&mut self, object: &Json) -> Result<(), store::ApiError> {
        let (kind, name) = (object["kind"].as_str().unwrap_or(""), object["metadata"]["name"].as_str().unwrap_or(""));
        let known = ["default", ""].iter().find_map(|ns| self.plane.api.find(kind, ns, name).cloned());
        if let Some(old) = known {
            let mut merged = old.to_json();
            patch::strategic_merge(&mut merged, object);
            let full = Object::from_json(&kval::kube::defaults_of(&merged));
            self.plane.api.edit(old.meta.uid, |o| {
                o.spec = full.spec.clone();
                o.meta.labels = full.meta.labels.clone();
            });
            return Ok(());
        }
        let made = self.plane.api.apply(object)?;
        self.ungate(made.meta.uid, object);
        Ok(())
    }

    /// The server drops a field of a feature that is off; here it is on.
    fn ungate(&mut self, uid: Uid, given: &Json) {
        let value = given.pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable").cloned();
        if let Some(value) = value.filter(|_| self.plane.gates.max_unavailable_stateful_set) {
            self.plane.api.edit(uid, |o| o.spec_mut()["updateStrategy"]["rollingUpdate"]["maxUnavailable"] = value);
        }
    }

    fn patch(&mut self, kind: &str, name: &str, body: &Json) -> Result<(), store::ApiError> {
        let Some(old) = ["default", ""].iter().find_map(|ns| self.plane.api.find(kind, ns, name).cloned()) else { return Ok(()) };
        let mut value = old.to_json();
        if let Some(map) = value.as_object_mut() {
            map.remove("status");
        }
        let before = value.clone();
        patch::strategic_merge(&mut value, body);
        let verdict = kval::kube::admit_update(&value, &before, kval::kube::schema::NEWEST_VALIDATED);
        if verdict.rejected {
            return Err(store::invalid(&old, &verdict));
        }
        let new = Object::from_json(&value);
        self.plane.api.edit(old.meta.uid, |o| {
            o.spec = new.spec.clone();
            o.meta.labels = new.meta.labels.clone();
            o.meta.annotations = new.meta.annotations.clone();
        });
        Ok(())
    }

    /// Lets the controllers and the nodes work, and time pass.
    fn settle(&mut self, time: Nanos) {
        let until = self.plane.api.now + time;
        loop {
            self.plane.settle();
            let gone: Vec<Uid> = if self.hold {
                Vec::new()
            } else {
                self.plane.api.list("Pod").filter(|p| p.meta.is_deleted() && p.meta.deletion_grace != Some(0)).map(|p| p.meta.uid).collect()
            };
            if gone.is_empty() {
                match self.plane.next().filter(|t| *t <= until) {
                    Some(next) => self.plane.advance(next),
                    None => break,
                }
            }
            for uid in gone {
                self.plane.api.finish_pod(uid);
            }
        }
        self.plane.advance(until);
    }

    fn candidates_by_creation(&self) -> Vec<Arc<Object>> {
        let active = |p: &&Arc<Object>| pods::is_active(p);
        self.plane.api.list("Pod").filter(active).cloned().collect()
    }

    /// Newest Deployment revision first, then completion index, ordinal, target node and creation.
    fn candidates(&self) -> Vec<Arc<Object>> {
        let mut all = self.candidates_by_creation();
        let key = |p: &Arc<Object>| {
            let owner = p.meta.controller().and_then(|o| self.plane.api.get(o.uid));
            let revision = owner.map_or(0, |o| revision(o));
            let index = p.meta.annotations.get("batch.kubernetes.io/job-completion-index").and_then(|i| i.parse::<i64>().ok());
            let ordinal = p.meta.labels.get("apps.kubernetes.io/pod-index").and_then(|i| i.parse::<i64>().ok());
            (-revision, index.unwrap_or(0), ordinal.unwrap_or(0), target_node(p), p.meta.uid)
        };
        all.sort_by_key(key);
        all
    }

    fn not_ready(&self) -> Vec<Arc<Object>> {
        self.candidates().into_iter().filter(|p| !pods::is_ready(p)).collect()
    }

    fn choose(&self, step: &Json, mut from: Vec<Arc<Object>>) -> Vec<Arc<Object>> {
        let wanted = &step["pods"];
        if let Some(rs) = wanted["rs"].as_i64() {
            let mut sets: Vec<Arc<Object>> = self.plane.api.list("ReplicaSet").cloned().collect();
            sets.sort_by_key(|s| revision(s));
            let i = if rs < 0 { sets.len() as i64 + rs } else { rs };
            let uid = usize::try_from(i).ok().and_then(|i| sets.get(i)).map(|s| s.meta.uid);
            from.retain(|p| p.meta.controller().map(|o| o.uid) == uid);
        }
        if let Some(index) = wanted["index"].as_i64() {
            from.retain(|p| p.meta.annotations.get("batch.kubernetes.io/job-completion-index") == Some(&index.to_string()));
        }
        if let Some(name) = wanted["name"].as_str() {
            from.retain(|p| p.meta.name == name);
        }
        if wanted["state"] == "notready" {
            from.retain(|p| !pods::is_ready(p));
        }
        from.truncate(step["n"].as_u64().map_or(usize::MAX, |n| n as usize));
        from
    }

    fn make_ready(&mut self, uid: Uid, ago: i64) {
        let since = self.plane.api.now / SECOND * SECOND - ago * SECOND;
        self.plane.api.edit(uid, |p| set_ready(p, true, since));
    }

    fn observe(&mut self, name: String, rejected: Vec<Json>) {
        let mut out = Map::new();
        out.insert("step".to_owned(), name.into());
        let (changes, created, deleted) = self.changes();
        if !changes.is_empty() {
            out.insert("changes".to_owned(), changes.into());
        }
        if !created.is_empty() {
            out.insert("pods_created".to_owned(), json!(created));
        }
        if !deleted.is_empty() {
            out.insert("pods_deleted".to_owned(), json!(deleted));
        }
        let now = super::observe::snapshot(&self.plane, &mut self.revisions);
        // A Job's pods are told from its first moment, even when there are none.
        if now.contains_key("job") && !self.before.contains_key("job") {
            self.before.remove("pods");
        }
        for (key, value) in &now {
            if self.before.get(key) != Some(value) {
                out.insert(key.clone(), value.clone());
            }
        }
        self.before = now;
        if !rejected.is_empty() {
            out.insert("rejected".to_owned(), rejected.into());
        }
        self.observations.push(out.into());
    }

    #[allow(clippy::type_complexity)]
    fn changes(&mut self) -> (Vec<Json>, BTreeMap<String, i64>, BTreeMap<String, i64>) {
        let mut changes: Vec<Json> = Vec::new();
        let mut created: BTreeMap<String, i64> = BTreeMap::new();
        let mut deleted: BTreeMap<String, i64> = BTreeMap::new();
        let log = &self.plane.api.log[self.cursor..];
        for change in log {
            let object = &change.object;
            let name = &object.meta.name;
            match (object.kind.as_str(), change.operation) {
                ("ReplicaSet", Operation::Added) => changes.push(format!("{name} created {}", object.replicas()).into()),
                ("ReplicaSet", Operation::Modified) => {
                    let before = change.old.as_ref().map_or(0, |o| o.replicas());
                    if before != object.replicas() {
                        changes.push(format!("{name} {before}->{}", object.replicas()).into());
                    }
                }
                ("ReplicaSet" | "Deployment" | "StatefulSet" | "DaemonSet", Operation::Deleted) => {
                    changes.push(format!("{name} deleted").into());
                }
                ("Pod", Operation::Added) => match &object.meta.controller() {
                    Some(owner) => *created.entry(group(object, &owner.name)).or_default() += 1,
                    None => changes.push(format!("+pod {name}").into()),
                },
                ("Pod", Operation::Deleted) => match object.meta.controller().filter(|_| by_controller(object)) {
                    Some(owner) => *deleted.entry(group(object, &owner.name)).or_default() += 1,
                    None => changes.push(format!("-pod {name}").into()),
                },
                ("Pod", Operation::Modified) => {
                    let began = object.meta.is_deleted() && change.old.as_ref().is_some_and(|o| !o.meta.is_deleted());
                    if began && !by_controller(object) {
                        changes.push(format!("~terminating {name}").into());
                    }
                }
                ("Job" | "CronJob" | "ControllerRevision" | "PersistentVolumeClaim", Operation::Added) => {
                    changes.push(format!("+{} {}", object.kind, shown(name)).into());
                }
                ("Job" | "CronJob" | "ControllerRevision" | "PersistentVolumeClaim", Operation::Deleted) => {
                    changes.push(format!("-{} {}", object.kind, shown(name)).into());
                }
                _ => {}
            }
        }
        self.cursor = self.plane.api.log.len();
        (changes, created, deleted)
    }
}

/// A sentence as it was recorded: uids masked, and cut when long.
fn masked(message: &str) -> String {
    /// Characters of a recorded sentence.
    const MOST: usize = 700;
    let start = "00000000-0000-0000-0000-";
    let mut parts = message.split(start);
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        out += "UID";
        out += part.get(12..).unwrap_or("");
    }
    if out.chars().count() > MOST { out.chars().take(MOST).chain(['…']).collect() } else { out }
}

/// Pods that a user created are told by name, even when they were adopted.
fn by_controller(pod: &Object) -> bool {
    !pod.meta.generate_name.is_empty() || pod.meta.labels.contains_key("apps.kubernetes.io/pod-index")
}

/// What the pods of one kind of name are counted under.
fn group(pod: &Object, owner: &str) -> String {
    match pod.meta.generate_name.strip_suffix('-') {
        Some(prefix) => shown(prefix),
        None => shown(owner),
    }
}

/// The name of a CronJob's Job tells its minute since the start.
pub(super) fn shown(name: &str) -> String {
    match name.rsplit_once('-').and_then(|(base, minute)| Some((base, minute.parse::<i64>().ok()?))) {
        Some((base, minute)) if (20_000_000..40_000_000).contains(&minute) => format!("{base}-T+{}", minute - START / SECOND / 60 - 1),
        _ => name.to_owned(),
    }
}

pub(super) fn revision(set: &Object) -> i64 {
    set.meta.annotations.get("deployment.kubernetes.io/revision").and_then(|r| r.parse().ok()).unwrap_or(0)
}

/// The node a DaemonSet's pod is for.
pub(super) fn target_node(pod: &Object) -> String {
    let terms = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchFields/0/values/0";
    pod.spec.pointer(terms).and_then(Json::as_str).unwrap_or("").to_owned()
}

fn set_ready(pod: &mut Object, ready: bool, since: Nanos) {
    let status = if ready { "True" } else { "False" };
    let start = time(&pod.status["startTime"]).unwrap_or(since);
    let condition = json!({"type": "Ready", "status": status, "lastTransitionTime": since});
    let map = pod.status_mut();
    map.insert("phase".to_owned(), "Running".into());
    map.insert("startTime".to_owned(), start.into());
    map.insert("conditions".to_owned(), json!([condition]));
}

fn finish(pod: &mut Object, success: bool, exit: i64, conditions: &Json, now: Nanos) {
    let names: Vec<String> =
        pod.spec["containers"].as_array().into_iter().flatten().filter_map(|c| Some(c["name"].as_str()?.to_owned())).collect();
    let terminated = json!({"exitCode": exit, "finishedAt": now});
    let statuses: Vec<Json> = names.iter().map(|n| json!({"name": n, "state": {"terminated": terminated}})).collect();
    let map = pod.status_mut();
    map.insert("phase".to_owned(), if success { "Succeeded" } else { "Failed" }.into());
    map.insert("conditions".to_owned(), if conditions.is_array() { conditions.clone() } else { json!([]) });
    map.insert("containerStatuses".to_owned(), statuses.into());
}

/// Whether quotas are there to tell about.
pub(super) fn quota(plane: &ControlPlane, quota: &Object) -> Json {
    json!({"used": admission::quota_status(&plane.api, quota)["used"]})
}
