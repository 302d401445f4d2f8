//! Waiting until objects are as wanted, or gone. upstream: pkg/kube/statuswait.go

use serde_json::Value;

use super::Session;
use super::objects::Target;
use crate::cluster::ready;
use crate::cluster::ready::Status;
use crate::simulate::apiserver::Nanos;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// What a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// Hooks: Jobs and Pods that have come to their end.
    Hook,
    /// Objects that are as wanted.
    Ready,
    /// The same, and Jobs that are complete.
    ReadyWithJobs,
}

/// What a hook's object says. upstream: internal/statusreaders
fn hook_status(object: &Value) -> (Status, String) {
    match text(object, &["kind"]) {
        "Pod" => {
            let name = text(object, &["metadata", "name"]);
            match text(object, &["status", "phase"]) {
                "Succeeded" => (Status::Current, format!("pod {name} succeeded")),
                "Failed" => (Status::Failed, format!("pod {name} failed")),
                _ => (Status::InProgress, "Pod in progress".to_owned()),
            }
        }
        "Job" => {
            let wanted = int(object, &["spec", "completions"]).or_else(|| int(object, &["spec", "parallelism"])).unwrap_or(1);
            let count = |key: &str| int(object, &["status", key]).unwrap_or(0);
            for condition in list(object, &["status", "conditions"]).iter().filter(|c| text(c, &["status"]) == "True") {
                match text(condition, &["type"]) {
                    "Complete" => return (Status::Current, format!("Job Completed. succeeded: {}/{wanted}", count("succeeded"))),
                    "Failed" => return (Status::Failed, format!("Job Failed. failed: {}/{wanted}", count("failed"))),
                    _ => {}
                }
            }
            (Status::InProgress, "Job in progress".to_owned())
        }
        _ => (Status::Current, "Resource is current".to_owned()),
    }
}

impl Session<'_> {
    fn status_of(&self, target: &Target, what: For) -> (Status, String) {
        let Some(live) = self.cluster.get(&target.kind, &target.namespace, &target.name) else {
            return (Status::NotFound, "Resource not found".to_owned());
        };
        match what {
            For::Hook => hook_status(&live),
            For::ReadyWithJobs if target.kind == "Job" => hook_status(&live),
            _ => ready::status(&live),
        }
    }

    /// Lets time pass until all objects are as wanted.
    pub(super) fn wait(&mut self, targets: &[Target], what: For, timeout: Nanos) -> Result<(), String> {
        let until = self.cluster.now() + timeout;
        let paused = |t: &&Target| t.kind == "Deployment" && at(&t.object, &["spec", "paused"]) == true;
        let targets: Vec<&Target> = targets.iter().filter(|t| !paused(t)).collect();
        let mut in_time = true;
        loop {
            let open = targets.iter().any(|t| !matches!(self.status_of(t, what).0, Status::Current | Status::Failed));
            if !open {
                break;
            }
            if !self.cluster.advance(until) {
                in_time = !targets.iter().any(|t| !matches!(self.status_of(t, what).0, Status::Current | Status::Failed));
                break;
            }
        }
        let mut errors: Vec<String> = Vec::new();
        for target in targets {
            let (status, message) = self.status_of(target, what);
            if status != Status::Current {
                let place = format!("{}/{}/{}", target.kind, target.namespace, target.name);
                errors.push(format!("resource {place} not ready. status: {}, message: {message}", status.name()));
            }
        }
        if !in_time {
            errors.push("context deadline exceeded".to_owned());
        }
        if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
    }

    /// Lets time pass until all objects are gone.
    pub(super) fn wait_for_delete(&mut self, targets: &[Target], timeout: Nanos) -> Result<(), String> {
        let until = self.cluster.now() + timeout;
        let open = |s: &Self| targets.iter().any(|t| s.cluster.get(&t.kind, &t.namespace, &t.name).is_some());
        while open(self) {
            if !self.cluster.advance(until) {
                break;
            }
        }
        let mut errors: Vec<String> = Vec::new();
        for target in targets {
            if let Some(live) = self.cluster.get(&target.kind, &target.namespace, &target.name) {
                let (status, message) = ready::status(&live);
                let place = format!("{}/{}/{}", target.kind, target.namespace, target.name);
                errors.push(format!("resource {place} still exists. status: {}, message: {message}", status.name()));
            }
        }
        if !errors.is_empty() {
            errors.push("context deadline exceeded".to_owned());
            return Err(errors.join("\n"));
        }
        Ok(())
    }
}
