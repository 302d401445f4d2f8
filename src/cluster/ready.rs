//! Whether an object has become what its specification says, as the library kstatus judges it, which Helm and others wait
//! with. upstream: github.com/fluxcd/cli-utils/pkg/kstatus/status

use serde_json::Value;

use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// What an object's status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is on its way.
    InProgress,
    /// It will not get there.
    Failed,
    /// It is as wanted.
    Current,
    /// It is being deleted.
    Terminating,
    /// It is not there.
    NotFound,
}

impl Status {
    /// As kstatus spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Current => "Current",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
        }
    }
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, &["status", "conditions"]).iter().find(|c| text(c, &["type"]) == kind)
}

fn holds(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|c| text(c, &["status"]) == "True")
}

/// The status of an object and the sentence about it.
pub fn status(object: &Value) -> (Status, String) {
    let wait = |message: String| (Status::InProgress, message);
    let done = |message: &str| (Status::Current, message.to_owned());
    if !at(object, &["metadata", "deletionTimestamp"]).is_null() {
        return (Status::Terminating, "Resource scheduled for deletion".to_owned());
    }
    let generation = int(object, &["metadata", "generation"]);
    let observed = int(object, &["status", "observedGeneration"]);
    if let (Some(generation), Some(observed)) = (generation, observed) {
        if generation != observed && text(object, &["kind"]) != "Pod" {
            let kind = text(object, &["kind"]);
            return wait(format!("{kind} generation is {generation}, but latest observed generation is {observed}"));
        }
    }
    let count = |field: &str| int(object, &["status", field]).unwrap_or(0);
    match text(object, &["kind"]) {
        "Deployment" => deployment(object),
        "StatefulSet" => {
            if text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
                return done("StatefulSet is using the ondelete update strategy");
            }
            let wanted = int(object, &["spec", "replicas"]).unwrap_or(1);
            let (all, ready, current, updated) =
                (count("replicas"), count("readyReplicas"), count("currentReplicas"), count("updatedReplicas"));
            let partition = int(object, &["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or(-1);
            if wanted > all {
                return wait(format!("Replicas: {all}/{wanted}"));
            }
            if wanted > ready {
                return wait(format!("Ready: {ready}/{wanted}"));
            }
            if all > wanted {
                return wait(format!("Pending termination: {}", all - wanted));
            }
            if partition > 0 {
                if updated < wanted - partition {
                    return wait(format!("updated: {updated}/{}", wanted - partition));
                }
                return done(&format!("Partition rollout complete. updated: {updated}"));
            }
            if wanted > current {
                return wait(format!("current: {current}/{wanted}"));
            }
            if text(object, &["status", "currentRevision"]) != text(object, &["status", "updateRevision"]) {
                return wait("Waiting for updated revision to match current".to_owned());
            }
            done(&format!("All replicas scheduled as expected. Replicas: {all}"))
        }
        "ReplicaSet" => {
            let wanted = int(object, &["spec", "replicas"]).unwrap_or(1);
            let (all, ready, available, labelled) =
                (count("replicas"), count("readyReplicas"), count("availableReplicas"), count("fullyLabeledReplicas"));
            if wanted > labelled {
                return wait(format!("Labelled: {labelled}/{wanted}"));
            }
            if wanted > available {
                return wait(format!("Available: {available}/{wanted}"));
            }
            if wanted > ready {
                return wait(format!("Ready: {ready}/{wanted}"));
            }
            if all > wanted {
                return wait(format!("Pending termination: {}", all - wanted));
            }
            done(&format!("ReplicaSet is available. Replicas: {all}"))
        }
        "DaemonSet" => {
            if observed.is_none() {
                return wait("Missing .status.observedGeneration".to_owned());
            }
            let wanted = count("desiredNumberScheduled");
            let (current, updated, available, ready) =
                (count("currentNumberScheduled"), count("updatedNumberScheduled"), count("numberAvailable"), count("numberReady"));
            if wanted > current {
                return wait(format!("Current: {current}/{wanted}"));
            }
            if wanted > updated && text(object, &["spec", "updateStrategy", "type"]) != "OnDelete" {
                return wait(format!("Updated: {updated}/{wanted}"));
            }
            if wanted > available {
                return wait(format!("Available: {available}/{wanted}"));
            }
            if wanted > ready {
                return wait(format!("Ready: {ready}/{wanted}"));
            }
            done(&format!("All replicas scheduled as expected. Replicas: {wanted}"))
        }
        "PersistentVolumeClaim" => match text(object, &["status", "phase"]) {
            "Bound" => done("PVC is Bound"),
            phase => wait(format!("PVC is not Bound. phase: {phase}")),
        },
        "Pod" => pod(object),
        "PodDisruptionBudget" => done("AllowedDisruptions has been computed."),
        "Job" => {
            if holds(object, "Complete") {
                return done(&format!(
                    "Job Completed. succeeded: {}/{}",
                    count("succeeded"),
                    int(object, &["spec", "completions"]).unwrap_or(1)
                ));
            }
            if holds(object, "Failed") {
                return (
                    Status::Failed,
                    format!("Job Failed. failed: {}/{}", count("failed"), int(object, &["spec", "completions"]).unwrap_or(1)),
                );
            }
            if text(object, &["status", "startTime"]).is_empty() {
                return wait("Job not started".to_owned());
            }
            let (active, failed, succeeded) = (count("active"), count("failed"), count("succeeded"));
            done(&format!("Job in progress. success:{succeeded}, active: {active}, failed: {failed}"))
        }
        "Service" => {
            if text(object, &["spec", "type"]) == "LoadBalancer" && text(object, &["spec", "clusterIP"]).is_empty() {
                return wait("ClusterIP not set. Service type: LoadBalancer".to_owned());
            }
            done("Service is ready")
        }
        "CustomResourceDefinition" => {
            if holds(object, "Established") {
                done("CRD is established")
            } else {
                wait("Install in progress".to_owned())
            }
        }
        _ => generic(object),
    }
}

/// What conditions say that many controllers share.
fn generic(object: &Value) -> (Status, String) {
    if let Some(c) = condition(object, "Reconciling").filter(|c| text(c, &["status"]) == "True") {
        return (Status::InProgress, text(c, &["message"]).to_owned());
    }
    if let Some(c) = condition(object, "Stalled").filter(|c| text(c, &["status"]) == "True") {
        return (Status::Failed, text(c, &["message"]).to_owned());
    }
    if let Some(c) = condition(object, "Ready") {
        match text(c, &["status"]) {
            "False" | "Unknown" => return (Status::InProgress, text(c, &["message"]).to_owned()),
            _ => {}
        }
    }
    (Status::Current, "Resource is current".to_owned())
}

fn deployment(object: &Value) -> (Status, String) {
    let wait = |message: String| (Status::InProgress, message);
    let count = |field: &str| int(object, &["status", field]).unwrap_or(0);
    let progress = condition(object, "Progressing");
    if progress.is_some_and(|c| text(c, &["reason"]) == "ProgressDeadlineExceeded") {
        return (Status::Failed, "Progress deadline exceeded".to_owned());
    }
    let wanted = int(object, &["spec", "replicas"]).unwrap_or(1);
    let (all, updated, ready, available) =
        (count("replicas"), count("updatedReplicas"), count("readyReplicas"), count("availableReplicas"));
    if wanted > all {
        return wait(format!("replicas: {all}/{wanted}"));
    }
    if wanted > updated {
        return wait(format!("Updated: {updated}/{wanted}"));
    }
    if all > wanted {
        return wait(format!("Pending termination: {}", all - wanted));
    }
    if updated > available {
        return wait(format!("Available: {available}/{updated}"));
    }
    if wanted > ready {
        return wait(format!("Ready: {ready}/{wanted}"));
    }
    let progressing = progress.is_none_or(|c| text(c, &["status"]) == "True" && text(c, &["reason"]) == "NewReplicaSetAvailable");
    if !progressing {
        return wait("ReplicaSet not Available".to_owned());
    }
    if !holds(object, "Available") {
        return wait("Deployment not Available".to_owned());
    }
    (Status::Current, format!("Deployment is available. Replicas: {all}"))
}

fn pod(object: &Value) -> (Status, String) {
    let wait = |message: &str| (Status::InProgress, message.to_owned());
    match text(object, &["status", "phase"]) {
        "Succeeded" => (Status::Current, "Pod has completed successfully".to_owned()),
        "Failed" => (Status::Failed, "Pod has completed, but not successfully".to_owned()),
        "Running" => {
            if holds(object, "Ready") {
                return (Status::Current, "Pod is Ready".to_owned());
            }
            let crashing: Vec<&str> = list(object, &["status", "containerStatuses"])
                .iter()
                .filter(|c| text(c, &["state", "waiting", "reason"]) == "CrashLoopBackOff")
                .map(|c| text(c, &["name"]))
                .collect();
            if !crashing.is_empty() {
                return (Status::Failed, format!("Containers in CrashLoop state: {}", crashing.join(",")));
            }
            wait("Pod is running but is not Ready")
        }
        "Pending" => {
            if condition(object, "PodScheduled").is_some_and(|c| text(c, &["status"]) == "False" && text(c, &["reason"]) == "Unschedulable")
            {
                return wait("Pod could not be scheduled");
            }
            wait("Pod is in the Pending phase")
        }
        "" => wait("Pod phase not available"),
        phase => (Status::InProgress, format!("unknown phase {phase}")),
    }
}
