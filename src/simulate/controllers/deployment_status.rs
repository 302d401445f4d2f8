//! The status of a Deployment: counters, availability and progress. upstream: pkg/controller/deployment/progress.go, sync.go

use std::sync::Arc;

use serde_json::Value;

use super::ControlPlane;
use super::Controller;
use super::conditions;
use super::deployment::Sets;
use super::deployment::Wishes;
use super::deployment::count;
use super::deployment::has_progress_deadline;
use super::deployment::total;
use crate::simulate::apiserver::Count;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Shared;
use crate::simulate::apiserver::Tally;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::object::time;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::text;

/// Stores a status when it differs.
pub(super) fn set_status(plane: &mut ControlPlane, uid: Uid, status: Tally) -> bool {
    let Some(object) = plane.api.get(uid) else { return false };
    if *object.status.tally() == status {
        return false;
    }
    plane.api.edit(uid, |o| o.status = Shared::of_tally(status));
    true
}

/// What the status of a Deployment counts, and whether enough is available.
struct Counts {
    /// The numbers, without conditions.
    tally: Tally,
    available: bool,
}

impl Counts {
    fn of(sets: &Sets, deployment: &Object, wishes: &Wishes) -> Self {
        let mut tally = Tally::default().whole();
        let available = count(sets.all(), Count::Available);
        for (name, n) in [
            (Count::ObservedGeneration, deployment.meta.generation),
            (Count::Replicas, count(sets.all(), Count::Replicas)),
            (Count::Updated, count(&sets.new, Count::Replicas)),
            (Count::Ready, count(sets.all(), Count::Ready)),
            (Count::Available, available),
            (Count::Unavailable, (total(sets.all()) - available).max(0)),
            (Count::Terminating, count(sets.all(), Count::Terminating)),
        ] {
            tally.set(name, n);
        }
        if let Some(collisions) = deployment.status.tally().given(Count::Collisions) {
            tally.set(Count::Collisions, collisions);
        }
        Self { tally, available: available >= wishes.replicas - wishes.max_unavailable }
    }

    /// Status, reason and sentence of the condition.
    fn availability(&self) -> (&'static str, &'static str, &'static str) {
        if self.available {
            ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        }
    }

    /// Whether a status tells all of it as it is, and nothing else but conditions.
    fn are_told(&self, status: &Tally) -> bool {
        let (word, reason, _) = self.availability();
        self.tally.counts_as(status) && conditions::hold(status.conditions(), "Available", word, reason)
    }
}

/// upstream: calculateStatus
pub(super) fn calculate_status(plane: &ControlPlane, sets: &Sets, deployment: &Object) -> Tally {
    status_of(Counts::of(sets, deployment, &Wishes::of(deployment)), deployment, plane.api.now)
}

fn status_of(counts: Counts, deployment: &Object, now: Nanos) -> Tally {
    let (word, reason, message) = counts.availability();
    let mut all = deployment.status.tally().conditions().to_vec();
    if !conditions::hold(&all, "Available", word, reason) {
        conditions::put(&mut all, conditions::new(now, "Available", word, reason, message));
    }
    let mut status = counts.tally;
    status.conditions = Some(all);
    status
}

/// upstream: DeploymentComplete
pub(super) fn is_complete(deployment: &Object, status: &Tally) -> bool {
    let replicas = deployment.replicas();
    let all = [Count::Updated, Count::Replicas, Count::Available].iter().all(|c| status.get(*c) == replicas);
    all && status.get(Count::ObservedGeneration) >= deployment.meta.generation
}

/// upstream: DeploymentProgressing
fn is_progressing(old: &Tally, new: &Tally) -> bool {
    let outdated = |s: &Tally| s.get(Count::Replicas) - s.get(Count::Updated);
    let grew = |count| new.get(count) > old.get(count);
    grew(Count::Updated) || outdated(new) < outdated(old) || grew(Count::Ready) || grew(Count::Available)
}

/// upstream: DeploymentTimedOut
fn is_timed_out(deployment: &Object, status: &Tally, now: i64) -> bool {
    let Some(condition) = conditions::find(status.conditions(), "Progressing") else { return false };
    match text(condition, &["reason"]) {
        "NewReplicaSetAvailable" => false,
        "ProgressDeadlineExceeded" => true,
        _ => {
            let deadline = int(&deployment.spec, &["progressDeadlineSeconds"]).unwrap_or(600) * SECOND;
            time(&condition["lastUpdateTime"]).unwrap_or(0) + deadline < now
        }
    }
}

/// upstream: syncRolloutStatus
pub(super) fn sync_rollout_status(plane: &mut ControlPlane, uid: Uid, sets: &Sets) {
    let Some(deployment) = plane.api.get(uid).cloned() else { return };
    let now = plane.api.now;
    let wishes = plane.wishes.of(&deployment);
    let counts = Counts::of(sets, &deployment, &wishes);
    let deadline = wishes.progress_deadline;
    let before = deployment.status.tally();
    let current = conditions::find(before.conditions(), "Progressing");
    let alike = counts.tally.given(Count::Replicas) == counts.tally.given(Count::Updated);
    let done = alike && current.is_some_and(|c| text(c, &["reason"]) == "NewReplicaSetAvailable");
    let failure = replica_failure(sets);
    // Most looks find nothing new.
    let failed = failure.is_some() || conditions::find(before.conditions(), "ReplicaFailure").is_some();
    if deadline && done && !failed && counts.are_told(before) {
        debug_assert_eq!(*before, status_of(counts, &deployment, now), "{}", deployment.meta.name);
        requeue_stuck(plane, &deployment);
        return;
    }
    let mut status = status_of(counts, &deployment, now);
    if !deadline {
        conditions::take(status.conditions_mut(), "Progressing");
    }
    if deadline && !done {
        let subject = match &sets.new {
            Some(set) => format!("ReplicaSet \"{}\"", set.meta.name),
            None => format!("Deployment \"{}\"", deployment.meta.name),
        };
        if is_complete(&deployment, &status) {
            let message = format!("{subject} has successfully progressed.");
            let condition = conditions::new(now, "Progressing", "True", "NewReplicaSetAvailable", &message);
            conditions::put(status.conditions_mut(), condition);
        } else if is_progressing(before, &status) {
            let mut condition = conditions::new(now, "Progressing", "True", "ReplicaSetUpdated", &format!("{subject} is progressing."));
            if let Some(current) = current {
                if text(current, &["status"]) == "True" {
                    condition["lastTransitionTime"] = current["lastTransitionTime"].clone();
                }
                conditions::take(status.conditions_mut(), "Progressing");
            }
            conditions::put(status.conditions_mut(), condition);
        } else if is_timed_out(&deployment, &status, now) {
            let message = format!("{subject} has timed out progressing.");
            let condition = conditions::new(now, "Progressing", "False", "ProgressDeadlineExceeded", &message);
            conditions::put(status.conditions_mut(), condition);
        }
    }
    match failure {
        Some(condition) => conditions::put(status.conditions_mut(), condition),
        None => conditions::take(status.conditions_mut(), "ReplicaFailure"),
    }
    if !set_status(plane, uid, status) {
        requeue_stuck(plane, &deployment);
    }
}

/// upstream: getReplicaFailures
fn replica_failure(sets: &Sets) -> Option<Value> {
    let mut all = sets.new.iter().chain(&sets.old);
    all.find_map(|s| conditions::find(s.status.tally().conditions(), "ReplicaFailure").cloned())
}

/// Looks again when the deadline of the progress has passed. upstream: requeueStuckDeployment
pub(super) fn requeue_stuck(plane: &mut ControlPlane, deployment: &Arc<Object>) {
    let status = deployment.status.tally();
    let Some(condition) = conditions::find(status.conditions(), "Progressing").filter(|_| has_progress_deadline(deployment)) else {
        return;
    };
    if is_complete(deployment, status) || text(condition, &["reason"]) == "ProgressDeadlineExceeded" {
        return;
    }
    let deadline = int(&deployment.spec, &["progressDeadlineSeconds"]).unwrap_or(600) * SECOND;
    let left = time(&condition["lastUpdateTime"]).unwrap_or(0) + deadline - plane.api.now;
    plane.enqueue_after(Controller::Deployment, deployment.meta.uid, left.max(0) + SECOND);
}
