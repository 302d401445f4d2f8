//! Whether a change completes, and what holds it up.

use std::collections::BTreeMap;

use serde_json::json;

use super::Hindrance;
use super::Prediction;
use super::Workload;
use super::cluster::top_owner;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::kube;
use crate::kube::field::Path;
use crate::kube::field::Step;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Uid;
use crate::simulate::controllers::ControlPlane;
use crate::simulate::controllers::conditions;
use crate::simulate::controllers::deployment;
use crate::simulate::controllers::phase;
use crate::simulate::controllers::pods;
use crate::simulate::controllers::scaled;
use crate::simulate::kubelet::prober::ProbeKind;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;
use crate::sprig::Duration;

/// What becomes of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It completes, and availability stays as promised.
    Complete,
    /// It completes, but fewer pods than promised were available meanwhile, or containers were started again.
    Degraded,
    /// It does not complete.
    Stuck,
}

impl Verdict {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Degraded => "degraded",
            Self::Stuck => "stuck",
        }
    }
}

impl Workload {
    /// The verdict on this workload.
    pub fn verdict(&self) -> Verdict {
        match self.complete_at {
            None => Verdict::Stuck,
            Some(_) if self.min_available < self.promised || self.restarts > 0 => Verdict::Degraded,
            Some(_) => Verdict::Complete,
        }
    }
}

impl Prediction {
    /// The worst verdict of all workloads; a refused object is stuck.
    pub fn verdict(&self) -> Verdict {
        let worst = self.workloads.iter().map(Workload::verdict).max().unwrap_or(Verdict::Complete);
        if self.refused.is_empty() { worst } else { Verdict::Stuck }
    }
}

/// The fewest available pods that the strategy promises.
pub(super) fn promised(object: &Object) -> i64 {
    match object.kind.as_str() {
        "Deployment" if text(&object.spec, &["strategy", "type"]) == "Recreate" => 0,
        "Deployment" => object.replicas() - deployment::max_unavailable(object),
        "StatefulSet" => object.replicas() - 1,
        "DaemonSet" => {
            let allowed = at(&object.spec, &["updateStrategy", "rollingUpdate", "maxUnavailable"]);
            desired(object) - if allowed.is_null() { 1 } else { scaled(allowed, desired(object), true) }
        }
        _ => object.replicas(),
    }
}

/// How many pods of a workload are available; a bare pod is its own.
pub(super) fn available(object: &Object) -> i64 {
    match object.kind.as_str() {
        "Pod" => i64::from(pods::is_ready(object)),
        "DaemonSet" => object.count("numberAvailable"),
        _ => object.count("availableReplicas"),
    }
}

/// How many pods a workload has.
pub(super) fn pods_of(object: &Object) -> i64 {
    match object.kind.as_str() {
        "Pod" => 1,
        "DaemonSet" => object.count("currentNumberScheduled"),
        _ => object.count("replicas"),
    }
}

/// How many pods a workload should have.
pub(super) fn desired(object: &Object) -> i64 {
    if object.kind == "DaemonSet" { object.count("desiredNumberScheduled") } else { object.replicas() }
}

/// Whether the controller has brought everything to the new state, as `kubectl rollout status` judges it.
pub(super) fn is_complete(object: &Object) -> bool {
    let wanted = desired(object);
    if object.kind == "Pod" {
        return pods::is_ready(object) || phase(object) == "Succeeded";
    }
    if object.count("observedGeneration") < object.meta.generation {
        return false;
    }
    let all = |fields: &[&str]| fields.iter().all(|f| object.count(f) == wanted);
    match object.kind.as_str() {
        "Deployment" => all(&["replicas", "updatedReplicas", "availableReplicas"]),
        "StatefulSet" => {
            let partition = int(&object.spec, &["updateStrategy", "rollingUpdate", "partition"]).unwrap_or(0);
            let on_delete = text(&object.spec, &["updateStrategy", "type"]) == "OnDelete";
            let updated = object.count("updatedReplicas") >= wanted - partition.min(wanted) || on_delete;
            updated && all(&["replicas", "readyReplicas", "availableReplicas"])
        }
        "DaemonSet" => all(&["currentNumberScheduled", "updatedNumberScheduled", "numberAvailable"]),
        _ => all(&["replicas", "readyReplicas", "availableReplicas"]),
    }
}

fn path(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|p| (*p).to_owned()).collect()
}

fn container_path(i: usize, field: &str) -> Vec<String> {
    path(&["spec", "template", "spec", "containers", &i.to_string(), field])
}

fn container_name(pod: &Object, i: usize) -> &str {
    list(&pod.spec, &["containers"]).get(i).map_or("", |c| text(c, &["name"]))
}

pub(super) fn unschedulable(pod: &Object, why: &str) -> Hindrance {
    // What the sentence is about tells where to look.
    let field: &[&str] = if why.contains("Insufficient") {
        &["spec", "template", "spec", "containers"]
    } else if why.contains("anti-affinity") || why.contains("affinity") || why.contains("selector") {
        &["spec", "template", "spec", "affinity"]
    } else if why.contains("taint") {
        &["spec", "template", "spec", "tolerations"]
    } else if why.contains("topology spread") {
        &["spec", "template", "spec", "topologySpreadConstraints"]
    } else if why.contains("free ports") {
        &["spec", "template", "spec", "containers", "0", "ports"]
    } else if why.contains("volume") || why.contains("persistentvolumeclaim") {
        &["spec", "template", "spec", "volumes"]
    } else {
        &["spec", "template", "spec"]
    };
    Hindrance { object: format!("Pod/{}", pod.meta.name), reason: "Unschedulable", message: why.to_owned(), field: path(field) }
}

pub(super) fn image_missing(pod: &Object, i: usize) -> Hindrance {
    let image = list(&pod.spec, &["containers"]).get(i).map_or("", |c| text(c, &["image"]));
    Hindrance {
        object: format!("Pod/{}", pod.meta.name),
        reason: "ImagePullBackOff",
        message: format!("Back-off pulling image \"{image}\""),
        field: container_path(i, "image"),
    }
}

pub(super) fn probe_failed(pod: &Object, i: usize, kind: ProbeKind) -> Hindrance {
    let name = kind.name();
    let message = format!("Container {} failed {name} probe, will be restarted", container_name(pod, i));
    Hindrance { object: format!("Pod/{}", pod.meta.name), reason: "Unhealthy", message, field: container_path(i, &format!("{name}Probe")) }
}

pub(super) fn crash_loop(pod: &Object, i: usize, wait: Nanos) -> Hindrance {
    let message = format!("back-off {} restarting failed container {}", Duration(wait).text(), container_name(pod, i));
    Hindrance { object: format!("Pod/{}", pod.meta.name), reason: "CrashLoopBackOff", message, field: container_path(i, "command") }
}

/// What holds a workload up at the end.
pub(super) fn hindrance(plane: &ControlPlane, uid: Uid, failing: &BTreeMap<Uid, Hindrance>) -> Option<Hindrance> {
    let own = |pod: &Uid| *pod == uid || plane.api.get(*pod).and_then(|p| top_owner(plane, p)) == Some(uid);
    if let Some((_, found)) = failing.iter().rev().find(|(pod, _)| own(pod)) {
        return Some(found.clone());
    }
    let object = plane.api.get(uid)?;
    let owners = std::iter::once(object).chain(plane.api.dependents(uid));
    if let Some(condition) = owners.into_iter().find_map(|o| conditions::get(&o.status, "ReplicaFailure")) {
        let message = text(condition, &["message"]).to_owned();
        return Some(Hindrance {
            object: format!("{}/{}", object.kind, object.meta.name),
            reason: "FailedCreate",
            message,
            field: path(&["spec", "replicas"]),
        });
    }
    let waiting = plane.api.list("Pod").find(|p| top_owner(plane, p) == Some(uid) && !pods::is_ready(p));
    if let Some(pod) = waiting {
        let gates = list(&pod.spec, &["readinessGates"]);
        let (message, field) = if let Some(gate) = gates.first() {
            let kind = text(gate, &["conditionType"]);
            (format!("readiness gate {kind} is never set"), path(&["spec", "template", "spec", "readinessGates"]))
        } else {
            let probed = list(&pod.spec, &["containers"]).iter().position(|c| at(c, &["readinessProbe"]).is_object()).unwrap_or(0);
            ("the pod never becomes ready".to_owned(), container_path(probed, "readinessProbe"))
        };
        return Some(Hindrance { object: format!("Pod/{}", pod.meta.name), reason: "NotReady", message, field });
    }
    let stalled = text(&object.spec, &["strategy", "type"]);
    let message = if at(&object.spec, &["paused"]) == true { "the Deployment is paused" } else { "nothing moves any more" };
    let field = if message.contains("paused") {
        path(&["spec", "paused"])
    } else {
        path(&["spec", if stalled.is_empty() { "updateStrategy" } else { "strategy" }])
    };
    Some(Hindrance { object: format!("{}/{}", object.kind, object.meta.name), reason: "Stalled", message: message.to_owned(), field })
}

/// One finding per workload that does not come through well, for the objects from `first` on.
pub fn diagnostics(prediction: &Prediction, objects: &[kube::Object], first: usize) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    for (i, message) in &prediction.refused {
        let Some(object) = i.checked_sub(first).and_then(|i| objects.get(i)) else { continue };
        let span = object.span(&Path::new("metadata").child("name"));
        out.push(
            Diagnostic::new("rollout-stuck", Severity::Error, format!("the server refuses it: {message}"))
                .at(span)
                .on(object.id.clone(), ""),
        );
    }
    for workload in &prediction.workloads {
        let Some(object) = workload.object.checked_sub(first).and_then(|i| objects.get(i)) else { continue };
        match (workload.verdict(), &workload.hindrance) {
            (Verdict::Stuck, Some(why)) => {
                // A bare pod has no template.
                let bare = if object.id.kind == "Pod" { 2 } else { 0 };
                let steps = why.field.iter().skip(bare).map(|f| f.parse().map_or_else(|_| Step::Field(f.clone()), Step::Index));
                let path = Path(steps.collect());
                let message = format!("the rollout does not complete: {}: {} ({})", why.reason, why.message, why.object);
                let help = format!("{} of {} pods are available at the end", workload.available, workload.desired);
                let finding = Diagnostic::new("rollout-stuck", Severity::Error, message);
                out.push(finding.at(object.span(&path)).on(object.id.clone(), path.to_string()).help(help));
            }
            (Verdict::Degraded, _) => {
                let span = object.span(&Path::new("spec"));
                let message = match workload.restarts {
                    0 => {
                        format!("only {} pods are available during the rollout, {} are promised", workload.min_available, workload.promised)
                    }
                    n => format!("containers are started again {n} times during the rollout"),
                };
                out.push(Diagnostic::new("rollout-degraded", Severity::Warning, message).at(span).on(object.id.clone(), "spec"));
            }
            _ => {}
        }
    }
    out
}

/// A workload as JSON.
pub(super) fn workload_json(workload: &Workload) -> serde_json::Value {
    let seconds = |t: Nanos| t as f64 / 1e9;
    let mut out = json!({
        "kind": workload.kind,
        "namespace": workload.namespace,
        "name": workload.name,
        "verdict": workload.verdict().name(),
        "desired": workload.desired,
        "available": workload.available,
        "min_available": workload.min_available,
        "promised": workload.promised,
        "max_pods": workload.max_pods,
        "restarts": workload.restarts,
        "complete_after": workload.complete_at.map(seconds),
    });
    if let Some(why) = &workload.hindrance {
        out["hindrance"] = json!({"object": why.object, "reason": why.reason, "message": why.message, "field": why.field.join(".")});
    }
    out
}
