//! What the kubelet does about a pod next. upstream: pkg/kubelet/kuberuntime computePodActions

use serde_json::Value;

use super::prober::ProbeKind;
use super::runtime::Instance;
use super::runtime::Observed;
use super::runtime::ProbeResult;
use super::runtime::Sandbox;
use super::runtime::State;
use super::runtime::is_to_start;
use super::runtime::should_restart;
use crate::simulate::resources::is_sidecar;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// A container that is to be stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kill {
    /// Its name.
    pub name: String,
    /// Such as `LivenessProbe`; empty when its definition changed.
    pub reason: &'static str,
    /// The sentence of the event.
    pub message: String,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    /// All containers and the sandbox are stopped.
    pub kill_pod: bool,
    /// A new sandbox is made.
    pub create_sandbox: bool,
    /// The number of that sandbox.
    pub attempt: u32,
    /// Containers to stop.
    pub kill: Vec<Kill>,
    /// Init containers to start, by their place.
    pub init_to_start: Vec<usize>,
    /// Containers to start, by their place.
    pub to_start: Vec<usize>,
    /// Ephemeral containers to start, by their place.
    pub ephemeral_to_start: Vec<usize>,
}

fn name(container: &Value) -> &str {
    text(container, &["name"])
}

/// Whether the container of an instance is defined otherwise now. upstream: containerChanged
fn is_changed(container: &Value, instance: &Instance) -> bool {
    text(container, &["image"]) != instance.image
}

/// What to do about a pod, given its manifest with metadata and spec.
pub fn compute(pod: &Value, observed: &Observed) -> Actions {
    let spec = at(pod, &["spec"]);
    let never = text(spec, &["restartPolicy"]) == "Never";
    if observed.needs_sandbox() {
        return with_new_sandbox(spec, observed, never);
    }
    let mut out = Actions { attempt: observed.attempt, ..Actions::default() };
    for (i, container) in list(spec, &["ephemeralContainers"]).iter().enumerate() {
        if observed.newest(name(container)).is_none() {
            out.ephemeral_to_start.push(i);
        }
    }
    let initialized = init_containers(pod, observed, never, &mut out);
    if out.kill_pod || !initialized {
        return out;
    }
    let mut kept = 0;
    for (i, container) in list(spec, &["containers"]).iter().enumerate() {
        let instance = observed.newest(name(container));
        let Some(instance) = instance.filter(|n| n.state == State::Running) else {
            if is_to_start(container, pod, observed) {
                out.to_start.push(i);
                if instance.is_some_and(|n| n.state == State::Unknown) {
                    out.kill.push(unknown("Container", container));
                }
            }
            continue;
        };
        let own = text(container, &["restartPolicy"]);
        let mut again = if own.is_empty() { !never } else { own != "Never" };
        let failed = |kind| observed.probe(name(container), kind) == Some(ProbeResult::Failure);
        let (what, reason) = if is_changed(container, instance) {
            again = true;
            ("definition changed", "")
        } else if failed(ProbeKind::Liveness) {
            ("failed liveness probe", "LivenessProbe")
        } else if failed(ProbeKind::Startup) {
            ("failed startup probe", "StartupProbe")
        } else {
            kept += 1;
            continue;
        };
        let mut message = format!("Container {} {what}", name(container));
        if again {
            message.push_str(", will be restarted");
            out.to_start.push(i);
        }
        out.kill.push(Kill { name: name(container).to_owned(), reason, message });
    }
    if kept == 0 && out.to_start.is_empty() {
        // Sidecars do not keep a pod alive.
        out.kill_pod = true;
        out.init_to_start.clear();
    }
    out
}

fn unknown(what: &str, container: &Value) -> Kill {
    let message = format!("{what} is in \"unknown\" state, try killing it before restart");
    Kill { name: name(container).to_owned(), reason: "Unknown", message }
}

fn with_new_sandbox(spec: &Value, observed: &Observed, never: bool) -> Actions {
    let attempt = if observed.sandbox == Sandbox::None { 0 } else { observed.attempt + 1 };
    let mut out = Actions { kill_pod: true, create_sandbox: true, attempt, ..Actions::default() };
    if never && attempt != 0 && !observed.instances.is_empty() {
        out.create_sandbox = false;
        return out;
    }
    let to_start = |(_, container): &(usize, &Value)| {
        let own = text(container, &["restartPolicy"]);
        let once = if own.is_empty() { text(spec, &["restartPolicy"]) } else { own } == "OnFailure";
        !(once && observed.newest(name(container)).is_some_and(|i| i.state == State::Exited(0)))
    };
    let places: Vec<usize> = list(spec, &["containers"]).iter().enumerate().filter(to_start).map(|(i, _)| i).collect();
    if places.is_empty() && observed.any_regular_created(spec) {
        out.create_sandbox = false;
    } else if list(spec, &["initContainers"]).is_empty() {
        out.to_start = places;
    } else {
        out.init_to_start = vec![0];
    }
    out
}

/// Whether the pod is initialized. upstream: computeInitContainerActions
fn init_containers(pod: &Value, observed: &Observed, never: bool, out: &mut Actions) -> bool {
    let spec = at(pod, &["spec"]);
    let all = list(spec, &["initContainers"]);
    if all.is_empty() {
        return true;
    }
    let lives = |c: &Value| observed.newest(name(c)).is_some_and(|i| matches!(i.state, State::Created | State::Running));
    let mut initialized = list(spec, &["containers"]).iter().any(lives);
    // Whether one that comes later has been reached.
    let mut passed = initialized;
    let mut start: Vec<usize> = Vec::new();
    for (i, container) in all.iter().enumerate().rev() {
        let sidecar = is_sidecar(container);
        let Some(instance) = observed.newest(name(container)) else {
            if passed && sidecar {
                start.push(i);
            }
            continue;
        };
        if passed && !sidecar {
            continue;
        }
        let mut done = false;
        match instance.state {
            State::Created => start.push(i),
            State::Running if !sidecar => {}
            State::Running => match observed.probe(name(container), ProbeKind::Startup) {
                Some(ProbeResult::Success) => done = true,
                Some(ProbeResult::Failure) if has(container, ProbeKind::Startup) => {
                    let message = format!("Init container {} failed startup probe", name(container));
                    out.kill.push(Kill { name: name(container).to_owned(), reason: "StartupProbe", message });
                    start.push(i);
                }
                _ => done = !has(container, ProbeKind::Startup),
            },
            State::Exited(_) if sidecar => start.push(i),
            State::Exited(code) if code != 0 || instance.reason == "OOMKilled" => {
                if !should_restart(container, spec, code) || !at(pod, &["metadata", "deletionTimestamp"]).is_null() {
                    out.kill_pod = true;
                    return false;
                }
                start.push(i);
            }
            State::Exited(_) => done = true,
            State::Unknown => {
                let own = text(container, &["restartPolicy"]);
                if !sidecar && (own == "Never" || (own.is_empty() && never)) {
                    out.kill_pod = true;
                    return false;
                }
                out.kill.push(unknown("Init container", container));
                start.push(i);
            }
        }
        if done {
            if i + 1 == all.len() {
                initialized = true;
            } else if !sidecar || !passed {
                start.push(i + 1);
            }
            if sidecar && instance.state == State::Running {
                let (what, reason) = if is_changed(container, instance) {
                    ("definition changed", "")
                } else if has(container, ProbeKind::Liveness)
                    && observed.probe(name(container), ProbeKind::Liveness) == Some(ProbeResult::Failure)
                {
                    ("failed liveness probe", "LivenessProbe")
                } else {
                    ("", "")
                };
                if !what.is_empty() {
                    let message = format!("Init container {} {what}", name(container));
                    out.kill.push(Kill { name: name(container).to_owned(), reason, message });
                    start.push(i);
                }
            }
        }
        passed = true;
    }
    if !passed {
        start.push(0);
    }
    start.reverse();
    out.init_to_start = start;
    initialized
}

fn has(container: &Value, kind: ProbeKind) -> bool {
    at(container, &[kind.field()]).is_object()
}
