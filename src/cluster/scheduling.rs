//! kube-scheduler in the cluster: pods without a node get one as soon as one fits.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;
use serde_json::Value;
use serde_json::json;

use super::Cluster;
use super::alike::Step;
use crate::simulate::apiserver::Change;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Operation;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Shared;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::facts::node_name;
use crate::simulate::apiserver::facts::phase;
use crate::simulate::apiserver::store;
use crate::simulate::controllers::conditions;
use crate::simulate::replay::first_by_name;
use crate::simulate::scheduler::api::Node;
use crate::simulate::scheduler::api::Owner;
use crate::simulate::scheduler::api::Pod;
use crate::simulate::scheduler::api::PodShape;
use crate::simulate::scheduler::cycle::Memory;
use crate::simulate::scheduler::cycle::Outcome;
use crate::simulate::scheduler::cycle::schedule;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::preemption::Preemption;
use crate::simulate::scheduler::profile::Profiles;
use crate::simulate::scheduler::snapshot::Listers;
use crate::simulate::scheduler::snapshot::Snapshot;

/// So many pods are worth the help of other threads.
const MANY: usize = 200;

/// What the scheduler remembers between pods.
pub(super) struct Scheduler {
    snapshot: Snapshot,
    memory: Memory,
    profiles: Profiles,
    start: usize,
    shapes: BTreeMap<Uid, (Arc<PodShape>, Arc<Owner>)>,
    placed: BTreeMap<Uid, (usize, Arc<Pod>)>,
    /// The shapes that no node takes, whatever runs there, with the sentence why.
    stuck: FxHashMap<usize, Arc<str>>,
    /// The pods of these shapes that were told so.
    told: FxHashSet<Uid>,
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler").field("placed", &self.placed.len()).finish_non_exhaustive()
    }
}

/// What is looked at in each pod; the rest is the same in pods of one ReplicaSet.
struct Seen {
    node: String,
    nominated: String,
    over: bool,
    claims: bool,
    volumes: Vec<Value>,
}

impl Seen {
    fn of(pod: &Object) -> Self {
        let over = matches!(phase(pod), "Succeeded" | "Failed");
        let node = node_name(pod).to_owned();
        let plain = |part: &Shared| part.facts().is_some_and(|facts| !facts.rare);
        if plain(&pod.spec) && plain(&pod.status) {
            return Self { node, nominated: String::new(), over, claims: false, volumes: Vec::new() };
        }
        let [claims, volumes] = pod.spec.fields(["resourceClaims", "volumes"]);
        let [nominated] = pod.status.fields(["nominatedNodeName"]);
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            node,
            nominated: word(&nominated),
            over,
            claims: claims.as_array().is_some_and(|all| !all.is_empty()),
            volumes: if let Value::Array(all) = volumes { all } else { Vec::new() },
        }
    }
}

/// Pods of one ReplicaSet differ by name only; those of other owners may differ more.
fn shape_key(object: &Object) -> Uid {
    object.meta.controller().filter(|o| o.kind == "ReplicaSet").map_or(object.meta.uid, |o| o.uid)
}

/// Whether only a change of the nodes themselves can make room: no pod that leaves, and none that comes, does.
/// upstream: the queueing hints of these plugins
fn is_of_nodes(pod: &Pod, outcome: &Outcome) -> bool {
    const OF_NODES: [&str; 4] = ["NodeUnschedulable", "NodeName", "NodeAffinity", "TaintToleration"];
    pod.device_claims.is_empty()
        && outcome.top.is_empty()
        && outcome.prefilter.is_none()
        && outcome.error.is_none()
        && !outcome.infeasible.is_empty()
        && outcome.infeasible.iter().all(|(_, rejection)| OF_NODES.contains(&rejection.plugin))
        && matches!(outcome.preemption, None | Some(Preemption::Refused(_)))
}

impl Scheduler {
    fn new(cluster: &Cluster) -> Self {
        let api = &cluster.plane.api;
        let mut listers = Listers::default();
        let mut nodes = Vec::new();
        for object in api.all() {
            match object.kind.as_str() {
                "Node" => nodes.push(Node::new(&object.to_json())),
                kind if Listers::takes(kind) => listers.add(&object.to_json()),
                _ => {}
            }
        }
        let snapshot = Snapshot::new(nodes, listers);
        let mut out = Self {
            snapshot,
            memory: Memory::default(),
            profiles: Profiles::default(),
            start: 0,
            shapes: BTreeMap::new(),
            placed: BTreeMap::new(),
            stuck: FxHashMap::default(),
            told: FxHashSet::default(),
        };
        let pods: Vec<&Arc<Object>> = api.list("Pod").collect();
        // Reading what nobody has read yet is most of the work.
        let read = |pod: &Arc<Object>| Seen::of(pod);
        let seen: Vec<Seen> =
            if pods.len() > MANY { pods.par_iter().map(|p| read(p)).collect() } else { pods.iter().map(|p| read(p)).collect() };
        for (pod, seen) in pods.into_iter().zip(seen) {
            if !seen.over && !seen.node.is_empty() {
                out.place_seen(pod, &seen);
            }
        }
        out
    }

    /// The shape of a pod, when it is known.
    fn known_shape(&self, object: &Object) -> Option<usize> {
        self.shapes.get(&shape_key(object)).map(|(shape, _)| Arc::as_ptr(shape).addr())
    }

    fn pod(&mut self, object: &Object, seen: &Seen) -> Pod {
        let owner = object.meta.controller();
        let (shape, source) = self.shapes.entry(shape_key(object)).or_insert_with(|| {
            let source = Owner {
                kind: owner.map_or("Pod", |o| o.kind.as_str()).to_owned(),
                name: owner.map_or(object.meta.name.as_str(), |o| o.name.as_str()).to_owned(),
            };
            // Nothing of it follows from the status.
            let asked = Object { status: Shared::default(), ..object.clone() };
            (Arc::new(PodShape::new(&asked.to_json())), Arc::new(source))
        });
        let (shape, source) = (Arc::clone(shape), Arc::clone(source));
        if seen.claims {
            return Pod::with_shape(&object.to_json(), shape, Owner::clone(&source), 0);
        }
        Pod {
            name: object.meta.name.clone(),
            source,
            input: 0,
            node_name: seen.node.clone(),
            nominated: seen.nominated.clone(),
            unready: false,
            mirror: false,
            terminating: object.meta.is_deleted(),
            start_time: String::new(),
            arrival: 0,
            volumes: seen.volumes.as_slice().into(),
            device_claims: Arc::new([]),
            shape,
        }
    }

    /// Counts a pod on its node.
    pub(super) fn place(&mut self, object: &Object) {
        if let Some((_, placed)) = self.placed.get(&object.meta.uid) {
            if placed.terminating == object.meta.is_deleted() {
                return;
            }
            // Pods that leave are counted apart.
            self.remove(object.meta.uid);
        }
        self.place_seen(object, &Seen::of(object));
    }

    fn place_seen(&mut self, object: &Object, seen: &Seen) {
        let Some(node) = self.snapshot.find(&seen.node) else { return };
        let pod = Arc::new(self.pod(object, seen));
        self.snapshot.place(node, &pod);
        self.placed.insert(object.meta.uid, (node, pod));
    }

    /// A node is marked otherwise than before, and has the labels and the status it had; false when it is not known.
    fn change_node(&mut self, object: &Object) -> bool {
        let Some(node) = self.snapshot.find(&object.meta.name) else { return false };
        self.snapshot.set_node(node, Node::new(&object.to_json()));
        self.memory = Memory::default();
        self.start = 0;
        self.stuck.clear();
        self.told.clear();
        true
    }

    /// A pod has left its node.
    pub(super) fn remove(&mut self, uid: Uid) {
        if let Some((node, pod)) = self.placed.remove(&uid) {
            self.snapshot.remove(node, &pod);
        }
    }
}

/// Whether a pod needs its node's resources no longer.
pub(super) fn is_over(pod: &Object) -> bool {
    store::is_finished(pod)
}

/// Says whether a pod has a node, or why it has none; the time of the last change stays.
fn set_scheduled(status: &mut Value, why_not: Option<&str>, now: Nanos) {
    let kind = "PodScheduled";
    let mut new =
        json!({"type": kind, "status": if why_not.is_none() { "True" } else { "False" }, "lastProbeTime": null, "lastTransitionTime": now});
    if let Some(message) = why_not {
        new["reason"] = "Unschedulable".into();
        new["message"] = message.into();
    }
    if let Some(old) = conditions::get(status, kind).filter(|c| c["status"] == new["status"]) {
        new["lastTransitionTime"] = old["lastTransitionTime"].clone();
    }
    conditions::remove(status, kind);
    conditions::set(status, new);
}

impl Cluster {
    /// Tries the pods that wait for a node; whether one got one.
    pub(super) fn schedule(&mut self) -> bool {
        // Pods of a template that have no node yet share their specification.
        let mut taken: FxHashMap<usize, bool> = FxHashMap::default();
        let takes = |spec: &Shared| {
            list(spec, &["schedulingGates"]).is_empty() && matches!(text(spec, &["schedulerName"]), "" | "default-scheduler")
        };
        let mut waits =
            |p: &&Arc<Object>| !p.meta.is_deleted() && !is_over(p) && *taken.entry(p.spec.address()).or_insert_with(|| takes(&p.spec));
        let again = std::mem::take(&mut self.look_again);
        let told = self.scheduler.as_ref().map(|scheduler| &scheduler.told);
        let hopes = |uid: &Uid| again && told.is_none_or(|told| !told.contains(uid));
        // Both are in order.
        let mut refused = self.unschedulable.keys().peekable();
        let mut is_refused = |uid: &Uid| {
            while refused.next_if(|other| *other < uid).is_some() {}
            refused.peek() == Some(&uid)
        };
        let unbound = self.unbound.iter().filter(|uid| !is_refused(uid) || hopes(uid));
        let waiting: Vec<Arc<Object>> = unbound.filter_map(|uid| self.plane.api.get(*uid)).filter(|p| waits(p)).cloned().collect();
        if waiting.is_empty() {
            return false;
        }
        let mut scheduler = self.scheduler.take().unwrap_or_else(|| Scheduler::new(self));
        let mut moved = false;
        let mut hopeless: FxHashMap<usize, Arc<str>> = FxHashMap::default();
        for object in waiting {
            let uid = object.meta.uid;
            if let Some(shape) = scheduler.known_shape(&object) {
                let stuck = scheduler.stuck.get(&shape).cloned();
                if stuck.is_some() {
                    scheduler.told.insert(uid);
                }
                if let Some(message) = stuck.or_else(|| hopeless.get(&shape).cloned()) {
                    self.refuse(&object, &message);
                    continue;
                }
            }
            let pod = Arc::new(scheduler.pod(&object, &Seen::of(&object)));
            let Some(profile) = scheduler.profiles.get(&pod.scheduler_name) else { continue };
            let outcome = schedule(&scheduler.snapshot, profile, &pod, &mut scheduler.start, None, &mut scheduler.memory, false);
            let nodes = &scheduler.snapshot.nodes;
            if !outcome.top.is_empty() {
                // The real scheduler picks one of equals at random.
                let node = first_by_name(&scheduler.snapshot, &outcome.top);
                let name = nodes[node].node.name.clone();
                self.bind(uid, &name);
                if let Some(bound) = self.plane.api.get(uid).cloned() {
                    scheduler.place(&bound);
                }
                moved = true;
                continue;
            }
            if let Some(Preemption::Victims { pods, .. }) = &outcome.preemption {
                for victim in pods {
                    if let Some(victim) = self.plane.api.find("Pod", &victim.namespace, &victim.name).cloned() {
                        let from = ("default-scheduler", "");
                        self.tell(&victim, "", false, "Preempted", format!("Preempted by pod {} on node", object.meta.name), from);
                        self.plane.api.delete(victim.meta.uid, Propagation::Background);
                        moved = true;
                    }
                }
            }
            let message: Arc<str> = outcome.message.as_deref().unwrap_or("no node fits").into();
            let shape = Arc::as_ptr(&pod.shape).addr();
            if is_of_nodes(&pod, &outcome) {
                scheduler.stuck.insert(shape, Arc::clone(&message));
                scheduler.told.insert(uid);
            }
            hopeless.insert(shape, Arc::clone(&message));
            self.refuse(&object, &message);
        }
        self.scheduler = Some(scheduler);
        moved
    }

    fn bind(&mut self, uid: Uid, node: &str) {
        self.unschedulable.remove(&uid);
        let now = self.now() / SECOND * SECOND;
        let Some(pod) = self.plane.api.get(uid).cloned() else { return };
        let (status, _) = self.after_step(&pod, Step::Bound, Vec::new(), |_, pod| {
            let mut status = Value::clone(&pod.status);
            set_scheduled(&mut status, None, now);
            (status, false)
        });
        let bound = self.plane.api.edit(uid, |o| {
            match o.spec.placed(node) {
                Some(placed) => o.spec = placed,
                None if o.spec.is_object() => o.spec_mut()["nodeName"] = node.into(),
                None => {}
            }
            o.status = status;
        });
        if let Some(pod) = bound {
            let message = format!("Successfully assigned {}/{} to {node}", pod.meta.namespace, pod.meta.name);
            self.tell(&pod, "", false, "Scheduled", message, ("default-scheduler", ""));
            self.select_node(&pod, node);
        }
    }

    fn refuse(&mut self, object: &Arc<Object>, message: &str) {
        let uid = object.meta.uid;
        if self.unschedulable.get(&uid).is_some_and(|known| known == message) {
            return;
        }
        let Some(object) = self.plane.api.get(uid).cloned() else { return };
        self.unschedulable.insert(uid, message.to_owned());
        let now = self.now() / SECOND * SECOND;
        let (status, _) = self.after_step(&object, Step::Refused(message.to_owned()), Vec::new(), |_, pod| {
            let mut status = Value::clone(&pod.status);
            set_scheduled(&mut status, Some(message), now);
            (status, false)
        });
        self.plane.api.edit(uid, |o| o.status = status);
        self.tell(&object, "", true, "FailedScheduling", message.to_owned(), ("default-scheduler", ""));
    }

    /// What the scheduler has to know of a change of what selects pods.
    pub(super) fn scheduler_hears(&mut self, change: &Change) {
        let object = &change.object;
        let selector = &["selector"];
        let same = |old: &Arc<Object>| Shared::ptr_eq(&old.spec, &object.spec) || at(&old.spec, selector) == at(&object.spec, selector);
        if change.operation == Operation::Modified && change.old.as_ref().is_some_and(same) {
            return;
        }
        // Pods are spread by the Services that select them.
        let service = object.kind == "Service";
        self.look_again |= service;
        let Some(scheduler) = &mut self.scheduler else { return };
        let told = Object { status: Shared::default(), ..Object::clone(object) }.to_json();
        scheduler.snapshot.listers.remove(&told);
        if change.operation != Operation::Deleted {
            scheduler.snapshot.listers.add(&told);
        }
        if service {
            scheduler.memory = Memory::default();
        }
    }

    /// What the scheduler has to know of a change of what gives pods room, or takes it.
    pub(super) fn scheduler_hears_of_room(&mut self, change: &Change) {
        let object = &change.object;
        let old = change.old.as_ref().filter(|_| change.operation == Operation::Modified);
        // Where pods are counted, and which images are where, follows from these.
        let stays = old.is_some_and(|old| old.meta.labels == object.meta.labels && old.status == object.status);
        if stays && old.is_some_and(|old| old.spec == object.spec) {
            return;
        }
        self.look_again = true;
        match self.scheduler.take() {
            Some(mut scheduler) if stays && object.kind == "Node" => {
                self.scheduler = scheduler.change_node(object).then_some(scheduler);
            }
            _ => {}
        }
    }

    /// What the scheduler has to know of a change of a pod.
    pub(super) fn scheduler_sees(&mut self, pod: &Object, gone: bool) {
        let bound = !node_name(pod).is_empty();
        if gone || bound || is_over(pod) {
            self.unbound.remove(&pod.meta.uid);
        } else {
            self.unbound.insert(pod.meta.uid);
        }
        if gone || is_over(pod) {
            self.unschedulable.remove(&pod.meta.uid);
            if let Some(scheduler) = &mut self.scheduler {
                scheduler.remove(pod.meta.uid);
            }
            self.look_again = true;
        } else if bound {
            if let Some(scheduler) = &mut self.scheduler {
                scheduler.place(pod);
            }
        }
    }
}
