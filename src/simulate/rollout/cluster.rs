//! The cluster that a change rolls out in: control plane, scheduler and kubelets as one queue of events in time.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::Hindrance;
use super::Look;
use super::Options;
use super::Prediction;
use super::Step;
use super::Workload;
use super::verdict;
use crate::kube;
use crate::simulate::apiserver::ApiError;
use crate::simulate::apiserver::ApiServer;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Operation;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::patch;
use crate::simulate::controllers::ControlPlane;
use crate::simulate::controllers::conditions;
use crate::simulate::controllers::pods;
use crate::simulate::kubelet::behaviour;
use crate::simulate::kubelet::prober;
use crate::simulate::kubelet::prober::Event;
use crate::simulate::replay::first_by_name;
use crate::simulate::scheduler::api::Node;
use crate::simulate::scheduler::api::Owner;
use crate::simulate::scheduler::api::Pod;
use crate::simulate::scheduler::api::PodShape;
use crate::simulate::scheduler::cycle::Memory;
use crate::simulate::scheduler::cycle::schedule;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::profile::Profiles;
use crate::simulate::scheduler::snapshot::Listers;
use crate::simulate::scheduler::snapshot::Snapshot;

/// 2026-01-01T00:00:00Z, when every prediction begins.
const EPOCH: Nanos = 1_767_225_600 * SECOND;

/// What a node has to do with a pod.
#[derive(Clone, Debug)]
enum Task {
    /// A change of a container: which one of the pod, and what.
    Container(usize, Event),
    /// An image that cannot be pulled.
    ImageMissing(usize),
    /// The pod's containers have stopped.
    Stopped,
}

/// A pod on its node.
#[derive(Clone, Debug)]
struct Placed {
    pod: Arc<Pod>,
    node: usize,
    ready: Vec<bool>,
    restarts: i64,
}

/// What the pods of one template do on a node, by the time their images take.
type Lives = Arc<Vec<(Nanos, Task)>>;

/// A workload whose change is followed.
#[derive(Clone, Debug)]
struct Followed {
    uid: Uid,
    workload: Workload,
}

/// The cluster.
pub(super) struct Cluster {
    plane: ControlPlane,
    nodes: Snapshot,
    memory: Memory,
    profiles: Profiles,
    start: usize,
    namespace: String,
    tasks: BTreeMap<(Nanos, u64), (Uid, Task)>,
    sequence: u64,
    placed: BTreeMap<Uid, Placed>,
    pending: BTreeMap<Uid, Option<String>>,
    freed: bool,
    images: BTreeSet<(usize, String)>,
    shapes: BTreeMap<(Uid, String), Arc<PodShape>>,
    lives: BTreeMap<(Uid, String, Nanos), Lives>,
    cursor: usize,
    event_cursor: usize,
    began: Nanos,
    followed: Vec<Followed>,
    steps: Vec<Step>,
    looks: Vec<Look>,
    failing: BTreeMap<Uid, Hindrance>,
    restarts: BTreeMap<Uid, i64>,
    quiet_at: Nanos,
    horizon: Nanos,
    late: BTreeSet<Uid>,
}

impl Cluster {
    pub(super) fn new(described: &[Value], options: &Options) -> Self {
        let mut listers = Listers::default();
        let mut nodes = Vec::new();
        let mut api = ApiServer::new(EPOCH, options.seed);
        let mut rest = Vec::new();
        for object in described {
            if text(object, &["kind"]) == "Node" {
                nodes.push(Node::new(object));
                // A node that cannot be created is no node.
                drop(api.create(Object::from_json(object)));
            } else {
                listers.add(object);
                rest.push(object.clone());
            }
        }
        let mut out = Self {
            plane: ControlPlane::new(api),
            nodes: Snapshot::new(nodes, listers),
            memory: Memory::default(),
            profiles: Profiles::default(),
            start: 0,
            namespace: options.namespace.clone(),
            tasks: BTreeMap::new(),
            sequence: 0,
            placed: BTreeMap::new(),
            pending: BTreeMap::new(),
            freed: false,
            images: BTreeSet::new(),
            shapes: BTreeMap::new(),
            lives: BTreeMap::new(),
            cursor: 0,
            event_cursor: 0,
            began: EPOCH,
            followed: Vec::new(),
            steps: Vec::new(),
            looks: Vec::new(),
            failing: BTreeMap::new(),
            restarts: BTreeMap::new(),
            quiet_at: 0,
            horizon: options.timeout.max(1) * SECOND,
            late: BTreeSet::new(),
        };
        for object in rest {
            // What the server refuses is not part of the cluster.
            drop(out.apply(&object));
        }
        out
    }

    pub(super) fn has_workloads(&self) -> bool {
        self.plane.api.all().any(|o| super::is_workload(&o.kind) || o.kind == "Pod")
    }

    /// As `kubectl apply`: creates an object or changes the one there is.
    pub(super) fn apply(&mut self, object: &Value) -> Result<Arc<Object>, ApiError> {
        let mut object = object.clone();
        if text(&object, &["metadata", "namespace"]).is_empty() && object["metadata"].is_object() {
            object["metadata"]["namespace"] = self.namespace.as_str().into();
        }
        let kind = text(&object, &["kind"]).to_owned();
        let name = text(&object, &["metadata", "name"]).to_owned();
        let namespace = text(&object, &["metadata", "namespace"]).to_owned();
        let known = [namespace.as_str(), ""].iter().find_map(|ns| self.plane.api.find(&kind, ns, &name).cloned());
        let Some(old) = known else { return self.plane.api.apply(&object) };
        if kind == "Pod" {
            return Ok(old);
        }
        // Fields that only the server set stay as they are.
        let mut wanted = kube::defaults_of(&object);
        if !at(&object, &["spec", "replicas"]).is_null() || super::is_workload(&kind) {
            patch::json_merge(&mut wanted, &json!({"status": null}));
        }
        let new = Object::from_json(&wanted);
        let edited = self.plane.api.edit(old.meta.uid, |o| {
            o.spec = Arc::clone(&new.spec);
            o.rest.clone_from(&new.rest);
            o.meta.labels.clone_from(&new.meta.labels);
            o.meta.annotations.extend(new.meta.annotations.clone());
        });
        Ok(edited.unwrap_or(old))
    }

    pub(super) fn delete(&mut self, kind: &str, name: &str) {
        let namespace = self.namespace.clone();
        if let Some(uid) = self.plane.api.find(kind, &namespace, name).map(|o| o.meta.uid) {
            self.plane.api.delete(uid, Propagation::Background);
        }
    }

    /// The change begins now.
    pub(super) fn mark(&mut self) {
        self.began = self.plane.api.now;
        self.cursor = self.plane.api.log.len();
        self.event_cursor = self.plane.api.events.len();
        self.steps.clear();
        self.restarts.clear();
    }

    pub(super) fn follow(&mut self, object: &Object, input: usize) {
        let desired = verdict::desired(object);
        let available = verdict::available(object);
        let workload = Workload {
            kind: object.kind.clone(),
            namespace: object.meta.namespace.clone(),
            name: object.meta.name.clone(),
            object: input,
            desired,
            min_available: available,
            max_pods: verdict::pods_of(object),
            complete_at: None,
            available,
            restarts: 0,
            promised: verdict::promised(object).min(available),
            hindrance: None,
        };
        self.followed.push(Followed { uid: object.meta.uid, workload });
    }

    /// Lets the cluster run until nothing is left to happen, every change is complete, or the time is over.
    pub(super) fn run(&mut self, timeout: Nanos, at: &[Nanos]) {
        let until = self.plane.api.now + timeout;
        let began = self.plane.api.now;
        let mut looks = at.iter().map(|t| began + t).collect::<BTreeSet<Nanos>>();
        loop {
            self.settle();
            self.observe();
            let next = [self.plane.next(), self.tasks.keys().next().map(|k| k.0)].into_iter().flatten().min();
            let next = next.filter(|t| *t <= until && !(looks.is_empty() && self.is_done()));
            let limit = next.unwrap_or(until);
            while let Some(look) = looks.first().copied().filter(|l| *l < limit || next.is_none()) {
                looks.remove(&look);
                self.plane.api.now = self.plane.api.now.max(look);
                let objects = self.plane.api.all().cloned().collect();
                self.looks.push(Look { at: look - began, objects, now: look });
            }
            let Some(next) = next else { break };
            self.plane.advance(next);
            while let Some(entry) = self.tasks.first_entry().filter(|e| e.key().0 <= next) {
                let (uid, task) = entry.remove();
                self.perform(uid, task);
            }
        }
    }

    /// Whether all followed changes are complete and nothing terminates any more.
    fn is_done(&self) -> bool {
        !self.followed.is_empty()
            && self.followed.iter().all(|f| f.workload.complete_at.is_some())
            && !self.plane.api.list("Pod").any(|p| p.meta.is_deleted())
    }

    /// Controllers and scheduler work until nothing moves at this instant.
    fn settle(&mut self) {
        loop {
            self.plane.settle();
            self.watch();
            if !self.schedule() {
                break;
            }
        }
    }

    /// What the log tells the scheduler and the nodes, and the reader.
    fn watch(&mut self) {
        let mut ready: BTreeMap<String, i64> = BTreeMap::new();
        while let Some(change) = self.plane.api.log.get(self.cursor).cloned() {
            self.cursor += 1;
            let object = &change.object;
            if object.kind != "Pod" {
                continue;
            }
            let uid = object.meta.uid;
            match change.operation {
                Operation::Added => {
                    if text(&object.spec, &["nodeName"]).is_empty() {
                        self.pending.insert(uid, None);
                    } else {
                        let node = self.nodes.find(text(&object.spec, &["nodeName"]));
                        if let Some(node) = node {
                            self.place(object, node);
                        }
                    }
                }
                Operation::Modified => {
                    let old = change.old.as_ref();
                    let was = old.is_some_and(|o| pods::is_ready(o));
                    if pods::is_ready(object) != was {
                        let owner = object
                            .meta
                            .controller()
                            .map_or_else(|| format!("Pod/{}", object.meta.name), |o| format!("{}/{}", o.kind, o.name));
                        *ready.entry(owner).or_default() += if was { -1 } else { 1 };
                    }
                    if object.meta.is_deleted() && old.is_some_and(|o| !o.meta.is_deleted()) {
                        self.stop(object);
                    }
                }
                Operation::Deleted => {
                    self.pending.remove(&uid);
                    self.failing.remove(&uid);
                    if let Some(placed) = self.placed.remove(&uid) {
                        self.nodes.remove(placed.node, &placed.pod);
                        self.freed = true;
                    }
                }
            }
        }
        for (object, count) in ready {
            let what = match count {
                1 => "1 pod becomes ready".to_owned(),
                n if n > 0 => format!("{n} pods become ready"),
                -1 => "1 pod is no longer ready".to_owned(),
                n => format!("{} pods are no longer ready", -n),
            };
            self.step(object, what);
        }
        while let Some(event) = self.plane.api.events.get(self.event_cursor).cloned() {
            self.event_cursor += 1;
            // One line a pod would be too many.
            if !matches!(event.reason, "SuccessfulCreate" | "SuccessfulDelete") || event.object.starts_with("StatefulSet") {
                self.step(event.object, format!("{}: {}", event.reason, event.message));
            }
        }
    }

    fn step(&mut self, object: String, what: String) {
        let at = self.plane.api.now - self.began;
        let line = Step { at, object, what };
        if self.steps.last() != Some(&line) {
            self.quiet_at = at;
            self.steps.push(line);
        }
    }

    /// Tries the pods that wait for a node; whether one got one.
    fn schedule(&mut self) -> bool {
        if self.nodes.nodes.is_empty() {
            return false;
        }
        let again = std::mem::take(&mut self.freed);
        let waiting: Vec<Uid> = self.pending.iter().filter(|(_, why)| again || why.is_none()).map(|(uid, _)| *uid).collect();
        let mut moved = false;
        let mut hopeless: BTreeMap<usize, String> = BTreeMap::new();
        for uid in waiting {
            let Some(object) = self.plane.api.get(uid).cloned() else { continue };
            let pod = Arc::new(self.scheduler_pod(&object));
            let shape = Arc::as_ptr(&pod.shape) as usize;
            if let Some(why) = hopeless.get(&shape) {
                self.pending.insert(uid, Some(why.clone()));
                continue;
            }
            let Some(profile) = self.profiles.get(&pod.scheduler_name) else { continue };
            let outcome = schedule(&self.nodes, profile, &pod, &mut self.start, None, &mut self.memory, false);
            let best = (!outcome.top.is_empty()).then(|| first_by_name(&self.nodes, &outcome.top));
            match best {
                Some(node) => {
                    self.pending.remove(&uid);
                    self.failing.remove(&uid);
                    let name = self.nodes.nodes[node].node.name.clone();
                    let bound = self.plane.api.edit(uid, |o| {
                        let spec = o.spec_mut();
                        if spec.is_object() {
                            spec["nodeName"] = name.as_str().into();
                        }
                    });
                    if let Some(bound) = bound {
                        self.place(&bound, node);
                    }
                    moved = true;
                }
                None => {
                    let why = outcome.message.unwrap_or_else(|| "no node fits".to_owned());
                    if self.pending.get(&uid) != Some(&Some(why.clone())) {
                        self.step(format!("Pod/{}", object.meta.name), format!("FailedScheduling: {why}"));
                    }
                    self.failing.insert(uid, verdict::unschedulable(&object, &why));
                    hopeless.insert(shape, why.clone());
                    self.pending.insert(uid, Some(why));
                }
            }
        }
        moved
    }

    fn scheduler_pod(&mut self, object: &Object) -> Pod {
        let owner = object.meta.controller();
        let source = Owner {
            kind: owner.map_or("Pod", |o| o.kind.as_str()).to_owned(),
            name: owner.map_or(object.meta.name.as_str(), |o| o.name.as_str()).to_owned(),
        };
        // Pods of one ReplicaSet differ by name only; those of other owners may differ more.
        let value = object.to_json();
        let key = owner.filter(|o| o.kind == "ReplicaSet").map(|o| (o.uid, String::new())).unwrap_or((object.meta.uid, String::new()));
        let shape = self.shapes.entry(key).or_insert_with(|| Arc::new(PodShape::new(&value)));
        Pod::with_shape(&value, Arc::clone(shape), source, 0)
    }

    /// A pod has come to a node: its containers' lives are known from here.
    fn place(&mut self, object: &Arc<Object>, node: usize) {
        let uid = object.meta.uid;
        let pod = Arc::new(self.scheduler_pod(object));
        self.nodes.place(node, &pod);
        let containers = list(&object.spec, &["containers"]).len();
        self.placed.insert(uid, Placed { pod, node, ready: vec![false; containers], restarts: 0 });
        if matches!(text(&object.status, &["phase"]), "Succeeded" | "Failed") {
            return;
        }
        let lives = self.lives_of(object, node);
        for (after, task) in lives.iter() {
            self.sequence += 1;
            self.tasks.insert((self.plane.api.now + after, self.sequence), (uid, task.clone()));
        }
    }

    /// What the containers of a pod do on a node.
    fn lives_of(&mut self, object: &Object, node: usize) -> Lives {
        let spec = &object.spec;
        let all = list(spec, &["initContainers"]).iter().chain(list(spec, &["containers"]));
        let mut pull = 0;
        for container in all {
            let told = behaviour::of(&object.meta.annotations, container);
            let image = text(container, &["image"]).to_owned();
            if self.images.insert((node, image)) {
                pull += told.pull;
            }
        }
        let owner = object.meta.controller().map_or(object.meta.uid, |o| o.uid);
        let template = object.meta.labels.get("controller-revision-hash").cloned().unwrap_or_default();
        let key = (owner, template, pull);
        if let Some(known) = self.lives.get(&key) {
            return Arc::clone(known);
        }
        let lives = Arc::new(self.live(object, pull));
        self.lives.insert(key, Arc::clone(&lives));
        lives
    }

    fn live(&self, object: &Object, pull: Nanos) -> Vec<(Nanos, Task)> {
        let spec = &object.spec;
        let mut out: Vec<(Nanos, Task)> = Vec::new();
        let mut start = pull;
        for container in list(spec, &["initContainers"]) {
            let told = behaviour::of(&object.meta.annotations, container);
            start += if text(container, &["restartPolicy"]) == "Always" { SECOND } else { behaviour::init_time(&told) };
        }
        for (i, container) in list(spec, &["containers"]).iter().enumerate() {
            let told = behaviour::of(&object.meta.annotations, container);
            if told.image_missing {
                out.push((start, Task::ImageMissing(i)));
                continue;
            }
            let life = behaviour::life(spec, container, &told, start, self.horizon);
            let trace = prober::run(&life);
            out.extend(trace.events.into_iter().map(|(at, event)| (at, Task::Container(i, event))));
        }
        out.sort_by_key(|(at, _)| *at);
        out
    }

    /// A terminating pod stops when its containers have, at the latest after its grace period.
    fn stop(&mut self, pod: &Object) {
        let told = list(&pod.spec, &["containers"]).iter().map(|c| behaviour::of(&pod.meta.annotations, c).stop).max().unwrap_or(0);
        let grace = pod.meta.deletion_grace.unwrap_or(30) * SECOND;
        self.sequence += 1;
        self.tasks.insert((self.plane.api.now + told.min(grace), self.sequence), (pod.meta.uid, Task::Stopped));
    }

    fn perform(&mut self, uid: Uid, task: Task) {
        let Some(object) = self.plane.api.get(uid).cloned() else { return };
        match task {
            Task::Stopped => self.plane.api.finish_pod(uid),
            _ if object.meta.is_deleted() => {}
            Task::ImageMissing(i) => {
                let hindrance = verdict::image_missing(&object, i);
                self.step(format!("Pod/{}", object.meta.name), format!("{}: {}", hindrance.reason, hindrance.message));
                self.failing.insert(uid, hindrance);
            }
            Task::Container(i, event) => self.container(&object, i, event),
        }
    }

    fn container(&mut self, object: &Arc<Object>, i: usize, event: Event) {
        let uid = object.meta.uid;
        let Some(placed) = self.placed.get_mut(&uid) else { return };
        let pod_name = format!("Pod/{}", object.meta.name);
        match event {
            Event::Ready(ready) => {
                let before = placed.ready.iter().all(|r| *r);
                if let Some(slot) = placed.ready.get_mut(i) {
                    *slot = ready;
                }
                let after = placed.ready.iter().all(|r| *r) && list(&object.spec, &["readinessGates"]).is_empty();
                if before != after {
                    if after {
                        self.failing.remove(&uid);
                    }
                    let now = self.plane.api.now;
                    self.plane.api.edit(uid, |p| set_ready(p, after, now));
                }
            }
            Event::Start(n) if n > 1 => {
                placed.restarts += 1;
                let owner = top_owner(&self.plane, object).unwrap_or(uid);
                *self.restarts.entry(owner).or_default() += 1;
            }
            Event::Start(_) => {
                self.plane.api.edit(uid, |p| drop(p.status_mut().insert("phase".to_owned(), "Running".into())));
            }
            Event::Kill(kind, _) => {
                let hindrance = verdict::probe_failed(object, i, kind);
                self.step(pod_name, hindrance.message.clone());
                self.failing.insert(uid, hindrance);
            }
            Event::BackOff(wait) => {
                self.failing.insert(uid, verdict::crash_loop(object, i, wait));
            }
            Event::Exit(_) | Event::Started(_) => {}
        }
    }

    /// Notes how far the followed changes are.
    fn observe(&mut self) {
        let at = self.plane.api.now - self.began;
        let mut done = Vec::new();
        let mut late = Vec::new();
        for followed in &mut self.followed {
            let Some(object) = self.plane.api.get(followed.uid) else { continue };
            let workload = &mut followed.workload;
            let available = verdict::available(object);
            // Nothing has been looked at before the controller's first status.
            if object.count("observedGeneration") > 0 || object.kind == "Pod" {
                workload.desired = verdict::desired(object);
                workload.min_available = workload.min_available.min(available);
                workload.available = available;
                workload.max_pods = workload.max_pods.max(verdict::pods_of(object));
            }
            let progress = conditions::get(&object.status, "Progressing");
            if progress.is_some_and(|c| text(c, &["reason"]) == "ProgressDeadlineExceeded") && self.late.insert(followed.uid) {
                let message = text(progress.unwrap_or(&Value::Null), &["message"]).to_owned();
                late.push((format!("{}/{}", workload.kind, workload.name), format!("ProgressDeadlineExceeded: {message}")));
            }
            let complete = verdict::is_complete(object);
            if complete && workload.complete_at.is_none() {
                workload.complete_at = Some(at);
                done.push((format!("{}/{}", workload.kind, workload.name), "the change is complete".to_owned()));
            } else if !complete {
                workload.complete_at = None;
            }
        }
        for (object, what) in done.into_iter().chain(late) {
            self.step(object, what);
        }
    }

    pub(super) fn finish(mut self, out: &mut Prediction) {
        for followed in &mut self.followed {
            let workload = &mut followed.workload;
            workload.restarts = self.restarts.get(&followed.uid).copied().unwrap_or(0);
            if workload.complete_at.is_none() {
                workload.hindrance = verdict::hindrance(&self.plane, followed.uid, &self.failing);
            }
        }
        out.workloads = self.followed.into_iter().map(|f| f.workload).collect();
        out.steps = self.steps;
        out.looks = self.looks;
        out.quiet_at = self.quiet_at;
    }
}

/// The workload at the top of a pod's owners.
pub(super) fn top_owner(plane: &ControlPlane, pod: &Object) -> Option<Uid> {
    let mut uid = pod.meta.controller()?.uid;
    while let Some(owner) = plane.api.get(uid).and_then(|o| o.meta.controller()) {
        uid = owner.uid;
    }
    Some(uid)
}

fn set_ready(pod: &mut Object, ready: bool, now: Nanos) {
    let start = int(&pod.status, &["startTime"]).unwrap_or(now);
    let condition = json!({"type": "Ready", "status": if ready { "True" } else { "False" }, "lastTransitionTime": now / SECOND * SECOND});
    let map = pod.status_mut();
    map.insert("phase".to_owned(), "Running".into());
    map.insert("startTime".to_owned(), start.into());
    map.insert("conditions".to_owned(), json!([condition]));
}
