//! The status of a pod as its kubelet writes it: conditions, containers, phase. upstream: pkg/kubelet/kubelet_pods.go

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// The order in which a kubelet writes conditions.
const ORDER: &[&str] = &["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];

/// Sets a condition; the transition keeps its time while the status stays.
pub(super) fn set_condition(status: &mut Value, kind: &str, holds: bool, why: Option<(&str, &str)>, now: Nanos) {
    if !status.is_object() {
        *status = Value::Object(Map::new());
    }
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let mut new = json!({
        "type": kind,
        "status": if holds { "True" } else { "False" },
        "lastProbeTime": null,
        "lastTransitionTime": now,
    });
    if let Some((reason, message)) = why {
        new["reason"] = reason.into();
        if !message.is_empty() {
            new["message"] = message.into();
        }
    }
    let Some(all) = status["conditions"].as_array_mut() else { return };
    if let Some(old) = all.iter_mut().find(|c| c["type"] == kind) {
        if old["status"] == new["status"] {
            new["lastTransitionTime"] = old["lastTransitionTime"].clone();
        }
        *old = new;
        return;
    }
    all.push(new);
    let rank = |c: &Value| ORDER.iter().position(|k| c["type"] == *k).unwrap_or(ORDER.len());
    all.sort_by_key(rank);
}

/// Whether an init container goes on beside the others.
pub(super) fn is_sidecar(container: &Value) -> bool {
    text(container, &["restartPolicy"]) == "Always"
}

/// The statuses of all containers before any has started.
pub(super) fn waiting(containers: &[Value], reason: &str) -> Value {
    let one = |c: &Value| {
        let mut out = json!({
            "name": text(c, &["name"]),
            "image": text(c, &["image"]),
            "imageID": "",
            "ready": false,
            "restartCount": 0,
            "started": false,
            "lastState": {},
            "state": {"waiting": {"reason": reason}},
        });
        if !list(c, &["volumeMounts"]).is_empty() {
            out["volumeMounts"] = at(c, &["volumeMounts"]).clone();
        }
        out
    };
    containers.iter().map(one).collect()
}

/// Changes the status of one container; `init` tells of which list.
pub(super) fn edit_container(pod: &mut Object, init: bool, index: usize, change: impl FnOnce(&mut Value)) {
    let key = if init { "initContainerStatuses" } else { "containerStatuses" };
    if let Some(status) = pod.status_mut().get_mut(key).and_then(|all| all.get_mut(index)) {
        change(status);
    }
}

/// A container's state as one word: `waiting`, `running`, `terminated` or nothing.
fn state(status: &Value) -> &str {
    at(status, &["state"]).as_object().and_then(|m| m.keys().next()).map_or("", String::as_str)
}

fn exit_code(status: &Value) -> Option<i64> {
    int(status, &["state", "terminated", "exitCode"])
}

/// Whether the init containers have done their part.
fn is_initialized(pod: &Object) -> bool {
    list(&pod.spec, &["initContainers"])
        .iter()
        .zip(list(&pod.status, &["initContainerStatuses"]))
        .all(|(c, s)| if is_sidecar(c) { at(s, &["started"]) == true } else { exit_code(s) == Some(0) })
        && list(&pod.spec, &["initContainers"]).len() == list(&pod.status, &["initContainerStatuses"]).len()
}

/// Computes phase and conditions from the containers. upstream: getPhase, status.Generate*Condition
pub(super) fn conclude(pod: &mut Object, now: Nanos) {
    let initialized = is_initialized(pod);
    let containers: Vec<Value> = list(&pod.status, &["containerStatuses"]).to_vec();
    let policy = match text(&pod.spec, &["restartPolicy"]) {
        "" => "Always",
        policy => policy,
    };
    let failed_init = policy == "Never"
        && list(&pod.spec, &["initContainers"])
            .iter()
            .zip(list(&pod.status, &["initContainerStatuses"]))
            .any(|(c, s)| !is_sidecar(c) && exit_code(s).is_some_and(|code| code != 0));
    let running = containers.iter().filter(|c| state(c) == "running").count();
    let waits = containers.iter().filter(|c| state(c) == "waiting").count();
    let started_before = containers.iter().any(|c| !at(c, &["lastState", "terminated"]).is_null());
    let succeeded = containers.iter().filter(|c| exit_code(c) == Some(0)).count();
    let stopped = containers.iter().filter(|c| exit_code(c).is_some()).count();
    // Some containers wait for their first start.
    let starting = waits > 0 && !started_before && (running > 0 || stopped == 0);
    let phase = if failed_init {
        "Failed"
    } else if !initialized || starting {
        "Pending"
    } else if running > 0 || waits > 0 {
        "Running"
    } else if stopped > 0 && stopped == containers.len() {
        match policy {
            "Always" => "Running",
            _ if succeeded == stopped => "Succeeded",
            "Never" => "Failed",
            _ => "Running",
        }
    } else {
        "Pending"
    };
    let names = |wanted: &dyn Fn(&Value) -> bool| {
        let mut names: Vec<&str> = containers.iter().filter(|c| wanted(c)).map(|c| text(c, &["name"])).collect();
        names.extend(
            list(&pod.spec, &["initContainers"])
                .iter()
                .zip(list(&pod.status, &["initContainerStatuses"]))
                .filter(|(c, s)| is_sidecar(c) && wanted(s))
                .map(|(_, s)| text(s, &["name"])),
        );
        names.join(" ")
    };
    let unready = names(&|c| at(c, &["ready"]) != true);
    let over = matches!(phase, "Succeeded" | "Failed");
    let (ready, why) = if phase == "Succeeded" {
        (false, Some(("PodCompleted", String::new())))
    } else if phase == "Failed" {
        (false, Some(("PodFailed", String::new())))
    } else if unready.is_empty() && initialized {
        (true, None)
    } else {
        (false, Some(("ContainersNotReady", format!("containers with unready status: [{unready}]"))))
    };
    let gates: Vec<&str> = list(&pod.spec, &["readinessGates"]).iter().map(|g| text(g, &["conditionType"])).collect();
    let holds =
        |kind: &str| list(&pod.status, &["conditions"]).iter().any(|c| text(c, &["type"]) == kind && text(c, &["status"]) == "True");
    let missing: Vec<&str> = gates.into_iter().filter(|g| !holds(g)).collect();
    let incomplete: Vec<&str> = list(&pod.spec, &["initContainers"])
        .iter()
        .zip(list(&pod.status, &["initContainerStatuses"]))
        .filter(|(c, s)| if is_sidecar(c) { at(s, &["started"]) != true } else { exit_code(s) != Some(0) })
        .map(|(_, s)| text(s, &["name"]))
        .collect();
    let incomplete = format!("containers with incomplete status: [{}]", incomplete.join(" "));
    let gate_why = missing.first().map(|g| format!("corresponding condition of pod readiness gate \"{g}\" does not exist."));
    let status = pod.status_mut();
    status.insert("phase".to_owned(), phase.into());
    let mut all = Value::Object(std::mem::take(status));
    let pair = why.as_ref().map(|(reason, message)| (*reason, message.as_str()));
    let init_why = if initialized {
        over.then_some(("PodCompleted", "")).filter(|_| phase == "Succeeded")
    } else {
        Some(("ContainersNotInitialized", incomplete.as_str()))
    };
    set_condition(&mut all, "Initialized", initialized, init_why, now);
    set_condition(&mut all, "ContainersReady", ready, pair, now);
    match &gate_why {
        Some(message) if ready => set_condition(&mut all, "Ready", false, Some(("ReadinessGatesNotReady", message)), now),
        _ => set_condition(&mut all, "Ready", ready, pair, now),
    }
    set_condition(&mut all, "PodReadyToStartContainers", !over, None, now);
    pod.status = all;
}

/// How well a pod's resources are promised. upstream: pkg/apis/core/v1/helper/qos
pub(super) fn qos_class(spec: &Value) -> &'static str {
    let mut guaranteed = true;
    let mut any = false;
    for container in list(spec, &["initContainers"]).iter().chain(list(spec, &["containers"])) {
        for resource in ["cpu", "memory"] {
            let request = at(container, &["resources", "requests", resource]);
            let limit = at(container, &["resources", "limits", resource]);
            any |= !request.is_null() || !limit.is_null();
            guaranteed &= !limit.is_null() && (request.is_null() || request == limit);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
