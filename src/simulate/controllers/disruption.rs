//! PodDisruptionBudgets: how many pods may go, and the eviction that asks.
//! upstream: pkg/controller/disruption, pkg/registry/core/pod/storage/eviction.go

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::ControlPlane;
use super::Controller;
use super::pods;
use super::scaled;
use super::selector_of;
use crate::simulate::apiserver::Change;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::object::time;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::text;

/// How long an evicted pod may take to go before it counts again.
const DELETION_TIMEOUT: i64 = 120 * SECOND;

/// A budget looks again when it or its pods change. Of several budgets of a pod only the first is told.
/// upstream: getPdbForPod
pub(super) fn notify(plane: &mut ControlPlane, change: &Change) {
    let object = &change.object;
    let told = match object.kind.as_str() {
        "PodDisruptionBudget" => Some(object.meta.uid),
        "Pod" => {
            let covers = |b: &&Arc<Object>| at(&b.spec, &["selector"]).is_object() && selector_of(b).matches(&object.meta.labels);
            plane.api.list_in("PodDisruptionBudget", &object.meta.namespace).find(covers).map(|b| b.meta.uid)
        }
        _ => None,
    };
    if let Some(uid) = told {
        plane.enqueue(Controller::Disruption, uid);
    }
}

fn covered(plane: &ControlPlane, budget: &Object) -> Vec<Arc<Object>> {
    if !at(&budget.spec, &["selector"]).is_object() {
        return Vec::new();
    }
    let selector = selector_of(budget);
    plane.api.list_in("Pod", &budget.meta.namespace).filter(|p| selector.matches(&p.meta.labels)).cloned().collect()
}

/// How many pods the owners of these pods want, and the pods without an owner. upstream: getExpectedScale
fn expected_scale(plane: &ControlPlane, pods: &[Arc<Object>]) -> Result<(i64, Vec<String>), String> {
    let mut scales: BTreeMap<Uid, i64> = BTreeMap::new();
    let mut unmanaged = Vec::new();
    for pod in pods {
        let Some(reference) = pod.meta.controller() else {
            unmanaged.push(pod.meta.name.clone());
            continue;
        };
        let owner = plane.api.get(reference.uid);
        let Some(owner) = owner else { return Err(format!("found no controllers for pod {:?}", pod.meta.name)) };
        let owner = match owner.meta.controller().filter(|o| o.kind == "Deployment").and_then(|o| plane.api.get(o.uid)) {
            Some(deployment) if owner.kind == "ReplicaSet" => deployment,
            _ => owner,
        };
        if !matches!(owner.kind.as_str(), "Deployment" | "ReplicaSet" | "ReplicationController" | "StatefulSet") {
            let resource = crate::simulate::apiserver::store::resource(owner);
            return Err(format!("{resource} does not implement the scale subresource"));
        }
        scales.insert(owner.meta.uid, owner.replicas());
    }
    Ok((scales.values().sum(), unmanaged))
}

/// What an eviction is told that a budget forbids.
pub const VIOLATES: &str = "Cannot evict pod as it would violate the pod's disruption budget.";
/// What an eviction is told of a pod with several budgets.
pub const SEVERAL: &str = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";

/// Why a budget has no pod to spare.
pub fn shortage(budget: &str, desired: i64, healthy: i64) -> String {
    format!("The disruption budget {budget} needs {desired} healthy pods and has {healthy} currently")
}

/// How many of the pods expected a budget wants healthy.
pub fn desired(spec: &Value, expected: i64) -> i64 {
    match (at(spec, &["maxUnavailable"]), at(spec, &["minAvailable"])) {
        (Value::Null, least @ Value::String(_)) => scaled(least, expected, true),
        (Value::Null, least) => least.as_i64().unwrap_or(0),
        (most, _) => (expected - scaled(most, expected, true)).max(0),
    }
}

/// The budget's needs: expected pods, healthy pods wanted, and pods without an owner. upstream: getExpectedPodCount
fn needs(plane: &ControlPlane, budget: &Object, pods: &[Arc<Object>]) -> Result<(i64, i64, Vec<String>), String> {
    let (most, least) = (at(&budget.spec, &["maxUnavailable"]), at(&budget.spec, &["minAvailable"]));
    if !most.is_null() {
        let (expected, unmanaged) = expected_scale(plane, pods)?;
        return Ok((expected, desired(&budget.spec, expected), unmanaged));
    }
    match least {
        Value::Null => Ok((0, 0, Vec::new())),
        Value::String(_) => {
            let (expected, unmanaged) = expected_scale(plane, pods)?;
            Ok((expected, desired(&budget.spec, expected), unmanaged))
        }
        _ => Ok((pods.len() as i64, desired(&budget.spec, pods.len() as i64), Vec::new())),
    }
}

fn set_condition(status: &mut Value, allowed: bool, reason: &str, message: &str) {
    let value = if allowed { "True" } else { "False" };
    status["conditions"] = json!([{"type": "DisruptionAllowed", "status": value, "reason": reason, "message": message}]);
}

/// Brings the status of a budget up to date. upstream: trySync
pub(super) fn sync_budget(plane: &mut ControlPlane, uid: Uid) {
    let Some(budget) = plane.api.get(uid).cloned() else { return };
    let pods = covered(plane, &budget);
    if pods.is_empty() {
        plane.api.event(&budget, false, "NoPods", "No matching pods found".to_owned());
    }
    let mut status = if budget.status.is_object() { Value::clone(&budget.status) } else { json!({}) };
    let now = plane.api.now;
    match needs(plane, &budget, &pods) {
        Err(message) => {
            plane.api.event(
                &budget,
                true,
                "CalculateExpectedPodCountFailed",
                format!("Failed to calculate the number of expected pods: {message}"),
            );
            status["disruptionsAllowed"] = 0.into();
            set_condition(&mut status, false, "SyncFailed", &message);
        }
        Ok((expected, desired, unmanaged)) => {
            if !unmanaged.is_empty() {
                plane.api.event(&budget, true, "UnmanagedPods", unmanaged_sentence(&budget));
            }
            let listed = budget.status.get("disruptedPods").and_then(Value::as_object).cloned().unwrap_or_default();
            let still = |name: &str| listed.get(name).and_then(time).filter(|t| t + DELETION_TIMEOUT >= now);
            let waiting: serde_json::Map<String, Value> = pods
                .iter()
                .filter(|p| !p.meta.is_deleted() && still(&p.meta.name).is_some())
                .filter_map(|p| Some((p.meta.name.clone(), listed.get(&p.meta.name)?.clone())))
                .collect();
            if let Some(first) = waiting.values().filter_map(time).min() {
                plane.enqueue_after(Controller::Disruption, uid, first + DELETION_TIMEOUT - now);
            }
            let healthy =
                pods.iter().filter(|p| !p.meta.is_deleted() && !waiting.contains_key(&p.meta.name) && pods::is_ready(p)).count() as i64;
            let allowed = if expected <= 0 { 0 } else { (healthy - desired).max(0) };
            status["currentHealthy"] = healthy.into();
            status["desiredHealthy"] = desired.into();
            status["expectedPods"] = expected.into();
            status["disruptionsAllowed"] = allowed.into();
            status["observedGeneration"] = budget.meta.generation.into();
            status["disruptedPods"] = waiting.into();
            set_condition(&mut status, allowed > 0, if allowed > 0 { "SufficientPods" } else { "InsufficientPods" }, "");
        }
    }
    if budget.status != status {
        plane.api.edit(uid, |o| o.status = status.into());
    }
}

/// The warning about pods that nobody scales; the selector is shown as Go prints it.
fn unmanaged_sentence(budget: &Object) -> String {
    let selector = at(&budget.spec, &["selector"]);
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let labels: String = labels.into_iter().flatten().map(|(k, v)| format!("{k}: {},", v.as_str().unwrap_or(""))).collect();
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    let expressions: String = expressions
        .into_iter()
        .flatten()
        .map(|e| {
            let values: Vec<&str> = at(e, &["values"]).as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let (key, operator) = (text(e, &["key"]), text(e, &["operator"]));
            format!("LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{}],}},", values.join(" "))
        })
        .collect();
    format!(
        "Pods selected by this PodDisruptionBudget (selector: &LabelSelector{{MatchLabels:map[string]string{{{labels}}},\
         MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}) were found to be unmanaged. As a result, the status of the PDB \
         cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set \
         \".spec.minAvailable\" field of the PDB to an integer value."
    )
}

/// A refused eviction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub code: u16,
    /// The sentence.
    pub message: String,
    /// The cause, when there is one.
    pub cause: Option<String>,
}

/// Evicts a pod unless a budget forbids it. upstream: EvictionREST.Create
pub fn evict(plane: &mut ControlPlane, uid: Uid) -> Result<(), Refusal> {
    let Some(pod) = plane.api.get(uid).cloned() else { return Ok(()) };
    // A pod that does not run yet or any more is not missed.
    if matches!(super::phase(&pod), "Pending" | "Succeeded" | "Failed") || pod.meta.is_deleted() {
        plane.api.delete(uid, Propagation::Background);
        return Ok(());
    }
    let own = |b: &&Arc<Object>| at(&b.spec, &["selector"]).is_object() && selector_of(b).matches(&pod.meta.labels);
    let budgets: Vec<Arc<Object>> = plane.api.list_in("PodDisruptionBudget", &pod.meta.namespace).filter(own).cloned().collect();
    if let [budget] = budgets.as_slice() {
        check(plane, budget, &pod)?;
    } else if budgets.len() > 1 {
        return Err(Refusal { code: 500, message: SEVERAL.to_owned(), cause: None });
    }
    plane.api.delete(uid, Propagation::Background);
    Ok(())
}

/// Whether a budget lets a pod go; it then remembers that. upstream: checkAndDecrement
fn check(plane: &mut ControlPlane, budget: &Object, pod: &Object) -> Result<(), Refusal> {
    let (healthy, desired) = (budget.count("currentHealthy"), budget.count("desiredHealthy"));
    if !pods::is_ready(pod) {
        let always = text(&budget.spec, &["unhealthyPodEvictionPolicy"]) == "AlwaysAllow";
        if always || (healthy >= desired && desired > 0) {
            return Ok(());
        }
    }
    let name = &budget.meta.name;
    let refuse = |cause: String| Refusal { code: 429, message: VIOLATES.to_owned(), cause: Some(cause) };
    if budget.count("observedGeneration") < budget.meta.generation {
        return Err(refuse(format!("The disruption budget {name} is still being processed by the server.")));
    }
    let allowed = budget.count("disruptionsAllowed");
    if allowed <= 0 {
        let condition = at(&budget.status, &["conditions"]).get(0).cloned().unwrap_or_default();
        return Err(refuse(if text(&condition, &["reason"]) == "SyncFailed" {
            let why = text(&condition, &["message"]);
            format!("The disruption budget {name} does not allow evicting pods currently because it failed sync: {why}")
        } else {
            shortage(name, desired, healthy)
        }));
    }
    let now = plane.api.now;
    plane.api.edit(budget.meta.uid, |o| {
        o.status["disruptionsAllowed"] = (allowed - 1).into();
        if !o.status["disruptedPods"].is_object() {
            o.status["disruptedPods"] = json!({});
        }
        o.status["disruptedPods"][pod.meta.name.as_str()] = now.into();
    });
    Ok(())
}
