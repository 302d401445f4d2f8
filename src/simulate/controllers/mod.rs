//! The controllers of kube-controller-manager as functions on an in-memory API server, under upstream's names.
//!
//! [`ControlPlane`] holds the server and the work queue: what changes is told to the controllers concerned, which look at
//! the present state and move it. Nothing takes time but what is queued for later. upstream: pkg/controller

pub mod conditions;
pub mod cronjob;
pub mod cronjob_schedule;
pub mod daemonset;
pub mod deployment;
mod deployment_status;
pub mod endpointslice;
pub mod disruption;
pub mod garbage;
pub mod hash;
pub mod hpa;
pub mod job;
pub mod pods;
pub mod replicaset;
pub mod revisions;
mod seen;
mod selection;
pub mod statefulset;
pub mod volumes;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::simulate::apiserver::ApiServer;
use crate::simulate::apiserver::Change;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Operation;
use crate::simulate::apiserver::Shared;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::facts::address;
pub use crate::simulate::apiserver::facts::phase;
use crate::simulate::apiserver::object::Labels;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::selector::Selector;

pub use selection::selector_of;

/// A controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// Deployments.
    Deployment,
    /// ReplicaSets and ReplicationControllers.
    ReplicaSet,
    /// StatefulSets.
    StatefulSet,
    /// DaemonSets.
    DaemonSet,
    /// Jobs.
    Job,
    /// CronJobs.
    CronJob,
    /// EndpointSlices, by Service.
    EndpointSlice,
    /// The garbage collector.
    Garbage,
    /// PodDisruptionBudgets.
    Disruption,
    /// PersistentVolumes and their claims.
    Volume,
}

impl Controller {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Deployment,
        Self::ReplicaSet,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Job,
        Self::CronJob,
        Self::EndpointSlice,
        Self::Garbage,
        Self::Disruption,
        Self::Volume,
    ];
}

/// Features that are off by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gates {
    /// `MaxUnavailableStatefulSet`
    pub max_unavailable_stateful_set: bool,
}

type Item = (Controller, Uid);

/// How many reconciliations one instant may have, and how many more with each object there is.
const MAX_STEPS: (usize, usize) = (20_000, 200);
/// Reconciliations closer than this belong to one instant: a wish to be called again at once must not become a loop.
const INSTANT: Nanos = 1_000_000;

/// The selectors of services: the version at which they were read, those that ask for a label by its namespace, key and value,
/// and the others by namespace.
#[derive(Clone, Debug, Default)]
struct Selectors {
    read: u64,
    by_label: FxHashMap<String, FxHashMap<String, FxHashMap<String, Vec<(Uid, Selector)>>>>,
    others: BTreeMap<String, Vec<(Uid, Selector)>>,
    /// The answer for the last labels in a namespace.
    last: Option<(String, Labels, Vec<Uid>)>,
}

/// The control plane.
#[derive(Clone, Debug, Default)]
pub struct ControlPlane {
    /// The server.
    pub api: ApiServer,
    /// Features.
    pub gates: Gates,
    /// What to report when a controller called itself without end; the clock goes on without it.
    pub defect: Option<String>,
    steps: (Nanos, usize),
    queue: VecDeque<Item>,
    queued: BTreeSet<Item>,
    delayed: BTreeMap<(Nanos, u64), Item>,
    delayed_at: BTreeMap<Item, (Nanos, u64)>,
    sequence: u64,
    cursor: usize,
    daemon_back_off: BTreeMap<(Uid, String), (Nanos, Nanos)>,
    selectors: Selectors,
    templates: deployment::Templates,
    selections: selection::Selections,
    moulds: pods::Moulds,
    wishes: deployment::AllWishes,
    /// Whether all pods were read at once.
    read: bool,
    looks: seen::Looks,
    /// How often in a row a reconciliation failed.
    failures: BTreeMap<Item, u32>,
}

impl ControlPlane {
    /// A control plane on a server.
    pub fn new(api: ApiServer) -> Self {
        Self { api, ..Self::default() }
    }

    /// A control plane that goes on with what it had put off.
    pub fn resume(api: ApiServer, later: impl IntoIterator<Item = (Nanos, Controller, Uid)>) -> Self {
        let mut out = Self::new(api);
        for (at, controller, uid) in later {
            let wait = at - out.api.now;
            out.enqueue_after(controller, uid, wait);
        }
        out
    }

    /// What is put off, and until when, in order.
    pub fn later(&self) -> impl Iterator<Item = (Nanos, Controller, Uid)> + '_ {
        self.delayed.iter().map(|((at, _), (controller, uid))| (*at, *controller, *uid))
    }

    /// Asks for a reconciliation now.
    pub fn enqueue(&mut self, controller: Controller, uid: Uid) {
        if self.queued.insert((controller, uid)) {
            self.queue.push_back((controller, uid));
        }
    }

    /// Asks for a reconciliation later; the earliest of several wishes counts.
    pub fn enqueue_after(&mut self, controller: Controller, uid: Uid, wait: Nanos) {
        let item = (controller, uid);
        let at = self.api.now + wait.max(0);
        if let Some(known) = self.delayed_at.get(&item) {
            if known.0 <= at {
                return;
            }
            self.delayed.remove(known);
        }
        self.sequence += 1;
        self.delayed.insert((at, self.sequence), item);
        self.delayed_at.insert(item, (at, self.sequence));
    }

    /// Asks for a reconciliation after one that failed: 5 ms later, and twice as long each time up to 1000 s.
    /// upstream: workqueue.DefaultTypedControllerRateLimiter
    fn enqueue_failed(&mut self, controller: Controller, uid: Uid) {
        let failures = self.failures.entry((controller, uid)).or_default();
        let wait = (5_000_000i64 << (*failures).min(30)).min(1000 * crate::simulate::apiserver::SECOND);
        *failures += 1;
        self.enqueue_after(controller, uid, wait);
    }

    /// A reconciliation went well.
    fn forget_failures(&mut self, controller: Controller, uid: Uid) {
        self.failures.remove(&(controller, uid));
    }

    /// Reconciles until nothing moves at this instant. A loop without end is cut short and told in `defect`.
    pub fn settle(&mut self) {
        self.watch();
        self.look_ahead();
        loop {
            self.watch();
            let Some(item) = self.queue.pop_front() else { return };
            self.queued.remove(&item);
            if self.is_endless(item) {
                self.queue.clear();
                self.queued.clear();
                return;
            }
            self.sync(item);
        }
    }

    /// When many services are to look at their pods, these are read before, on all threads: once, for what is written later
    /// is known.
    fn look_ahead(&mut self) {
        /// So many services are worth the help of other threads.
        const MANY: usize = 16;
        let services = || self.queued.iter().filter(|(controller, _)| *controller == Controller::EndpointSlice);
        if !self.read && services().count() > MANY {
            self.read = true;
            let pods: Vec<&Arc<Object>> = self.api.list("Pod").collect();
            pods.par_iter().for_each(|pod| {
                pod.status.facts();
            });
        }
    }

    /// Counts a reconciliation; whether this instant has had more than any number of objects explains.
    fn is_endless(&mut self, (controller, uid): Item) -> bool {
        if self.api.now - self.steps.0 >= INSTANT {
            self.steps = (self.api.now, 0);
        }
        self.steps.1 += 1;
        let endless = self.steps.1 > MAX_STEPS.0 + MAX_STEPS.1 * self.api.len();
        if endless {
            let name = self.api.get(uid).map_or_else(|| "a deleted object".to_owned(), |o| format!("{}/{}", o.kind, o.meta.name));
            self.defect.get_or_insert_with(|| {
                format!("the {controller:?} controller is never done with {name}; this is a defect of kval, please report it")
            });
        }
        endless
    }

    /// When something that was put off is due.
    pub fn next(&self) -> Option<Nanos> {
        self.delayed.keys().next().map(|k| k.0)
    }

    /// Lets time pass up to an instant.
    pub fn advance(&mut self, until: Nanos) {
        self.settle();
        while let Some(entry) = self.delayed.first_entry().filter(|e| e.key().0 <= until) {
            let ((at, _), (controller, uid)) = entry.remove_entry();
            self.delayed_at.remove(&(controller, uid));
            self.api.now = self.api.now.max(at);
            self.enqueue(controller, uid);
            self.settle();
        }
        self.api.now = self.api.now.max(until);
    }

    /// Whether a failed daemon pod of a node has to wait before it is replaced; otherwise the next has to wait longer.
    /// upstream: failedPodsBackoff (1 s, doubled up to 15 min)
    fn daemon_back_off(&mut self, set: Uid, node: &str) -> bool {
        let now = self.api.now;
        let longest = 900 * crate::simulate::apiserver::SECOND;
        let key = (set, node.to_owned());
        if let Some((wait, since)) = self.daemon_back_off.get(&key).copied().filter(|(_, since)| now - since <= 2 * longest) {
            if now - since < wait {
                self.enqueue_after(Controller::DaemonSet, set, wait);
                return true;
            }
            self.daemon_back_off.insert(key, ((2 * wait).min(longest), now));
            return false;
        }
        self.daemon_back_off.insert(key, (crate::simulate::apiserver::SECOND, now));
        false
    }

    fn sync(&mut self, (controller, uid): Item) {
        match controller {
            Controller::Deployment => deployment::sync_deployment(self, uid),
            Controller::ReplicaSet => replicaset::sync_replica_set(self, uid),
            Controller::StatefulSet => statefulset::sync_stateful_set(self, uid),
            Controller::DaemonSet => daemonset::sync_daemon_set(self, uid),
            Controller::Job => job::sync_job(self, uid),
            Controller::CronJob => cronjob::sync_cron_job(self, uid),
            Controller::EndpointSlice => endpointslice::sync_service(self, uid),
            Controller::Garbage => garbage::collect(self, uid),
            Controller::Disruption => disruption::sync_budget(self, uid),
            Controller::Volume => volumes::sync(self, uid),
        }
    }

    /// Tells the controllers what has changed since they last looked.
    fn watch(&mut self) {
        while let Some(change) = self.api.log.get(self.cursor).cloned() {
            self.cursor += 1;
            self.notify(&change);
            disruption::notify(self, &change);
            volumes::notify(self, &change);
        }
    }

    /// Forgets the log when all of it was read, here and by a reader who is at `cursor`; whether it did.
    pub fn forget(&mut self, cursor: usize) -> bool {
        let read = self.cursor == self.api.log.len() && cursor == self.cursor;
        if read {
            self.api.log.clear();
            self.cursor = 0;
        }
        read
    }

    fn notify(&mut self, change: &Change) {
        let object = &change.object;
        match object.kind.as_str() {
            "Deployment" => self.enqueue(Controller::Deployment, object.meta.uid),
            "ReplicaSet" | "ReplicationController" => {
                self.enqueue(Controller::ReplicaSet, object.meta.uid);
                self.owner_or_selectors(object, &[("Deployment", Controller::Deployment)]);
            }
            "StatefulSet" => self.enqueue(Controller::StatefulSet, object.meta.uid),
            "DaemonSet" => self.enqueue(Controller::DaemonSet, object.meta.uid),
            "Node" => daemonset::notify_node(self, change),
            "Job" => {
                self.enqueue(Controller::Job, object.meta.uid);
                if let Some(owner) = object.meta.controller().map(|o| o.uid) {
                    self.enqueue(Controller::CronJob, owner);
                }
            }
            "CronJob" => self.enqueue(Controller::CronJob, object.meta.uid),
            "Service" => self.enqueue(Controller::EndpointSlice, object.meta.uid),
            "Pod" => self.notify_pod(change),
            _ => {}
        }
        if change.operation == Operation::Deleted {
            self.looks.forget(object.meta.uid);
        }
        let watched = change.operation == Operation::Deleted || object.meta.is_deleted();
        if watched && (!object.meta.finalizers.is_empty() || self.api.dependents(object.meta.uid).next().is_some()) {
            self.enqueue(Controller::Garbage, object.meta.uid);
        }
        // The end of a dependent may be what a foreground deletion waits for.
        if change.operation == Operation::Deleted {
            for owner in object.meta.owners.iter().filter(|o| o.block_deletion) {
                self.enqueue(Controller::Garbage, owner.uid);
            }
        }
    }

    fn notify_pod(&mut self, change: &Change) {
        let pod = &change.object;
        let kinds = [
            ("ReplicaSet", Controller::ReplicaSet),
            ("ReplicationController", Controller::ReplicaSet),
            ("StatefulSet", Controller::StatefulSet),
            ("DaemonSet", Controller::DaemonSet),
            ("Job", Controller::Job),
        ];
        let quiet = change.old.as_ref().is_some_and(|old| is_about_only(old, pod));
        // A pod without an address stands behind no service.
        let unseen = |pod: &Object| address(pod).is_empty();
        let same = change.old.as_ref().is_some_and(|old| quiet || endpointslice::is_same_endpoint(old, pod))
            || (unseen(pod) && change.old.as_ref().is_none_or(|old| unseen(old)));
        let relabelled = change.old.as_ref().is_some_and(|old| old.meta.labels != pod.meta.labels);
        let mut services = if same && !relabelled { Vec::new() } else { self.services_of(pod) };
        if let Some(old) = change.old.as_ref().filter(|_| relabelled) {
            // upstream: determineNeededServiceUpdates
            let before = self.services_of(old);
            let gone: Vec<Uid> = before.iter().filter(|s| !services.contains(s)).copied().collect();
            services.retain(|s| !(same && before.contains(s)));
            services.extend(gone);
        }
        for service in services {
            self.enqueue(Controller::EndpointSlice, service);
        }
        if quiet && self.same_owner_selects(change) {
            return;
        }
        self.owner_or_selectors(pod, &kinds);
        if change.operation == Operation::Deleted
            && let Some(owner) = pod.meta.controller().filter(|o| o.kind == "ReplicaSet")
            && let Some(deployment) = self.api.get(owner.uid).and_then(|rs| rs.meta.controller().map(|o| o.uid))
        {
            // A Deployment that recreates waits for the last old pod.
            self.enqueue(Controller::Deployment, deployment);
        }
    }

    /// Whether the owner of a pod selects it as it did before.
    fn same_owner_selects(&self, change: &Change) -> bool {
        let pod = &change.object;
        let Some(owner) = pod.meta.controller().and_then(|o| self.api.get(o.uid)) else { return false };
        let selector = selector_of(owner);
        change.old.as_ref().is_some_and(|old| selector.matches(&old.meta.labels)) && selector.matches(&pod.meta.labels)
    }

    /// The services that select a pod, in order of creation.
    fn services_of(&mut self, pod: &Object) -> Vec<Uid> {
        let changed = self.api.services_changed();
        if self.selectors.read != changed {
            let mut known = Selectors { read: changed, ..Selectors::default() };
            for service in self.api.list("Service").filter(|s| !at(&s.spec, &["selector"]).is_null()) {
                let (namespace, selector) = (service.meta.namespace.clone(), self.selections.of(service).pods.clone());
                let all = match selector.one_label() {
                    Some((key, value)) => {
                        let keys = known.by_label.entry(namespace).or_default();
                        keys.entry(key.to_owned()).or_default().entry(value.to_owned()).or_default()
                    }
                    None => known.others.entry(namespace).or_default(),
                };
                all.push((service.meta.uid, selector));
            }
            self.selectors = known;
        }
        let Selectors { by_label, others, last, .. } = &mut self.selectors;
        let (namespace, labels) = (&pod.meta.namespace, &pod.meta.labels);
        // Pods of a template come one after the other.
        if let Some((_, _, answer)) = last.as_ref().filter(|(home, of, _)| home == namespace && of == labels) {
            return answer.clone();
        }
        let here = by_label.get(namespace);
        let labelled = labels.iter().filter_map(|(k, v)| here?.get(k)?.get(v));
        let all = labelled.chain(others.get(namespace)).flatten();
        let mut out: Vec<Uid> = all.filter(|(_, selector)| selector.matches(labels)).map(|(uid, _)| *uid).collect();
        out.sort_unstable();
        *last = Some((namespace.clone(), labels.clone(), out.clone()));
        out
    }

    /// Tells the controller of an object, or of an orphan those that could adopt it.
    fn owner_or_selectors(&mut self, object: &Arc<Object>, kinds: &[(&str, Controller)]) {
        if let Some(owner) = object.meta.controller() {
            if let Some((_, controller)) = kinds.iter().find(|k| k.0 == owner.kind) {
                self.enqueue(*controller, owner.uid);
            }
            return;
        }
        for (kind, controller) in kinds {
            let namespace = object.meta.namespace.clone();
            let uids: Vec<Uid> =
                self.api.list_in(kind, &namespace).filter(|o| selector_of(o).matches(&object.meta.labels)).map(|o| o.meta.uid).collect();
            for uid in uids {
                self.enqueue(*controller, uid);
            }
        }
    }
}

/// Whether nothing of an object but labels and annotations has changed.
fn is_about_only(old: &Object, new: &Object) -> bool {
    let (a, b) = (&old.meta, &new.meta);
    Shared::ptr_eq(&old.spec, &new.spec)
        && Shared::ptr_eq(&old.status, &new.status)
        && a.deletion == b.deletion
        && a.owners == b.owners
        && a.finalizers == b.finalizers
}

/// The template of a workload's pods.
pub fn template_of(workload: &Object) -> &serde_json::Value {
    at(&workload.spec, &["template"])
}

/// A field that is a number or a percentage of `total`. upstream: intstr.GetScaledValueFromIntOrPercent
pub fn scaled(value: &serde_json::Value, total: i64, round_up: bool) -> i64 {
    let Some(percent) = value.as_str().and_then(|s| s.strip_suffix('%')?.parse::<i64>().ok()) else {
        return value.as_i64().unwrap_or(0);
    };
    let product = percent * total;
    if round_up { (product + 99).div_euclid(100) } else { product.div_euclid(100) }
}
