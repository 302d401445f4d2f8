//! The cluster that a change rolls out in: control plane, scheduler and kubelets as one queue of events in time.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::Glimpse;
use super::Hindrance;
use super::Lane;
use super::Look;
use super::Options;
use super::Prediction;
use super::Step;
use super::Workload;
use super::autoscale::Autoscaler;
use super::events;
use super::events::Log;
use super::node::Lives;
use super::node::Placed;
use super::node::Task;
use super::outage::Act;
use super::scenario::Scenario;
use super::surge;
use super::verdict;
use crate::simulate::apiserver::ApiError;
use crate::simulate::apiserver::ApiServer;
use crate::simulate::apiserver::Change;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Operation;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Shared;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::object::Labels;
use crate::simulate::apiserver::object::uid_text;
use crate::simulate::controllers::ControlPlane;
use crate::simulate::controllers::conditions;
use crate::simulate::controllers::pods;
use crate::simulate::controllers::template_of;
use crate::simulate::controllers::volumes;
use crate::simulate::kubelet::behaviour;
use crate::simulate::kubelet::observe::Manifest;
use crate::simulate::kubelet::printed;
use crate::simulate::replay::first_by_name;
use crate::simulate::scheduler::api::Node;
use crate::simulate::scheduler::api::Owner;
use crate::simulate::scheduler::api::Pod;
use crate::simulate::scheduler::api::PodShape;
use crate::simulate::scheduler::cycle::Memory;
use crate::simulate::scheduler::cycle::schedule;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::strings;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::plugins::volume_binding;
use crate::simulate::scheduler::profile::Profiles;
use crate::simulate::scheduler::snapshot::Listers;
use crate::simulate::scheduler::snapshot::Snapshot;

/// 2026-01-01T00:00:00Z, when every prediction begins.
const EPOCH: Nanos = 1_767_225_600 * SECOND;

/// How long containers that are known to end or to be killed are watched once everything is complete.
const SETTLING: Nanos = 600 * SECOND;

/// More pods than this are not drawn.
const MAX_LANES: usize = 2_000;

/// A workload whose change is followed.
#[derive(Clone, Debug)]
struct Followed {
    uid: Uid,
    workload: Workload,
    /// Whether there is nothing to wait for.
    idle: bool,
}

/// The cluster.
pub(super) struct Cluster {
    pub(super) plane: ControlPlane,
    pub(super) nodes: Snapshot,
    memory: Memory,
    profiles: Arc<Profiles>,
    start: usize,
    namespace: String,
    pub(super) tasks: BTreeMap<(Nanos, u64), (Uid, Task)>,
    pub(super) sequence: u64,
    pub(super) placed: BTreeMap<Uid, Placed>,
    /// Those of them that were seen to wait for a volume or a lost node.
    pub(super) waiting: BTreeSet<Uid>,
    pending: BTreeMap<Uid, Option<String>>,
    /// Whether pods that wait may fit now.
    pub(super) freed: bool,
    /// Pods with a node whose claims have no volume yet.
    pub(super) assumed: BTreeMap<Uid, (usize, Arc<Pod>)>,
    /// Claims for which something is being done.
    pub(super) storage: BTreeSet<Uid>,
    /// Nodes whose kubelets are not heard of.
    pub(super) lost: BTreeSet<usize>,
    /// What happens to nodes.
    pub(super) acts: Vec<(usize, Act)>,
    /// When pods have to leave their tainted nodes.
    pub(super) evictions: BTreeMap<Uid, Nanos>,
    /// Events, when they are told.
    pub(super) events: Option<Log>,
    pub(super) images: BTreeSet<(usize, String)>,
    shapes: BTreeMap<Uid, Arc<PodShape>>,
    /// The manifests that the pods of a ReplicaSet share.
    pub(super) manifests: BTreeMap<Uid, Arc<Manifest>>,
    pub(super) lives: BTreeMap<(Uid, String, Vec<Nanos>), Lives>,
    cursor: usize,
    event_cursor: usize,
    began: Nanos,
    followed: Vec<Followed>,
    steps: Vec<Step>,
    looks: Vec<Look>,
    pub(super) failing: BTreeMap<Uid, Hindrance>,
    pub(super) restarts: BTreeMap<Uid, i64>,
    quiet_at: Nanos,
    pub(super) horizon: Nanos,
    late: BTreeSet<Uid>,
    /// How many tasks wait that end or kill a container.
    pub(super) troubles: usize,
    pub(super) autoscalers: BTreeMap<Uid, Autoscaler>,
    /// What each pod went through.
    lanes: BTreeMap<Uid, Lane>,
    /// What containers do.
    pub(super) scenario: Scenario,
    /// The last uid before the change.
    pub(super) last_old: Uid,
    /// Workloads and their containers before and after the change, as far as the scenario may name them.
    named: [BTreeSet<(String, String)>; 2],
    /// The creations of pods that were told to fail, by owner.
    refusals: BTreeSet<(String, String)>,
    /// Until when something is told to happen, whether or not the changes are complete.
    pub(super) busy_until: Nanos,
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
            profiles: Arc::clone(&options.profiles),
            start: 0,
            namespace: options.namespace.clone(),
            tasks: BTreeMap::new(),
            sequence: 0,
            placed: BTreeMap::new(),
            waiting: BTreeSet::new(),
            pending: BTreeMap::new(),
            freed: false,
            assumed: BTreeMap::new(),
            storage: BTreeSet::new(),
            lost: BTreeSet::new(),
            acts: Vec::new(),
            evictions: BTreeMap::new(),
            events: options.events.then(Log::default),
            images: BTreeSet::new(),
            shapes: BTreeMap::new(),
            manifests: BTreeMap::new(),
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
            troubles: 0,
            autoscalers: BTreeMap::new(),
            lanes: BTreeMap::new(),
            scenario: options.scenario.clone(),
            last_old: Uid::MAX,
            named: Default::default(),
            refusals: BTreeSet::new(),
            busy_until: 0,
        };
        // Owners first: the uids that a capture tells are not those of this server.
        rest.sort_by_key(|o| match text(o, &["kind"]) {
            "Pod" => 2,
            "ReplicaSet" | "Job" => 1,
            _ => 0,
        });
        let mut uids: BTreeMap<String, Uid> = BTreeMap::new();
        for mut object in rest {
            let uid = text(&object, &["metadata", "uid"]).to_owned();
            adopt(&mut object, &uids);
            // What the server refuses is not part of the cluster.
            if let Ok(made) = out.apply(&object, None) {
                uids.insert(uid, made.meta.uid);
            }
        }
        out
    }

    pub(super) fn api(&self) -> &ApiServer {
        &self.plane.api
    }

    pub(super) fn has_workloads(&self) -> bool {
        self.plane.api.all().any(|o| super::is_workload(&o.kind) || o.kind == "Pod")
    }

    /// As `kubectl apply`: creates an object or changes the one there is, that was applied as `before`.
    pub(super) fn apply(&mut self, object: &Value, before: Option<&Value>) -> Result<Arc<Object>, ApiError> {
        let mut object = object.clone();
        if text(&object, &["metadata", "namespace"]).is_empty() && object["metadata"].is_object() {
            object["metadata"]["namespace"] = self.namespace.as_str().into();
        }
        let kind = text(&object, &["kind"]).to_owned();
        let name = text(&object, &["metadata", "name"]).to_owned();
        let namespace = text(&object, &["metadata", "namespace"]).to_owned();
        let known = [namespace.as_str(), ""].iter().find_map(|ns| self.plane.api.find(&kind, ns, &name).cloned());
        let Some(old) = known else { return self.plane.api.apply(&object) };
        // A size that no manifest tells is somebody else's.
        let sized = |o: &Value| !at(o, &["spec", "replicas"]).is_null();
        let size = old.spec.get("replicas").filter(|_| super::is_workload(&kind) && !sized(&object) && !before.is_some_and(sized));
        if let (Some(size), Some(spec)) = (size, object.get_mut("spec").filter(|s| s.is_object())) {
            spec["replicas"] = size.clone();
        }
        self.plane.api.replace(&old, &object)
    }

    /// Deletes an object that is not wanted any more.
    pub(super) fn delete(&mut self, object: &Value) {
        let (kind, name) = (text(object, &["kind"]), text(object, &["metadata", "name"]));
        let own = text(object, &["metadata", "namespace"]);
        let namespace = if own.is_empty() { self.namespace.as_str() } else { own };
        let found = [namespace, ""].iter().find_map(|ns| self.plane.api.find(kind, ns, name)).map(|o| o.meta.uid);
        if let Some(uid) = found {
            self.plane.api.delete(uid, Propagation::Background);
        }
    }

    /// The change begins now.
    pub(super) fn mark(&mut self) {
        self.began = self.plane.api.now;
        self.last_old = self.plane.api.counters().last_uid;
        self.cursor = self.plane.api.log.len();
        self.event_cursor = self.plane.api.events.len();
        self.steps.clear();
        self.refusals.clear();
        self.restarts.clear();
        self.forget_events();
        self.begin_outages();
        // Pods that are there go on as they are.
        self.lanes.retain(|_, lane| lane.glimpses.last().is_some_and(|g| !g.printed.status.is_empty()));
        for lane in self.lanes.values_mut() {
            lane.glimpses = lane.glimpses.pop().map(|last| Glimpse { at: 0, ..last }).into_iter().collect();
        }
    }

    pub(super) fn follow(&mut self, object: &Object, input: usize) {
        let desired = verdict::desired(object);
        let available = verdict::available(object);
        // A budget promises as much as a strategy does.
        let promised = verdict::promised(object).max(verdict::budgeted(&self.plane, object));
        let mut workload = Workload {
            kind: object.kind.clone(),
            namespace: object.meta.namespace.clone(),
            name: object.meta.name.clone(),
            object: input,
            desired,
            min_available: available,
            max_pods: verdict::pods_of(object),
            complete_at: None,
            available,
            updated: None,
            restarts: 0,
            promised: promised.min(available),
            hindrance: None,
            relief: None,
            curve: Vec::new(),
            surge: surge::of(self, object),
        };
        let mut idle = false;
        if object.kind == "CronJob"
            && let Some(first) = verdict::first_run(object, self.plane.api.now)
        {
            self.step(format!("CronJob/{}", object.meta.name), format!("the next run is at {}", verdict::clock(first)));
            idle = first > self.began + self.horizon;
            workload.complete_at = idle.then_some(0);
        }
        self.followed.push(Followed { uid: object.meta.uid, workload, idle });
        self.check_annotations(object);
    }

    /// Tells which descriptions of containers are not understood, and so are not heeded.
    fn check_annotations(&mut self, object: &Object) {
        let template = match object.kind.as_str() {
            "CronJob" => at(&object.spec, &["jobTemplate", "spec", "template"]),
            _ => template_of(object),
        };
        let all = if object.kind == "Pod" { object.meta.annotations.clone() } else { strings(template, &["metadata", "annotations"]) };
        for (key, told) in all.iter().filter(|(key, _)| key.starts_with(behaviour::ANNOTATION)) {
            if let Err(phrase) = behaviour::parse(told) {
                self.step(
                    format!("{}/{}", object.kind, object.meta.name),
                    format!("annotation {key}: {phrase:?} is not understood and not heeded"),
                );
            }
        }
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
            let next = next.filter(|t| *t <= until && !(looks.is_empty() && self.plane.api.now >= self.busy_until && self.is_done()));
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
        let complete = self.followed.iter().filter_map(|f| f.workload.complete_at).max().unwrap_or(0);
        let settled = self.plane.api.now - self.began >= complete + SETTLING;
        (self.troubles == 0 || settled)
            && !self.followed.is_empty()
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
            let uid = object.meta.uid;
            if object.kind != "Pod" {
                self.learn(&change);
                continue;
            }
            self.draw(&change);
            match change.operation {
                Operation::Added => {
                    self.make_ephemeral_claims(object);
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
                    self.evictions.remove(&uid);
                    self.forget_assumed(uid);
                    if let Some(placed) = self.placed.remove(&uid) {
                        self.nodes.remove(placed.node, &placed.pod);
                        self.freed = true;
                        self.retry_volumes();
                    }
                }
            }
        }
        if self.plane.forget(self.cursor) {
            self.cursor = 0;
        }
        for (object, count) in ready.into_iter().filter(|(_, count)| *count != 0) {
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
            // One line a pod would be too many, and so would one a try.
            let named = !matches!(event.reason, "SuccessfulCreate" | "SuccessfulDelete") || event.object.starts_with("StatefulSet");
            let kind = event.object.split_once('/').map_or("", |(kind, _)| kind).to_owned();
            let from = events::component(&kind, event.reason);
            self.tell_of(event.uid, event.object.clone(), event.warning, event.reason, event.message.clone(), from);
            let again = event.reason == "FailedCreate" && !self.refusals.insert((event.object.clone(), nameless(&event.message)));
            if named && !again {
                self.step(event.object, format!("{}: {}", event.reason, event.message));
            }
        }
    }

    /// Notes how a pod looks from now on.
    fn draw(&mut self, change: &Change) {
        let pod = &change.object;
        let at = self.plane.api.now - self.began;
        if self.lanes.len() >= MAX_LANES && !self.lanes.contains_key(&pod.meta.uid) {
            return;
        }
        let owner = top_owner(&self.plane, pod).and_then(|o| self.plane.api.get(o)).map(|o| format!("{}/{}", o.kind, o.meta.name));
        let lane = self.lanes.entry(pod.meta.uid).or_insert_with(|| Lane { name: pod.meta.name.clone(), ..Lane::default() });
        if lane.owner.is_empty() {
            lane.owner = owner.unwrap_or_default();
        }
        text(&pod.spec, &["nodeName"]).clone_into(&mut lane.node);
        let mut new = Glimpse { at, ..Glimpse::default() };
        if change.operation != Operation::Deleted {
            new.printed = printed::pod(&pod.spec, &pod.status, pod.meta.is_deleted());
            new.ready = pods::is_ready(pod) && !pod.meta.is_deleted();
        }
        match lane.glimpses.last_mut() {
            Some(last) if last.printed == new.printed && last.ready == new.ready => {}
            Some(last) if last.at == at => *last = new,
            _ => lane.glimpses.push(new),
        }
    }

    /// What the scheduler reads beside pods and nodes, and what scales workloads.
    fn learn(&mut self, change: &Change) {
        let object = &change.object;
        match object.kind.as_str() {
            "PersistentVolumeClaim" if change.operation != Operation::Deleted => self.look_at_claim(object),
            "PersistentVolume" if change.operation == Operation::Modified => self.look_at_volume(object),
            _ => {}
        }
        if object.kind == "HorizontalPodAutoscaler" && change.operation == Operation::Added {
            self.begin_autoscaling(object);
        }
        // Most changes are to counters in a status; only volumes have a status that matters.
        let counts = matches!(object.kind.as_str(), "PersistentVolumeClaim" | "PersistentVolume");
        let same = change.old.as_ref().is_some_and(|o| Shared::ptr_eq(&o.spec, &object.spec)) && !counts;
        if same || !Listers::reads(&object.kind) {
            return;
        }
        let value = object.to_json();
        self.nodes.listers.remove(&value);
        if change.operation != Operation::Deleted {
            self.nodes.listers.add(&value);
            // A pod may wait for just this.
            self.freed |= counts;
        }
    }

    /// Claims that waited for their first pod are provisioned where it goes.
    fn select_node(&mut self, object: &Object, pod: &Pod, node: usize) {
        let taken = Arc::clone(&self.nodes.nodes[node].node);
        volume_binding::reserve(&mut self.nodes.listers, pod, &taken);
        for (claim, _) in pod.claims() {
            let found = self.plane.api.find("PersistentVolumeClaim", &object.meta.namespace, &claim);
            let Some(uid) = found.filter(|c| text(&c.spec, &["volumeName"]).is_empty()).map(|c| c.meta.uid) else { continue };
            let name = taken.name.clone();
            self.plane.api.edit(uid, |c| drop(c.meta.annotations.insert(volumes::SELECTED_NODE.to_owned(), name)));
        }
    }

    /// The time since the change.
    pub(super) fn since_change(&self) -> Nanos {
        self.plane.api.now - self.began
    }

    pub(super) fn step(&mut self, object: String, what: String) {
        let at = self.since_change();
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
        let mut moved = self.bind_assumed();
        let again = std::mem::take(&mut self.freed);
        let waiting: Vec<Uid> = self.pending.iter().filter(|(_, why)| again || why.is_none()).map(|(uid, _)| *uid).collect();
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
                    self.select_node(&object, &pod, node);
                    self.assume(uid, node, pod);
                    moved = true;
                }
                None => {
                    let why = outcome.message.unwrap_or_else(|| "no node fits".to_owned());
                    if self.pending.get(&uid) != Some(&Some(why.clone())) {
                        self.step(format!("Pod/{}", object.meta.name), format!("FailedScheduling: {why}"));
                        self.tell(&object, true, "FailedScheduling", why.clone(), "default-scheduler");
                    }
                    self.failing.insert(uid, verdict::unschedulable(&object, &why));
                    hopeless.insert(shape, why.clone());
                    self.pending.insert(uid, Some(why));
                }
            }
        }
        moved
    }

    pub(super) fn scheduler_pod(&mut self, object: &Object) -> Pod {
        let owner = object.meta.controller();
        let source = Owner {
            kind: owner.map_or("Pod", |o| o.kind.as_str()).to_owned(),
            name: owner.map_or(object.meta.name.as_str(), |o| o.name.as_str()).to_owned(),
        };
        // Pods of one ReplicaSet differ by name only; those of other owners may differ more.
        let key = owner.filter(|o| o.kind == "ReplicaSet").map_or(object.meta.uid, |o| o.uid);
        let shape = self.shapes.entry(key).or_insert_with(|| Arc::new(PodShape::new(&object.to_json())));
        let own = json!({
            "metadata": {"name": object.meta.name},
            "spec": {"nodeName": at(&object.spec, &["nodeName"]), "volumes": at(&object.spec, &["volumes"])},
        });
        Pod::with_shape(&own, Arc::clone(shape), source, 0)
    }

    /// What is told of a pod's containers.
    pub(super) fn told(&mut self, pod: &Object) -> Labels {
        if self.scenario.is_empty() {
            return pod.meta.annotations.clone();
        }
        let owner = top_owner(&self.plane, pod).and_then(|o| self.plane.api.get(o)).map_or(&pod.meta.name, |o| &o.meta.name).clone();
        let of = |field: &str| list(&pod.spec, &[field]).iter().map(|c| text(c, &["name"]));
        let containers: Vec<&str> = of("initContainers").chain(of("containers")).collect();
        let changed = pod.meta.uid > self.last_old;
        let named = &mut self.named[usize::from(changed)];
        named.extend(containers.iter().map(|c| (owner.clone(), (*c).to_owned())));
        self.scenario.annotations(changed, &owner, &containers, &pod.meta.annotations)
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
            let pods = verdict::pods_of(object);
            if workload.curve.last().is_none_or(|l| (l.1, l.2) != (available, pods)) {
                workload.curve.push((at, available, pods));
            }
            // Nothing has been looked at before the controller's first status.
            if object.count("observedGeneration") > 0 || matches!(object.kind.as_str(), "Pod" | "Job" | "CronJob") {
                workload.desired = verdict::desired(object);
                workload.min_available = workload.min_available.min(available);
                workload.available = available;
                workload.updated = verdict::updated(object);
                workload.max_pods = workload.max_pods.max(verdict::pods_of(object));
            }
            let progress = conditions::get(&object.status, "Progressing");
            if progress.is_some_and(|c| text(c, &["reason"]) == "ProgressDeadlineExceeded") && self.late.insert(followed.uid) {
                let message = text(progress.unwrap_or(&Value::Null), &["message"]).to_owned();
                late.push((format!("{}/{}", workload.kind, workload.name), format!("ProgressDeadlineExceeded: {message}")));
            }
            let complete = followed.idle || verdict::is_complete(object);
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
                workload.relief = verdict::relief(&self.plane, followed.uid, workload.hindrance.as_ref());
            }
        }
        out.workloads = self.followed.into_iter().map(|f| f.workload).collect();
        out.steps = self.steps;
        out.looks = self.looks;
        out.events = self.events.map(|log| log.records).unwrap_or_default();
        out.quiet_at = self.quiet_at;
        out.defect = self.plane.defect;
        out.pods = self.lanes.into_values().collect();
        let [before, after] = self.named.map(|set| set.into_iter().collect::<Vec<_>>());
        let scalers: Vec<String> = self.plane.api.list("HorizontalPodAutoscaler").map(|o| o.meta.name.clone()).collect();
        let nodes: Vec<String> = self.nodes.nodes.iter().map(|n| n.node.name.clone()).collect();
        out.unused = self.scenario.unused(&before, &after, &scalers, &nodes);
    }
}

/// Writes the uids of this server where owners are told, and takes out what workloads said of themselves elsewhere.
fn adopt(object: &mut Value, uids: &BTreeMap<String, Uid>) {
    for owner in object.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(uid) = uids.get(text(owner, &["uid"])) {
            owner["uid"] = uid_text(*uid).into();
        }
    }
    let kind = text(object, &["kind"]).to_owned();
    let ended = matches!(text(object, &["status", "phase"]), "Succeeded" | "Failed");
    if super::is_workload(&kind)
        && !(kind == "Pod" && ended)
        && let Some(map) = object.as_object_mut()
    {
        map.remove("status");
    }
    if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        meta.remove("generation");
    }
}

/// A sentence without the first name in quotes.
fn nameless(message: &str) -> String {
    let mut parts = message.splitn(3, '"');
    let (start, _, end) = (parts.next().unwrap_or(""), parts.next(), parts.next().unwrap_or(""));
    format!("{start}{end}")
}

/// The workload at the top of a pod's owners.
pub(super) fn top_owner(plane: &ControlPlane, pod: &Object) -> Option<Uid> {
    let mut uid = pod.meta.controller()?.uid;
    while let Some(owner) = plane.api.get(uid).and_then(|o| o.meta.controller()) {
        uid = owner.uid;
    }
    Some(uid)
}
