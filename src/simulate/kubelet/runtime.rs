//! What a node's container runtime has of a pod: its sandbox and the instances of its containers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::prober::Nanos;
use super::prober::ProbeKind;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// The sandbox that a pod's containers run in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sandbox {
    /// There never was one.
    #[default]
    None,
    /// It can hold containers.
    Ready,
    /// It is dead, as after a reboot of its node.
    NotReady,
}

/// What an instance does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was made, but did not start.
    Created,
    /// It runs.
    Running,
    /// It ended with this code.
    Exited(i64),
    /// The runtime cannot tell.
    Unknown,
}

/// One instance of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The name of the container.
    pub name: String,
    /// The id of the instance.
    pub id: String,
    /// The image it was made of.
    pub image: String,
    /// What it does.
    pub state: State,
    /// Why it ended, such as `Completed`, `Error`, `OOMKilled`.
    pub reason: String,
    /// What it said at its end.
    pub message: String,
    /// How many instances came before it.
    pub restarts: i64,
    /// When it started.
    pub started: Nanos,
    /// When it ended.
    pub finished: Nanos,
}

/// What the manager of probes holds for the present instance of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// It passes.
    Success,
    /// It fails.
    Failure,
    /// There is no verdict yet.
    Unknown,
}

/// What the kubelet knows of a pod beside its specification and last status.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The latest sandbox.
    pub sandbox: Sandbox,
    /// How many sandboxes came before it.
    pub attempt: u32,
    /// Instances, newest first.
    pub instances: Vec<Instance>,
    /// Results of probes by container.
    pub probes: BTreeMap<(String, &'static str), ProbeResult>,
    /// What the last attempt to start a container failed with: a reason such as `ImagePullBackOff` and a sentence.
    pub start_errors: BTreeMap<String, (String, String)>,
}

impl Observed {
    /// The newest instance of a container.
    pub fn newest(&self, name: &str) -> Option<&Instance> {
        self.instances.iter().find(|i| i.name == name)
    }

    /// The result of a probe of a container.
    pub fn probe(&self, container: &str, kind: ProbeKind) -> Option<ProbeResult> {
        self.probes.get(&(container.to_owned(), kind.name())).copied()
    }

    /// Whether there is no sandbox to start containers in. upstream: PodSandboxChanged
    pub fn needs_sandbox(&self) -> bool {
        self.sandbox != Sandbox::Ready
    }

    /// Whether a container that is no init container was ever made. upstream: HasAnyRegularContainerCreated
    pub fn any_regular_created(&self, spec: &Value) -> bool {
        list(spec, &["containers"]).iter().any(|c| self.newest(text(c, &["name"])).is_some_and(|i| i.state != State::Unknown))
    }
}

/// The first of a container's restart rules that an exit code falls under. upstream: FindMatchingContainerRestartRule
pub fn restart_rule(container: &Value, code: i64) -> Option<&Value> {
    list(container, &["restartPolicyRules"]).iter().find(|rule| {
        let codes = at(rule, &["exitCodes"]);
        let listed = list(codes, &["values"]).iter().any(|v| v.as_i64() == Some(code));
        match text(codes, &["operator"]) {
            "In" => listed,
            "NotIn" => !listed,
            _ => false,
        }
    })
}

/// Whether a container that ended with a code is started again. upstream: ContainerShouldRestart
pub fn should_restart(container: &Value, spec: &Value, code: i64) -> bool {
    let by = |policy: &str| match policy {
        "Always" => Some(true),
        "OnFailure" => Some(code != 0),
        "Never" => Some(false),
        _ => None,
    };
    let own = text(container, &["restartPolicy"]);
    if !own.is_empty() {
        let rule = restart_rule(container, code).map_or("", |r| text(r, &["action"]));
        if matches!(rule, "Restart" | "RestartAllContainers") {
            return true;
        }
    }
    by(own).or_else(|| by(text(spec, &["restartPolicy"]))).unwrap_or(true)
}

/// Whether a container of a pod is to be started (again). upstream: ShouldContainerBeRestarted
pub fn is_to_start(container: &Value, pod: &Value, observed: &Observed) -> bool {
    if !at(pod, &["metadata", "deletionTimestamp"]).is_null() {
        return false;
    }
    match observed.newest(text(container, &["name"])).map(|i| i.state) {
        Some(State::Running) => false,
        None | Some(State::Unknown | State::Created) => true,
        Some(State::Exited(code)) => should_restart(container, at(pod, &["spec"]), code),
    }
}
