//! The status of a pod as its kubelet reports it: phase, conditions and the state of every container.
//! upstream: pkg/kubelet generateAPIPodStatus, pkg/kubelet/status/generate.go

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::prober::Nanos;
use super::prober::ProbeKind;
use super::runtime::Instance;
use super::runtime::Observed;
use super::runtime::ProbeResult;
use super::runtime::Sandbox;
use super::runtime::State;
use super::runtime::is_to_start;
use super::runtime::restart_rule;
use super::runtime::should_restart;
use crate::simulate::resources;
use crate::simulate::resources::is_sidecar;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// Conditions that the kubelet writes; those of others are kept.
const OWN_CONDITIONS: [&str; 8] = [
    "PodScheduled",
    "Ready",
    "Initialized",
    "ContainersReady",
    "PodReadyToStartContainers",
    "PodResizePending",
    "PodResizeInProgress",
    "AllContainersRestarting",
];
const RESTARTING_ALL: &str = "RestartingAllContainers";

/// A time as the API writes it; whole seconds.
pub fn time(at: Nanos) -> Value {
    jiff::Timestamp::from_second(at.div_euclid(super::prober::SECOND)).map_or(Value::Null, |t| t.to_string().into())
}

/// Whether a status is terminal for good: `terminal` says that all containers have stopped and none will start.
/// The answer is the whole status; `pod` is the manifest with the last status.
pub fn generate(pod: &Value, observed: &Observed, terminal: bool) -> Value {
    generate_after(pod, &Resources::of(at(pod, &["spec"])), at(pod, &["status"]), observed, terminal)
}

/// What every status of a pod says of its resources.
#[derive(Clone, Debug)]
pub struct Resources {
    qos: &'static str,
    /// The requests, `null` when there are none.
    allocated: Value,
    whole: Value,
}

impl Resources {
    /// Those of a pod's spec.
    pub fn of(spec: &Value) -> Self {
        let requests = resources::requests(spec).to_json();
        Self {
            qos: resources::qos(spec).name(),
            allocated: if requests.as_object().is_some_and(|r| !r.is_empty()) { requests } else { Value::Null },
            whole: if at(spec, &["resources"]).is_object() { spec["resources"].clone() } else { json!({}) },
        }
    }
}

/// As [`generate`], with the last status apart from the manifest and what the manifest says of resources, which many pods
/// may share.
pub fn generate_after(pod: &Value, resources: &Resources, old: &Value, observed: &Observed, terminal: bool) -> Value {
    let spec = at(pod, &["spec"]);
    let restarting = restarts_all(spec, old, observed);
    let has_init = !list(spec, &["initContainers"]).is_empty();
    let convert = |kind: Kind, field: &str, status: &str| {
        let context = Context { pod, observed, restarting, has_init, kind };
        context.statuses(list(spec, &[field]), list(old, &[status]))
    };
    let mut init = convert(Kind::Init, "initContainers", "initContainerStatuses");
    let mut regular = convert(Kind::Regular, "containers", "containerStatuses");
    let ephemeral = convert(Kind::Ephemeral, "ephemeralContainers", "ephemeralContainerStatuses");
    let before: Vec<&Value> = regular.iter().chain(&init).collect();
    let started = observed.sandbox == Sandbox::Ready
        && observed.instances.iter().any(|i| list(spec, &["containers"]).iter().any(|c| text(c, &["name"]) == i.name));
    let mut phase = phase(pod, &before, terminal, started);
    let last = text(old, &["phase"]);
    if is_end(last) {
        // There is no way back.
        phase = if last == "Failed" { "Failed" } else { "Succeeded" };
    }
    probes(spec, observed, &mut regular, &mut init);
    let mut out = Map::new();
    out.insert("phase".to_owned(), phase.into());
    if phase == last {
        for field in ["reason", "message"] {
            if !text(old, &[field]).is_empty() {
                out.insert(field.to_owned(), old[field].clone());
            }
        }
    }
    let all: Vec<&Value> = init.iter().chain(&regular).collect();
    out.insert("conditions".to_owned(), conditions(pod, old, observed, phase, &all).into());
    for (field, statuses) in [("initContainerStatuses", init), ("containerStatuses", regular), ("ephemeralContainerStatuses", ephemeral)] {
        if !statuses.is_empty() {
            out.insert(field.to_owned(), statuses.into());
        }
    }
    out.insert("qosClass".to_owned(), resources.qos.into());
    if !resources.allocated.is_null() {
        out.insert("allocatedResources".to_owned(), resources.allocated.clone());
    }
    out.insert("resources".to_owned(), resources.whole.clone());
    out.into()
}

fn is_end(phase: &str) -> bool {
    matches!(phase, "Failed" | "Succeeded")
}

/// Whether a container ended under a rule that starts all of them anew. upstream: ShouldAllContainersRestart
fn restarts_all(spec: &Value, old: &Value, observed: &Observed) -> bool {
    let rule = |c: &Value, code: i64| restart_rule(c, code).is_some_and(|r| text(r, &["action"]) == "RestartAllContainers");
    let known = |name: &str| {
        let all = list(old, &["initContainerStatuses"]).iter().chain(list(old, &["containerStatuses"]));
        all.filter(|s| text(s, &["name"]) == name).find_map(|s| int(s, &["state", "terminated", "exitCode"]))
    };
    let ended = |c: &Value| {
        let name = text(c, &["name"]);
        let now = observed.newest(name).and_then(|i| if let State::Exited(code) = i.state { Some(code) } else { None });
        now.is_some_and(|code| rule(c, code)) || known(name).is_some_and(|code| rule(c, code))
    };
    let condition = list(old, &["conditions"]).iter().find(|c| text(c, &["type"]) == "AllContainersRestarting");
    condition.is_some_and(|c| text(c, &["status"]) == "True") || containers(spec).any(ended)
}

/// Init containers and containers.
fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    list(spec, &["initContainers"]).iter().chain(list(spec, &["containers"]))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Init,
    Regular,
    Ephemeral,
}

/// What the status of one kind of container depends on.
struct Context<'a> {
    pod: &'a Value,
    observed: &'a Observed,
    restarting: bool,
    has_init: bool,
    kind: Kind,
}

impl Context<'_> {
    /// upstream: convertToAPIContainerStatuses
    fn statuses(&self, containers: &[Value], previous: &[Value]) -> Vec<Value> {
        let old = |name: &str| previous.iter().find(|s| text(s, &["name"]) == name);
        let waiting = if self.has_init { "PodInitializing" } else { "ContainerCreating" };
        let mut out: BTreeMap<&str, Value> = BTreeMap::new();
        for container in containers {
            let name = text(container, &["name"]);
            let mut status = json!({
                "name": name, "state": {"waiting": {"reason": waiting}}, "lastState": {}, "ready": false, "restartCount": 0,
                "image": text(container, &["image"]), "imageID": "",
            });
            if let Some(mounts) = volume_mounts(container) {
                status["volumeMounts"] = mounts;
            }
            if let Some(old) = old(name) {
                if at(old, &["state", "terminated"]).is_object() {
                    status = old.clone();
                } else {
                    status["restartCount"] = int(old, &["restartCount"]).unwrap_or(0).into();
                    status["lastState"] = if old["lastState"].is_object() { old["lastState"].clone() } else { json!({}) };
                }
            }
            if let Some(old) = old(name).filter(|_| self.observed.newest(name).is_none()) {
                self.lost(old, &mut status, waiting);
            }
            out.insert(name, status);
        }
        for container in containers {
            let name = text(container, &["name"]);
            let own: Vec<&Instance> = self.observed.instances.iter().filter(|i| i.name == name).take(2).collect();
            let Some(newest) = own.first() else { continue };
            let mut status = self.convert(container, newest, old(name));
            if let Some(before) = own.get(1) {
                status["lastState"] = self.convert(container, before, old(name))["state"].take();
            }
            out.insert(name, status);
        }
        for container in containers {
            let name = text(container, &["name"]);
            if let Some(status) = out.get_mut(name) {
                self.waiting(container, status);
            }
        }
        if self.kind == Kind::Init {
            return containers.iter().filter_map(|c| out.remove(text(c, &["name"]))).collect();
        }
        out.into_values().collect()
    }

    /// A container that the runtime has lost.
    fn lost(&self, old: &Value, status: &mut Value, waiting: &str) {
        let restarts = int(old, &["restartCount"]).unwrap_or(0);
        if self.restarting && at(old, &["state", "waiting"]).is_null() {
            let message = "The container is removed because RestartAllContainers in place";
            status["state"] = json!({"waiting": {"reason": RESTARTING_ALL, "message": message}});
            status["lastState"] = json!({"terminated": {"exitCode": 137, "reason": RESTARTING_ALL, "message": message, "startedAt": null, "finishedAt": null}});
            status["restartCount"] = (restarts + 1).into();
            return;
        }
        let was_running = at(old, &["state", "running"]).is_object();
        let is_default = text(status, &["state", "waiting", "reason"]) == waiting;
        if !was_running || !is_default || at(status, &["lastState", "terminated"]).is_object() {
            return;
        }
        let message = "The container could not be located when the pod was deleted.  The container used to be Running";
        status["lastState"] = json!({"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown", "message": message, "startedAt": null, "finishedAt": null}});
        if at(self.pod, &["metadata", "deletionTimestamp"]).is_null() {
            status["restartCount"] = (int(status, &["restartCount"]).unwrap_or(0) + 1).into();
        }
    }

    /// upstream: convertContainerStatus
    fn convert(&self, container: &Value, instance: &Instance, old: Option<&Value>) -> Value {
        let mut restarts = instance.restarts;
        let mut last = json!({});
        if let Some(old) = old {
            restarts = restarts.max(int(old, &["restartCount"]).unwrap_or(0));
            let ended = at(old, &["state", "terminated"]);
            let before = at(old, &["lastState", "terminated"]);
            if text(old, &["containerID"]) != instance.id && ended.is_object() {
                last = json!({"terminated": ended});
            } else if before.is_object() {
                last = json!({"terminated": before});
            }
        }
        let state = match instance.state {
            State::Running => {
                let again = old.is_some_and(|o| {
                    at(o, &["state", "terminated"]).is_object() && int(o, &["restartCount"]).unwrap_or(0) >= instance.restarts
                });
                if again {
                    restarts = old.and_then(|o| int(o, &["restartCount"])).unwrap_or(0) + 1;
                }
                json!({"running": {"startedAt": time(instance.started)}})
            }
            State::Exited(code) => {
                let mut ended = json!({
                    "exitCode": code, "startedAt": time(instance.started), "finishedAt": time(instance.finished), "containerID": instance.id,
                });
                for (field, value) in [("reason", &instance.reason), ("message", &instance.message)] {
                    if !value.is_empty() {
                        ended[field] = value.as_str().into();
                    }
                }
                json!({"terminated": ended})
            }
            State::Unknown if old.is_some_and(|o| at(o, &["state", "running"]).is_object()) => {
                restarts = old.and_then(|o| int(o, &["restartCount"])).unwrap_or(0) + 1;
                let reason = if self.restarting { RESTARTING_ALL } else { "ContainerStatusUnknown" };
                let message = "The container could not be located when the pod was terminated";
                json!({"terminated": {"exitCode": 137, "reason": reason, "message": message, "startedAt": null, "finishedAt": null}})
            }
            State::Created | State::Unknown => json!({"waiting": {}}),
        };
        let given = at(container, &["resources"]);
        let mut out = json!({
            "name": instance.name, "state": state, "lastState": last, "ready": false, "restartCount": restarts, "image": instance.image,
            "imageID": "", "containerID": instance.id, "resources": if given.is_object() { given.clone() } else { json!({}) },
        });
        if let Some(mounts) = old.map(|o| at(o, &["volumeMounts"])).filter(|m| m.is_array()) {
            out["volumeMounts"] = mounts.clone();
        }
        let requests = at(given, &["requests"]);
        if requests.as_object().is_some_and(|r| !r.is_empty()) {
            out["allocatedResources"] = requests.clone();
        }
        if instance.state == State::Running
            && let Some(started) = old.map(|o| at(o, &["started"])).filter(|s| s.is_boolean())
        {
            out["started"] = started.clone();
        }
        out
    }

    /// A container that is about to start waits, with the reason its last attempt failed for.
    fn waiting(&self, container: &Value, status: &mut Value) {
        let name = text(container, &["name"]);
        if self.kind == Kind::Init {
            let newest = self.observed.newest(name);
            if newest.is_some_and(|i| i.state == State::Exited(0)) {
                return;
            }
            let spec = at(self.pod, &["spec"]);
            let is_waiting = at(status, &["state", "waiting"]).is_object();
            if newest.is_none() && is_waiting && !is_sidecar(container) && self.observed.any_regular_created(spec) {
                let message =
                    "Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally";
                status["state"] = json!({"terminated": {"exitCode": 0, "reason": "Completed", "message": message, "startedAt": null, "finishedAt": null}});
                return;
            }
        }
        if !is_to_start(container, self.pod, self.observed) {
            return;
        }
        let Some((reason, message)) = self.observed.start_errors.get(name) else { return };
        if at(status, &["state", "terminated"]).is_object() {
            status["lastState"] = status["state"].clone();
        }
        let mut waiting = json!({"reason": reason});
        if !message.is_empty() {
            waiting["message"] = message.as_str().into();
        }
        status["state"] = json!({"waiting": waiting});
    }
}

fn volume_mounts(container: &Value) -> Option<Value> {
    let mounts = list(container, &["volumeMounts"]);
    let one = |m: &Value| {
        let mut out = json!({"name": m["name"], "mountPath": m["mountPath"]});
        if at(m, &["readOnly"]) == true {
            out["readOnly"] = true.into();
            let whole = text(m, &["recursiveReadOnly"]) == "Enabled";
            out["recursiveReadOnly"] = if whole { "Enabled" } else { "Disabled" }.into();
        }
        out
    };
    (!mounts.is_empty()).then(|| mounts.iter().map(one).collect())
}

fn status_of<'a>(all: &[&'a Value], name: &str) -> Option<&'a Value> {
    all.iter().find(|s| text(s, &["name"]) == name).copied()
}

/// How containers are doing, by number.
#[derive(Default)]
struct Tally {
    pending_init: usize,
    pending_sidecars: usize,
    failed_init: usize,
    unknown: usize,
    running: usize,
    waiting: usize,
    stopped: usize,
    stopped_for_good: usize,
    succeeded: usize,
}

impl Tally {
    fn init(&mut self, container: &Value, spec: &Value, status: Option<&Value>) {
        let state = status.map_or(&Value::Null, |s| at(s, &["state"]));
        let last = status.map_or(&Value::Null, |s| at(s, &["lastState", "terminated"]));
        let ended = match (&state["terminated"], &state["waiting"]) {
            (ended @ Value::Object(_), _) => ended,
            (_, Value::Object(_)) if last.is_object() => last,
            _ => {
                self.pending_init += 1;
                return;
            }
        };
        let code = int(ended, &["exitCode"]).unwrap_or(0);
        if code != 0 && !should_restart(container, spec, code) && text(ended, &["reason"]) != RESTARTING_ALL {
            self.failed_init += 1;
        }
    }

    fn sidecar(&mut self, status: Option<&Value>) {
        let Some(status) = status else {
            self.unknown += 1;
            return;
        };
        let state = at(status, &["state"]);
        if state["running"].is_object() {
            // upstream judges by what the last status said of it.
            self.pending_sidecars += usize::from(at(status, &["started"]) != true);
            self.running += 1;
        } else if state["waiting"].is_object() {
            if !at(status, &["lastState", "terminated"]).is_object() {
                self.pending_sidecars += 1;
                self.waiting += 1;
            }
        } else if !state["terminated"].is_object() {
            self.pending_sidecars += 1;
            self.unknown += 1;
        }
    }

    fn regular(&mut self, container: &Value, spec: &Value, status: Option<&Value>) {
        let Some(status) = status else {
            self.unknown += 1;
            return;
        };
        let state = at(status, &["state"]);
        let last = at(status, &["lastState", "terminated"]);
        let mut stop = |ended: &Value| {
            self.stopped += 1;
            let code = int(ended, &["exitCode"]).unwrap_or(0);
            let again = should_restart(container, spec, code) || text(ended, &["reason"]) == RESTARTING_ALL;
            self.stopped_for_good += usize::from(!again);
            code
        };
        if state["running"].is_object() {
            self.running += 1;
        } else if state["terminated"].is_object() {
            let code = stop(&state["terminated"]);
            self.succeeded += usize::from(code == 0);
        } else if !state["waiting"].is_object() {
            self.unknown += 1;
        } else if last.is_object() {
            stop(last);
        } else {
            self.waiting += 1;
        }
    }
}

/// upstream: getPhase
fn phase(pod: &Value, statuses: &[&Value], terminal: bool, started: bool) -> &'static str {
    let spec = at(pod, &["spec"]);
    let mut tally = Tally::default();
    for container in list(spec, &["initContainers"]) {
        let status = status_of(statuses, text(container, &["name"]));
        if is_sidecar(container) {
            tally.sidecar(status);
        } else {
            tally.init(container, spec, status);
        }
    }
    for container in list(spec, &["containers"]) {
        tally.regular(container, spec, status_of(statuses, text(container, &["name"])));
    }
    let mirror = "kubernetes.io/config.source";
    let is_static = at(pod, &["metadata", "annotations"]).get(mirror).and_then(Value::as_str).is_some_and(|s| s != "api");
    let end = if tally.stopped == tally.succeeded { "Succeeded" } else { "Failed" };
    if tally.failed_init > 0 {
        "Failed"
    } else if tally.pending_init > 0 || (tally.pending_sidecars > 0 && !started) || tally.waiting > 0 || tally.unknown > 0 {
        "Pending"
    } else if tally.running > 0 {
        "Running"
    } else if tally.stopped == 0 {
        "Pending"
    } else if terminal && !is_static {
        end
    } else if tally.stopped != tally.stopped_for_good {
        "Running"
    } else {
        end
    }
}

/// Sets `started` and `ready` from the results of probes. upstream: prober.manager.UpdatePodStatus
fn probes(spec: &Value, observed: &Observed, regular: &mut [Value], init: &mut [Value]) {
    let all = [("containers", regular), ("initContainers", init)];
    for (field, statuses) in all {
        for status in statuses {
            let name = text(status, &["name"]).to_owned();
            let container = list(spec, &[field]).iter().find(|c| text(c, &["name"]) == name).unwrap_or(&Value::Null);
            let is_running = at(status, &["state", "running"]).is_object();
            let result = |kind: ProbeKind| observed.probe(&name, kind).filter(|_| at(container, &[kind.field()]).is_object());
            let started = is_running
                && match result(ProbeKind::Startup) {
                    Some(result) => result == ProbeResult::Success,
                    None => at(status, &["started"]) == true || !at(container, &["startupProbe"]).is_object(),
                };
            status["started"] = started.into();
            if field == "initContainers" && !is_sidecar(container) {
                if int(status, &["state", "terminated", "exitCode"]) == Some(0) {
                    status["ready"] = true.into();
                }
            } else if started {
                let probed = at(container, &["readinessProbe"]).is_object();
                status["ready"] = (!probed || result(ProbeKind::Readiness) == Some(ProbeResult::Success)).into();
            }
        }
    }
}

/// A condition of this pod's generation.
fn condition(pod: &Value, kind: &str, status: bool, reason: &str, message: &str) -> Value {
    let mut out = json!({"type": kind, "status": if status { "True" } else { "False" }});
    if let Some(generation) = int(pod, &["metadata", "generation"]).filter(|g| *g != 0) {
        out["observedGeneration"] = generation.into();
    }
    for (field, value) in [("reason", reason), ("message", message)] {
        if !value.is_empty() {
            out[field] = value.into();
        }
    }
    out
}

/// The conditions in upstream's order.
fn conditions(pod: &Value, old: &Value, observed: &Observed, phase: &str, statuses: &[&Value]) -> Vec<Value> {
    let spec = at(pod, &["spec"]);
    let foreign = |c: &&Value| !OWN_CONDITIONS.contains(&text(c, &["type"]));
    let mut out: Vec<Value> = list(old, &["conditions"]).iter().filter(foreign).cloned().collect();
    out.push(condition(pod, "PodReadyToStartContainers", !observed.needs_sandbox(), "", ""));
    out.push(initialized(pod, old, phase, statuses));
    let (ready, reason, message) = containers_ready(spec, phase, statuses);
    let gates = gates(spec, &out);
    out.push(if ready && !gates.is_empty() {
        condition(pod, "Ready", false, "ReadinessGatesNotReady", &gates.join(", "))
    } else {
        condition(pod, "Ready", ready, reason, &message)
    });
    out.push(condition(pod, "ContainersReady", ready, reason, &message));
    out.push(condition(pod, "PodScheduled", true, "", ""));
    let ruled = |c: &Value| list(c, &["restartPolicyRules"]).iter().any(|r| text(r, &["action"]) == "RestartAllContainers");
    if containers(spec).any(ruled) {
        let cleaned = containers(spec).all(|c| observed.newest(text(c, &["name"])).is_none());
        let kind = "AllContainersRestarting";
        out.push(match phase {
            "Succeeded" => json!({"type": kind, "status": "False", "reason": "PodCompleted"}),
            "Failed" => json!({"type": kind, "status": "False", "reason": "PodFailed"}),
            _ if cleaned || !restarts_all(spec, old, observed) => json!({"type": kind, "status": "False"}),
            _ => json!({
                "type": kind, "status": "True", "reason": "RestartAllContainersStarted", "message": "container exited with restart policy rule",
            }),
        });
    }
    out
}

/// `[a b]`: a list as Go prints it.
fn names(all: &[&str]) -> String {
    format!("[{}]", all.join(" "))
}

/// upstream: GeneratePodInitializedCondition
fn initialized(pod: &Value, old: &Value, phase: &str, statuses: &[&Value]) -> Value {
    let kind = "Initialized";
    let spec = at(pod, &["spec"]);
    let (mut unknown, mut incomplete) = (Vec::new(), Vec::new());
    for container in list(spec, &["initContainers"]) {
        let name = text(container, &["name"]);
        match status_of(statuses, name) {
            None => unknown.push(name),
            Some(status) if at(status, &[if is_sidecar(container) { "started" } else { "ready" }]) != true => incomplete.push(name),
            Some(_) => {}
        }
    }
    if phase == "Succeeded" && unknown.is_empty() {
        return condition(pod, kind, true, "PodCompleted", "");
    }
    let runs = |c: &Value| {
        let state = status_of(statuses, text(c, &["name"])).map_or(&Value::Null, |s| at(s, &["state"]));
        state["running"].is_object() || state["terminated"].is_object()
    };
    let was = list(old, &["conditions"]).iter().any(|c| text(c, &["type"]) == kind && text(c, &["status"]) == "True");
    if was || list(spec, &["containers"]).iter().any(runs) {
        return condition(pod, kind, true, "", "");
    }
    let mut messages = Vec::new();
    if !unknown.is_empty() {
        messages.push(format!("containers with unknown status: {}", names(&unknown)));
    }
    if !incomplete.is_empty() {
        messages.push(format!("containers with incomplete status: {}", names(&incomplete)));
    }
    let reason = if messages.is_empty() { "" } else { "ContainersNotInitialized" };
    condition(pod, kind, messages.is_empty(), reason, &messages.join(", "))
}

/// upstream: GenerateContainersReadyCondition
fn containers_ready(spec: &Value, phase: &str, statuses: &[&Value]) -> (bool, &'static str, String) {
    let (mut unknown, mut unready) = (Vec::new(), Vec::new());
    for container in containers(spec) {
        let is_init = list(spec, &["initContainers"]).iter().any(|c| std::ptr::eq(c, container));
        if is_init && !is_sidecar(container) {
            continue;
        }
        let name = text(container, &["name"]);
        match status_of(statuses, name) {
            None => unknown.push(name),
            Some(status) if at(status, &["ready"]) != true => unready.push(name),
            Some(_) => {}
        }
    }
    match phase {
        "Succeeded" if unknown.is_empty() => return (false, "PodCompleted", String::new()),
        "Failed" => return (false, "PodFailed", String::new()),
        _ => {}
    }
    let mut messages = Vec::new();
    if !unknown.is_empty() {
        messages.push(format!("containers with unknown status: {}", names(&unknown)));
    }
    if !unready.is_empty() {
        messages.push(format!("containers with unready status: {}", names(&unready)));
    }
    if messages.is_empty() { (true, "", String::new()) } else { (false, "ContainersNotReady", messages.join(", ")) }
}

/// What keeps readiness gates shut. upstream: GeneratePodReadyCondition
fn gates(spec: &Value, conditions: &[Value]) -> Vec<String> {
    let shut = |gate: &Value| {
        let kind = text(gate, &["conditionType"]);
        match conditions.iter().find(|c| text(c, &["type"]) == kind) {
            None => Some(format!("corresponding condition of pod readiness gate {kind:?} does not exist.")),
            Some(c) if text(c, &["status"]) != "True" => {
                Some(format!("the status of pod readiness gate {kind:?} is not \"True\", but {}", text(c, &["status"])))
            }
            Some(_) => None,
        }
    };
    list(spec, &["readinessGates"]).iter().filter_map(shut).collect()
}
