//! ReplicaSets and ReplicationControllers keep the number of their pods. upstream: pkg/controller/replicaset

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ControlPlane;
use super::Controller;
use super::conditions;
use super::pods;
use super::seen::Seen;
use super::selection::Selection;
use crate::simulate::apiserver::ApiServer;
use crate::simulate::apiserver::Count;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Shared;
use crate::simulate::apiserver::Tally;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::facts::node_name;
use crate::simulate::apiserver::facts::ready_since;
use crate::simulate::scheduler::json::int;

/// How many pods one reconciliation creates or deletes at most.
const BURST_REPLICAS: usize = 500;

/// upstream: syncReplicaSet
pub fn sync_replica_set(plane: &mut ControlPlane, uid: Uid) {
    let Some(set) = plane.api.get(uid).cloned() else { return };
    let seen = Seen::now(&plane.api, &set);
    let alone = plane.api.lone_in("Pod", &set.meta.namespace).next().is_none();
    if alone && plane.looks.knows(&seen) {
        if cfg!(debug_assertions) {
            let version = plane.api.counters().version;
            reconcile(plane, &set);
            assert_eq!(plane.api.counters().version, version, "{} had been looked at", set.meta.name);
        }
        return;
    }
    if reconcile(plane, &set)
        && let Some(set) = plane.api.get(uid)
    {
        plane.looks.keep(set, seen);
    }
}

/// Looks at a set; whether it got what it wanted.
fn reconcile(plane: &mut ControlPlane, set: &Arc<Object>) -> bool {
    let uid = set.meta.uid;
    let selection = plane.selections.of(set);
    let now = plane.api.now;
    let min_ready = int(&set.spec, &["minReadySeconds"]).unwrap_or(0);
    pods::adopt(&mut plane.api, set, selection.selects());
    let mut counts = Counts::default();
    let mut others = Vec::new();
    let mut selects = selection.selects();
    for pod in pods::owned(&plane.api, uid) {
        if selects(pod) {
            counts.add(pod, &selection, min_ready, now);
        } else {
            others.push(pod.meta.uid);
        }
    }
    drop(selects);
    pods::release(&mut plane.api, set, others);
    let waiting = min_ready > 0 && counts.ready != counts.available;
    let wait = if waiting { pods::wait_for_availability(active(&plane.api, uid), min_ready, now) } else { None };
    let failure = if set.meta.is_deleted() { None } else { manage_replicas(plane, counts.replicas, set) };
    if !counts.are_told(set, failure.as_deref()) {
        let status = calculate_status(set, &counts, failure.as_deref(), now);
        if *set.status.tally() != status {
            plane.api.edit(uid, |o| o.status = Shared::of_tally(status));
        }
    }
    if failure.is_some() {
        plane.enqueue_failed(Controller::ReplicaSet, uid);
        return false;
    }
    plane.forget_failures(Controller::ReplicaSet, uid);
    if waiting {
        plane.enqueue_after(Controller::ReplicaSet, uid, wait.unwrap_or(min_ready * SECOND));
    }
    true
}

/// The pods of a set that count.
fn active(api: &ApiServer, set: Uid) -> impl Iterator<Item = &Arc<Object>> {
    pods::owned(api, set).filter(|pod| pods::is_active(pod))
}

/// Creates or deletes pods; the answer is why that failed.
fn manage_replicas(plane: &mut ControlPlane, there: usize, set: &Object) -> Option<String> {
    let wanted = usize::try_from(set.replicas()).unwrap_or(0);
    if there < wanted {
        let pod = plane.moulds.of(set);
        let mut left = (wanted - there).min(BURST_REPLICAS);
        let mut batch = 1;
        let mut failure = None;
        // upstream: slowStartBatch, so that a refusal is not repeated five hundred times
        while left > 0 && failure.is_none() {
            for _ in 0..batch.min(left) {
                if let Err(error) = pods::create(&mut plane.api, set, pod.clone()) {
                    failure = Some(error.message);
                }
            }
            left -= batch.min(left);
            batch *= 2;
        }
        return failure;
    }
    if there > wanted {
        let count = (there - wanted).min(BURST_REPLICAS);
        let active: Vec<Arc<Object>> = active(&plane.api, set.meta.uid).cloned().collect();
        // The requests go out at once; the one asked for last usually arrives first.
        let mut victims = pods_to_delete(plane, set, &active, count);
        victims.rotate_right(1);
        for pod in victims {
            plane.api.event(set, false, "SuccessfulDelete", format!("Deleted pod: {}", pod.meta.name));
            plane.api.delete(pod.meta.uid, Propagation::Background);
        }
    }
    None
}

/// upstream: getPodsToDelete, getIndirectlyRelatedPods
fn pods_to_delete(plane: &ControlPlane, set: &Object, active: &[Arc<Object>], count: usize) -> Vec<Arc<Object>> {
    let mut sorted = active.to_vec();
    if count < sorted.len() {
        let siblings: Vec<Uid> = match set.meta.controller() {
            Some(owner) => plane.api.dependents(owner.uid).filter(|o| o.kind == set.kind).map(|o| o.meta.uid).collect(),
            None => Vec::new(),
        };
        let mut on_node: BTreeMap<&str, usize> = BTreeMap::new();
        for pod in siblings.iter().flatten_dependents(plane).filter(|p| pods::is_active(p)) {
            *on_node.entry(node_name(pod)).or_default() += 1;
        }
        let rank = |p: &Object| on_node.get(node_name(p)).copied().unwrap_or(0);
        sorted.sort_by(|a, b| pods::deletion_order(a, b, (rank(a), rank(b)), plane.api.now));
    }
    sorted.truncate(count);
    sorted
}

/// The pods below several owners.
trait FlattenDependents<'a> {
    fn flatten_dependents(self, plane: &'a ControlPlane) -> impl Iterator<Item = &'a Arc<Object>>;
}

impl<'a, I: Iterator<Item = &'a Uid> + 'a> FlattenDependents<'a> for I {
    fn flatten_dependents(self, plane: &'a ControlPlane) -> impl Iterator<Item = &'a Arc<Object>> {
        self.flat_map(|uid| plane.api.dependents(*uid)).filter(|o| o.kind == "Pod")
    }
}

/// What the status of a set counts.
#[derive(Debug, Default)]
struct Counts {
    replicas: usize,
    labelled: usize,
    ready: usize,
    available: usize,
    terminating: usize,
}

impl Counts {
    /// Counts a pod of the set. Finished ones do not count, those on their way out are counted apart.
    fn add(&mut self, pod: &Object, selection: &Selection, min_ready: i64, now: Nanos) {
        if matches!(super::phase(pod), "Succeeded" | "Failed") {
            return;
        }
        if pod.meta.is_deleted() {
            self.terminating += 1;
            return;
        }
        self.replicas += 1;
        // All of them are selected.
        self.labelled += usize::from(selection.labels.as_ref().is_none_or(|labels| labels.matches(&pod.meta.labels)));
        if let Some(since) = ready_since(pod) {
            self.ready += 1;
            self.available += usize::from(pods::is_long_enough(since, min_ready, now));
        }
    }

    /// The numbers of the status.
    fn numbers(&self, set: &Object) -> impl Iterator<Item = (Count, i64)> {
        let terminating = (set.kind == "ReplicaSet").then_some((Count::Terminating, self.terminating as i64));
        let all = [
            (Count::Replicas, self.replicas as i64),
            (Count::FullyLabeled, self.labelled as i64),
            (Count::Ready, self.ready as i64),
            (Count::Available, self.available as i64),
            (Count::ObservedGeneration, set.meta.generation),
        ];
        all.into_iter().chain(terminating)
    }

    /// Whether the status tells all of it as it is.
    fn are_told(&self, set: &Object, failure: Option<&str>) -> bool {
        let told = set.status.tally();
        failure.is_none()
            && told.is_whole()
            && conditions::find(told.conditions(), "ReplicaFailure").is_none()
            && self.numbers(set).all(|(count, n)| told.given(count) == Some(n))
    }
}

fn calculate_status(set: &Object, counts: &Counts, failure: Option<&str>, now: Nanos) -> Tally {
    let mut status = set.status.tally().clone().whole();
    match (failure, conditions::find(status.conditions(), "ReplicaFailure").is_some()) {
        (Some(why), false) => {
            let reason = if (counts.replicas as i64) < set.replicas() { "FailedCreate" } else { "FailedDelete" };
            conditions::put(status.conditions_mut(), conditions::new(now, "ReplicaFailure", "True", reason, why));
        }
        (None, true) => conditions::take(status.conditions_mut(), "ReplicaFailure"),
        _ => {}
    }
    counts.numbers(set).for_each(|(count, n)| status.set(count, n));
    status
}
