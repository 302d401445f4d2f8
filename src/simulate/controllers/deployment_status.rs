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
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::object::time;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// Stores a status when it differs.
pub(super) fn set_status(plane: &mut ControlPlane, uid: Uid, status: Value) -> bool {
    let Some(object) = plane.api.get(uid) else { return false };
    if object.status == status {
        return false;
    }
    plane.api.edit(uid, |o| o.status = status.into());
    true
}

/// What the status of a Deployment counts, and whether enough is available.
struct Counts {
    fields: [(&'static str, i64); 7],
    available: bool,
    collisions: Option<i64>,
}

impl Counts {
    fn of(sets: &Sets, deployment: &Object, wishes: &Wishes) -> Self {
        let available = count(sets.all(), "availableReplicas");
        let fields = [
            ("observedGeneration", deployment.meta.generation),
            ("replicas", count(sets.all(), "replicas")),
            ("updatedReplicas", count(&sets.new, "replicas")),
            ("readyReplicas", count(sets.all(), "readyReplicas")),
            ("availableReplicas", available),
            ("unavailableReplicas", (total(sets.all()) - available).max(0)),
            ("terminatingReplicas", count(sets.all(), "terminatingReplicas")),
        ];
        let available = available >= wishes.replicas - wishes.max_unavailable;
        Self { fields, available, collisions: int(&deployment.status, &["collisionCount"]) }
    }

    /// Status, reason and sentence of the condition.
    fn availability(&self) -> (&'static str, &'static str, &'static str) {
        if self.available {
            ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        }
    }

    /// Whether a status has these fields, and nothing else but conditions.
    fn are_fields(&self, status: &Value) -> bool {
        let fields = self.fields.len() + 1 + usize::from(self.collisions.is_some());
        status.as_object().is_some_and(|map| map.len() == fields) && self.fields.iter().all(|(field, _)| status.get(field).is_some())
    }

    /// Whether a status tells all of it as it is, and nothing else but conditions.
    fn are_told(&self, status: &Value) -> bool {
        let (word, reason, _) = self.availability();
        self.are_fields(status)
            && self.fields.iter().all(|(field, n)| status.get(field).is_some_and(|told| told == n))
            && conditions::holds(status, "Available", word, reason)
    }
}

/// upstream: calculateStatus
pub(super) fn calculate_status(plane: &ControlPlane, sets: &Sets, deployment: &Object) -> Value {
    status_of(&Counts::of(sets, deployment, &Wishes::of(deployment)), deployment, plane.api.now)
}

fn status_of(counts: &Counts, deployment: &Object, now: Nanos) -> Value {
    let mut status;
    if counts.are_fields(&deployment.status) && deployment.status["conditions"].is_array() {
        status = Value::clone(&deployment.status);
        for (field, n) in counts.fields {
            status[field] = n.into();
        }
    } else {
        status = counts.fields.iter().map(|(field, n)| ((*field).to_owned(), Value::from(*n))).collect();
        status["conditions"] = list(&deployment.status, &["conditions"]).to_vec().into();
        if let Some(collisions) = counts.collisions {
            status["collisionCount"] = collisions.into();
        }
    }
    let (word, reason, message) = counts.availability();
    if !conditions::holds(&status, "Available", word, reason) {
        conditions::set(&mut status, conditions::new(now, "Available", word, reason, message));
    }
    status
}

fn counter(status: &Value, field: &str) -> i64 {
    int(status, &[field]).unwrap_or(0)
}

/// upstream: DeploymentComplete
pub(super) fn is_complete(deployment: &Object, status: &Value) -> bool {
    let all = ["updatedReplicas", "replicas", "availableReplicas"].iter().all(|f| counter(status, f) == deployment.replicas());
    all && counter(status, "observedGeneration") >= deployment.meta.generation
}

/// upstream: DeploymentProgressing
fn is_progressing(old: &Value, new: &Value) -> bool {
    let outdated = |s: &Value| counter(s, "replicas") - counter(s, "updatedReplicas");
    counter(new, "updatedReplicas") > counter(old, "updatedReplicas")
        || outdated(new) < outdated(old)
        || counter(new, "readyReplicas") > counter(old, "readyReplicas")
        || counter(new, "availableReplicas") > counter(old, "availableReplicas")
}

/// upstream: DeploymentTimedOut
fn is_timed_out(deployment: &Object, status: &Value, now: i64) -> bool {
    let Some(condition) = conditions::get(status, "Progressing") else { return false };
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
    let current = conditions::get(&deployment.status, "Progressing");
    let [_, (_, replicas), (_, updated), ..] = counts.fields;
    let done = replicas == updated && current.is_some_and(|c| text(c, &["reason"]) == "NewReplicaSetAvailable");
    let failure = replica_failure(sets);
    // Most looks find nothing new.
    let failed = failure.is_some() || conditions::get(&deployment.status, "ReplicaFailure").is_some();
    if deadline && done && !failed && counts.are_told(&deployment.status) {
        debug_assert_eq!(*deployment.status, status_of(&counts, &deployment, now), "{}", deployment.meta.name);
        requeue_stuck(plane, &deployment);
        return;
    }
    let mut status = status_of(&counts, &deployment, now);
    if !deadline {
        conditions::remove(&mut status, "Progressing");
    }
    if deadline && !done {
        let subject = match &sets.new {
            Some(set) => format!("ReplicaSet \"{}\"", set.meta.name),
            None => format!("Deployment \"{}\"", deployment.meta.name),
        };
        if is_complete(&deployment, &status) {
            let message = format!("{subject} has successfully progressed.");
            conditions::set(&mut status, conditions::new(now, "Progressing", "True", "NewReplicaSetAvailable", &message));
        } else if is_progressing(&deployment.status, &status) {
            let mut condition = conditions::new(now, "Progressing", "True", "ReplicaSetUpdated", &format!("{subject} is progressing."));
            if let Some(current) = current {
                if text(current, &["status"]) == "True" {
                    condition["lastTransitionTime"] = current["lastTransitionTime"].clone();
                }
                conditions::remove(&mut status, "Progressing");
            }
            conditions::set(&mut status, condition);
        } else if is_timed_out(&deployment, &status, now) {
            let message = format!("{subject} has timed out progressing.");
            conditions::set(&mut status, conditions::new(now, "Progressing", "False", "ProgressDeadlineExceeded", &message));
        }
    }
    match failure {
        Some(condition) => conditions::set(&mut status, condition),
        None => conditions::remove(&mut status, "ReplicaFailure"),
    }
    if !set_status(plane, uid, status) {
        requeue_stuck(plane, &deployment);
    }
}

/// upstream: getReplicaFailures
fn replica_failure(sets: &Sets) -> Option<Value> {
    let mut all = sets.new.iter().chain(&sets.old);
    all.find_map(|s| conditions::get(&s.status, "ReplicaFailure").cloned())
}

/// Looks again when the deadline of the progress has passed. upstream: requeueStuckDeployment
pub(super) fn requeue_stuck(plane: &mut ControlPlane, deployment: &Arc<Object>) {
    let Some(condition) = conditions::get(&deployment.status, "Progressing").filter(|_| has_progress_deadline(deployment)) else { return };
    if is_complete(deployment, &deployment.status) || text(condition, &["reason"]) == "ProgressDeadlineExceeded" {
        return;
    }
    let deadline = int(&deployment.spec, &["progressDeadlineSeconds"]).unwrap_or(600) * SECOND;
    let left = time(&condition["lastUpdateTime"]).unwrap_or(0) + deadline - plane.api.now;
    plane.enqueue_after(Controller::Deployment, deployment.meta.uid, left.max(0) + SECOND);
}
