//! Whether a change completes, and what holds it up.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::Hindrance;
use super::Prediction;
use super::Workload;
use super::cluster::top_owner;
use super::report::time;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::kube;
use crate::kube::field::Path;
use crate::kube::field::Step;
use crate::simulate::apiserver::ApiServer;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Uid;
use crate::simulate::controllers::ControlPlane;
use crate::simulate::controllers::conditions;
use crate::simulate::controllers::cronjob_schedule;
use crate::simulate::controllers::deployment;
use crate::simulate::controllers::job;
use crate::simulate::controllers::phase;
use crate::simulate::controllers::pods;
use crate::simulate::controllers::scaled;
use crate::simulate::controllers::selector_of;
use crate::simulate::controllers::template_of;
use crate::simulate::kubelet::pod_life::Place;
use crate::simulate::kubelet::prober::ProbeKind;
use crate::simulate::kubelet::status;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::strings;
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
    /// The worst verdict of all workloads; a refused object is stuck, a budget that can never be met degraded.
    pub fn verdict(&self) -> Verdict {
        let worst = self.workloads.iter().map(Workload::verdict).max().unwrap_or(Verdict::Complete);
        let unmet = if self.budgets.is_empty() { Verdict::Complete } else { Verdict::Degraded };
        if self.refused.is_empty() { worst.max(unmet) } else { Verdict::Stuck }
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
        "Job" | "CronJob" => 0,
        _ => object.replicas(),
    }
}

/// The fewest available pods that budgets promise. upstream: pkg/controller/disruption getExpectedPodCount
pub(super) fn budgeted(plane: &ControlPlane, object: &Object) -> i64 {
    if matches!(object.kind.as_str(), "Job" | "CronJob" | "Pod") {
        return 0;
    }
    let labels = strings(template_of(object), &["metadata", "labels"]);
    let wanted = desired(object);
    let floor = |budget: &Arc<Object>| {
        if !selector_of(budget).matches(&labels) {
            return 0;
        }
        let (least, most) = (at(&budget.spec, &["minAvailable"]), at(&budget.spec, &["maxUnavailable"]));
        if most.is_null() { scaled(least, wanted, true) } else { wanted - scaled(most, wanted, true) }
    };
    plane.api.list_in("PodDisruptionBudget", &object.meta.namespace).map(floor).max().unwrap_or(0).max(0)
}

/// When a CronJob runs first.
pub(super) fn first_run(object: &Object, now: Nanos) -> Option<Nanos> {
    if at(&object.spec, &["suspend"]) == true {
        return None;
    }
    let (zone, expression) = (text(&object.spec, &["timeZone"]), text(&object.spec, &["schedule"]));
    let full = if zone.is_empty() { expression.to_owned() } else { format!("TZ={zone} {expression}") };
    let next = cronjob_schedule::parse(&full).ok()?.next(i128::from(now));
    (next != cronjob_schedule::NEVER).then(|| i64::try_from(next).ok()).flatten()
}

/// A time as the API writes it.
pub(super) fn clock(at: Nanos) -> String {
    status::time(at).as_str().unwrap_or("").to_owned()
}

/// How many pods of a workload are available; a bare pod is its own.
pub(super) fn available(object: &Object) -> i64 {
    match object.kind.as_str() {
        "Pod" => i64::from(pods::is_ready(object) || phase(object) == "Succeeded"),
        "Job" => object.count("succeeded"),
        "CronJob" => i64::from(!at(&object.status, &["lastSuccessfulTime"]).is_null()),
        "DaemonSet" => object.count("numberAvailable"),
        _ => object.count("availableReplicas"),
    }
}

/// How many pods of the new revision a workload has.
pub(super) fn updated(object: &Object) -> Option<i64> {
    match object.kind.as_str() {
        "Deployment" | "StatefulSet" => Some(object.count("updatedReplicas")),
        "DaemonSet" => Some(object.count("updatedNumberScheduled")),
        _ => None,
    }
}

/// Why a budget can never be met, and the field that asks for too much.
pub(super) fn unmet(api: &ApiServer, uid: Uid) -> Option<(String, &'static str)> {
    let budget = api.get(uid)?;
    let (wanted, pods) = (budget.count("desiredHealthy"), budget.count("expectedPods"));
    let field = if at(&budget.spec, &["minAvailable"]).is_null() { "maxUnavailable" } else { "minAvailable" };
    let why = format!(
        "the budget asks for {wanted} healthy pods, and its selector finds {pods}: it can never be met, and no node with one of them can be drained"
    );
    (pods > 0 && wanted > pods).then_some((why, field))
}

/// How many pods a workload has.
pub(super) fn pods_of(object: &Object) -> i64 {
    match object.kind.as_str() {
        "Pod" => 1,
        "Job" => object.count("active"),
        "CronJob" => list(&object.status, &["active"]).len() as i64,
        "DaemonSet" => object.count("currentNumberScheduled"),
        _ => object.count("replicas"),
    }
}

/// How many pods a workload should have.
pub(super) fn desired(object: &Object) -> i64 {
    match object.kind.as_str() {
        "DaemonSet" => object.count("desiredNumberScheduled"),
        "Job" => int(&object.spec, &["completions"]).or(int(&object.spec, &["parallelism"])).unwrap_or(1),
        "CronJob" => i64::from(!at(&object.status, &["lastScheduleTime"]).is_null()),
        _ => object.replicas(),
    }
}

/// Whether the controller has brought everything to the new state, as `kubectl rollout status` judges it.
pub(super) fn is_complete(object: &Object) -> bool {
    let wanted = desired(object);
    if object.kind == "Pod" {
        return pods::is_ready(object) || phase(object) == "Succeeded";
    }
    let suspended = at(&object.spec, &["suspend"]) == true;
    if object.kind == "Job" {
        return suspended || job::finished(object).is_some_and(|c| text(c, &["type"]) == "Complete");
    }
    if object.kind == "CronJob" {
        return suspended || !at(&object.status, &["lastSuccessfulTime"]).is_null();
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

fn container_path(place: Place, field: &str) -> Vec<String> {
    let list = if place.init { "initContainers" } else { "containers" };
    path(&["spec", "template", "spec", list, &place.index.to_string(), field])
}

fn container_name(pod: &Object, place: Place) -> &str {
    text(place.of(&pod.spec), &["name"])
}

pub(super) fn unschedulable(pod: &Object, why: &str) -> Hindrance {
    // What the sentence is about tells where to look.
    let claims = pod.meta.controller().is_some_and(|o| o.kind == "StatefulSet") && why.to_lowercase().contains("persistentvolumeclaim");
    let field: &[&str] = if claims {
        &["spec", "volumeClaimTemplates"]
    } else if why.contains("Insufficient") {
        &["spec", "template", "spec", "containers"]
    } else if why.contains("anti-affinity") || why.contains("affinity") || why.contains("selector") {
        &["spec", "template", "spec", "affinity"]
    } else if why.contains("taint") {
        &["spec", "template", "spec", "tolerations"]
    } else if why.contains("topology spread") {
        &["spec", "template", "spec", "topologySpreadConstraints"]
    } else if why.contains("free ports") {
        &["spec", "template", "spec", "containers", "0", "ports"]
    } else if why.to_lowercase().contains("volume") {
        &["spec", "template", "spec", "volumes"]
    } else {
        &["spec", "template", "spec"]
    };
    Hindrance { object: format!("Pod/{}", pod.meta.name), reason: "Unschedulable", message: why.to_owned(), field: path(field) }
}

pub(super) fn image_missing(pod: &Object, place: Place) -> Hindrance {
    let image = text(place.of(&pod.spec), &["image"]);
    Hindrance {
        object: format!("Pod/{}", pod.meta.name),
        reason: "ImagePullBackOff",
        message: format!("Back-off pulling image \"{image}\""),
        field: container_path(place, "image"),
    }
}

pub(super) fn probe_failed(pod: &Object, place: Place, kind: ProbeKind) -> Hindrance {
    let name = kind.name();
    let message = format!("Container {} failed {name} probe, will be restarted", container_name(pod, place));
    Hindrance { object: format!("Pod/{}", pod.meta.name), reason: "Unhealthy", message, field: container_path(place, kind.field()) }
}

pub(super) fn crash_loop(pod: &Object, place: Place, wait: Nanos) -> Hindrance {
    let message = format!("back-off {} restarting failed container {}", Duration(wait).text(), container_name(pod, place));
    Hindrance { object: format!("Pod/{}", pod.meta.name), reason: "CrashLoopBackOff", message, field: container_path(place, "command") }
}

pub(super) fn volume_in_use(pod: &Object, claim: &str) -> Hindrance {
    let message = format!("Multi-Attach error for volume of claim \"{claim}\": Volume is already used by a pod on another node");
    let volumes = list(&pod.spec, &["volumes"]);
    let i = volumes.iter().position(|v| text(v, &["persistentVolumeClaim", "claimName"]) == claim).unwrap_or(0);
    let field = path(&["spec", "template", "spec", "volumes", &i.to_string()]);
    Hindrance { object: format!("Pod/{}", pod.meta.name), reason: "FailedAttachVolume", message, field }
}

/// Why a Job, or the last one of a CronJob, failed.
fn failed_job(plane: &ControlPlane, uid: Uid) -> Option<Hindrance> {
    let object = plane.api.get(uid)?;
    let (job, prefix): (&Object, &[&str]) = match object.kind.as_str() {
        "Job" => (object, &["spec"]),
        "CronJob" => (plane.api.dependents(uid).filter(|o| o.kind == "Job").last()?, &["spec", "jobTemplate", "spec"]),
        _ => return None,
    };
    let condition = job::finished(job).filter(|c| text(c, &["type"]) == "Failed")?;
    let (reason, message) = (text(condition, &["reason"]), text(condition, &["message"]));
    let (reason, field) = match reason {
        "DeadlineExceeded" => ("DeadlineExceeded", "activeDeadlineSeconds"),
        "PodFailurePolicy" => ("PodFailurePolicy", "podFailurePolicy"),
        "FailedIndexes" => ("FailedIndexes", "backoffLimitPerIndex"),
        "MaxFailedIndexesExceeded" => ("MaxFailedIndexesExceeded", "maxFailedIndexes"),
        _ => ("BackoffLimitExceeded", "backoffLimit"),
    };
    let mut field_path = path(prefix);
    field_path.push(field.to_owned());
    Some(Hindrance { object: format!("Job/{}", job.meta.name), reason, message: message.to_owned(), field: field_path })
}

/// What holds a workload up at the end.
pub(super) fn hindrance(plane: &ControlPlane, uid: Uid, failing: &BTreeMap<Uid, Hindrance>) -> Option<Hindrance> {
    if let Some(found) = failed_job(plane, uid) {
        return Some(found);
    }
    let own = |pod: &Uid| *pod == uid || plane.api.get(*pod).and_then(|p| top_owner(plane, p)) == Some(uid);
    let object = plane.api.get(uid)?;
    if let Some((_, found)) = failing.iter().rev().find(|(pod, _)| own(pod)) {
        let mut found = found.clone();
        // Without this the old pods would make room.
        let rolling = object.kind == "Deployment" && text(&object.spec, &["strategy", "type"]) != "Recreate";
        if rolling && found.reason == "Unschedulable" && deployment::max_unavailable(object) == 0 {
            let told = at(&object.spec, &["strategy", "rollingUpdate", "maxUnavailable"]);
            let told = told.as_str().map_or_else(|| told.to_string(), str::to_owned);
            found.message += &format!(" maxUnavailable ({told}) is 0 of {} pods, so that no old pod goes first.", object.replicas());
        }
        return Some(found);
    }
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
    let of = |p: &&Arc<Object>| p.meta.uid == uid || top_owner(plane, p) == Some(uid);
    let waiting = plane.api.list("Pod").find(|p| of(p) && !pods::is_ready(p));
    if let Some(pod) = waiting {
        let node = text(&pod.spec, &["nodeName"]);
        if !node.is_empty() && plane.api.find("Node", "", node).is_none() {
            let message = format!("the pod is bound to the node \"{node}\", which is not there");
            let field = path(&["spec", "template", "spec", "nodeName"]);
            return Some(Hindrance { object: format!("Pod/{}", pod.meta.name), reason: "NodeNotFound", message, field });
        }
        let gates = list(&pod.spec, &["readinessGates"]);
        let (message, field) = if let Some(gate) = gates.first() {
            let kind = text(gate, &["conditionType"]);
            (format!("readiness gate {kind} is never set"), path(&["spec", "template", "spec", "readinessGates"]))
        } else {
            let probed = list(&pod.spec, &["containers"]).iter().position(|c| at(c, &["readinessProbe"]).is_object()).unwrap_or(0);
            ("the pod never becomes ready".to_owned(), container_path(Place { init: false, index: probed }, "readinessProbe"))
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

/// The field of the strategy that would let old pods make room for new ones.
pub(super) fn relief(plane: &ControlPlane, uid: Uid, why: Option<&Hindrance>) -> Option<Vec<String>> {
    let object = plane.api.get(uid)?;
    let rolling = object.kind == "Deployment" && text(&object.spec, &["strategy", "type"]) != "Recreate";
    let room = matches!(why?.reason, "Unschedulable" | "FailedCreate" | "FailedAttachVolume");
    let old = object.count("replicas") > object.count("updatedReplicas");
    let blocked = rolling && room && old && deployment::max_unavailable(object) == 0;
    blocked.then(|| path(&["spec", "strategy", "rollingUpdate", "maxUnavailable"]))
}

impl Workload {
    /// The field to change: of the strategy where it is written, else what holds the workload up; `None` when nothing does.
    pub fn field_to_change(&self, written: &serde_json::Value) -> Option<Path> {
        let why = self.hindrance.as_ref()?;
        let is_written = |words: &&Vec<String>| !at(written, &words.iter().map(String::as_str).collect::<Vec<_>>()).is_null();
        let field = self.relief.as_ref().filter(is_written).unwrap_or(&why.field);
        // A bare pod has no template.
        let bare = if self.kind == "Pod" { 2 } else { 0 };
        Some(Path(field.iter().skip(bare).map(|f| f.parse().map_or_else(|_| Step::Field(f.clone()), Step::Index)).collect()))
    }
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
    for (i, message, field) in &prediction.budgets {
        let Some(object) = i.checked_sub(first).and_then(|i| objects.get(i)) else { continue };
        let path = Path::new("spec").child(field);
        let finding = Diagnostic::new("rollout-degraded", Severity::Warning, message.clone());
        out.push(finding.at(object.span(&path)).on(object.id.clone(), path.to_string()));
    }
    for workload in &prediction.workloads {
        let Some(object) = workload.object.checked_sub(first).and_then(|i| objects.get(i)) else { continue };
        match (workload.verdict(), &workload.hindrance) {
            (Verdict::Stuck, Some(why)) => {
                let Some(path) = workload.field_to_change(&object.value) else { continue };
                let message = format!("the rollout does not complete: {}: {} ({})", why.reason, why.message, why.object);
                let since = workload.curve.last().map_or(0, |c| c.0);
                let step =
                    workload.updated.map_or_else(String::new, |n| format!("{n} of {} pods are of the new revision, ", workload.desired));
                let help =
                    format!("since {} nothing moves: {step}{} of {} are available", time(since), workload.available, workload.desired);
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
        "updated": workload.updated,
        "min_available": workload.min_available,
        "promised": workload.promised,
        "max_pods": workload.max_pods,
        "restarts": workload.restarts,
        "complete_after": workload.complete_at.map(seconds),
    });
    if let Some(why) = &workload.hindrance {
        out["hindrance"] = json!({"object": why.object, "reason": why.reason, "message": why.message, "field": why.field.join(".")});
    }
    if let Some(surge) = &workload.surge {
        out["surge"] = json!({"pods": surge.pods, "cpu": surge.cpu as f64 / 1e3, "memory": surge.memory, "fit": surge.fit});
        if let Some((quota, allowed)) = &surge.quota {
            out["surge"]["quota"] = json!({"name": quota, "allows": allowed});
        }
    }
    out
}
