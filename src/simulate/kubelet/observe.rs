//! What happens to a pod's containers as its node sees it, and what the node reports of it: the same for a prediction and
//! for a cluster that lives on.

use serde_json::Value;

use super::actions;
use super::pod_life::What;
use super::prober::Event;
use super::prober::Nanos;
use super::prober::SECOND;
use super::runtime::Instance;
use super::runtime::Observed;
use super::runtime::ProbeResult;
use super::runtime::Sandbox;
use super::runtime::State;
use super::status;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Shared;
use crate::simulate::apiserver::object::time;
use crate::simulate::apiserver::object::uid_text;
use crate::simulate::controllers::conditions;
use crate::simulate::resources::is_sidecar;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;
use crate::sprig::Duration;

/// Digits that look like those of a digest, always the same for the same text.
fn digest(text: &str) -> String {
    let hash = |seed: u64| text.bytes().fold(seed, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3).rotate_left(5));
    [0xcbf2_9ce4_8422_2325, 0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb]
        .map(|s| format!("{:016x}", hash(s)))
        .concat()
}

/// Ends an instance; what a program says of itself by its code.
pub fn end(instance: &mut Instance, code: i64, now: Nanos) {
    instance.state = State::Exited(code);
    instance.reason = if code == 0 { "Completed" } else { "Error" }.to_owned();
    instance.finished = now;
}

/// Ends all that runs.
pub fn end_all(observed: &mut Observed, code: i64, now: Nanos) {
    observed.instances.iter_mut().filter(|i| i.state == State::Running).for_each(|i| end(i, code, now));
}

/// The id of the `n`th instance of a container of a pod, counted from 1.
pub fn instance_id(pod: &Object, container: &str, n: u32) -> String {
    format!("containerd://{}", digest(&format!("{}/{container}/{n}", pod.meta.uid)))
}

/// Starts the `n`th instance of a container, counted from 1.
pub fn start(observed: &mut Observed, pod: &Object, container: &Value, n: u32, now: Nanos) {
    let name = text(container, &["name"]);
    let instance = Instance {
        name: name.to_owned(),
        id: instance_id(pod, name, n),
        image: text(container, &["image"]).to_owned(),
        state: State::Running,
        reason: String::new(),
        message: String::new(),
        restarts: i64::from(n) - 1,
        started: now,
        finished: 0,
    };
    // Only the last two instances are reported.
    let old: Vec<usize> = (0..observed.instances.len()).filter(|i| observed.instances[*i].name == name).skip(1).collect();
    old.into_iter().rev().for_each(|i| drop(observed.instances.remove(i)));
    observed.instances.insert(0, instance);
    observed.start_errors.remove(name);
    for kind in ["liveness", "readiness", "startup"] {
        observed.probes.insert((name.to_owned(), kind), ProbeResult::Unknown);
    }
}

/// Something happens to a container of a pod; whether `kubectl get` would show it.
pub fn happen(observed: &mut Observed, pod: &Object, container: &Value, what: What, now: Nanos) -> bool {
    let name = text(container, &["name"]);
    // A sidecar that was stopped for good stays so.
    let over = observed.newest(name).is_some_and(|i| i.state != State::Running);
    let mut result = |kind: &'static str, result: ProbeResult| observed.probes.insert((name.to_owned(), kind), result);
    match what {
        What::PullFailed | What::PullBackOff => {
            let image = text(container, &["image"]);
            let (reason, message) = if what == What::PullFailed {
                ("ErrImagePull", format!("failed to pull and unpack image \"{image}\": not found"))
            } else {
                ("ImagePullBackOff", format!("Back-off pulling image \"{image}\": ErrImagePull: not found"))
            };
            observed.start_errors.insert(name.to_owned(), (reason.to_owned(), message));
        }
        What::Event(Event::Start(n)) => start(observed, pod, container, n, now),
        What::Event(Event::Exit(code)) => {
            if let Some(instance) = observed.instances.iter_mut().find(|i| i.name == name && i.state == State::Running) {
                end(instance, code, now);
            }
        }
        What::Event(Event::Started(yes)) => {
            if !over {
                result("startup", if yes { ProbeResult::Success } else { ProbeResult::Unknown });
            }
            return false;
        }
        What::Event(Event::Ready(yes)) => {
            result("readiness", if yes { ProbeResult::Success } else { ProbeResult::Failure });
        }
        What::Event(Event::Kill(..)) => return false,
        What::Event(Event::BackOff(wait)) => {
            let place = format!("{}_{}({})", pod.meta.name, pod.meta.namespace, uid_text(pod.meta.uid));
            let message = format!("back-off {} restarting failed container={name} pod={place}", Duration(wait).text());
            observed.start_errors.insert(name.to_owned(), ("CrashLoopBackOff".to_owned(), message));
        }
    }
    true
}

/// What the status of a pod depends on and pods of a template share.
#[derive(Clone, Debug)]
pub struct Manifest {
    value: Value,
    resources: status::Resources,
}

impl Manifest {
    /// That of a pod.
    pub fn of(pod: &Object) -> Self {
        Self { value: manifest(pod), resources: status::Resources::of(&pod.spec) }
    }
}

/// The status that a node reports of a pod: conditions keep the time of their last change, and what others wrote stays.
pub fn report_of(manifest: &Manifest, pod: &Object, observed: &Observed, now: Nanos) -> Value {
    let mut out = status::generate_after(&manifest.value, &manifest.resources, &pod.status, observed, false);
    for condition in out["conditions"].as_array_mut().into_iter().flatten() {
        let old = conditions::get(&pod.status, text(condition, &["type"])).filter(|c| c["status"] == condition["status"]);
        let since = old.map(|c| c["lastTransitionTime"].clone()).filter(|t| !t.is_null());
        condition["lastTransitionTime"] = since.unwrap_or_else(|| (now / SECOND * SECOND).into());
        condition["lastProbeTime"] = Value::Null;
    }
    for field in ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"] {
        for status in out.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
            if status["containerID"].is_string() {
                let image = text(status, &["image"]);
                let repository = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(image, |(name, _)| name);
                status["imageID"] = format!("{repository}@sha256:{}", digest(image)).into();
            }
        }
    }
    let start = at(&pod.status, &["startTime"]);
    out["startTime"] = if start.is_null() { (now / SECOND * SECOND).into() } else { start.clone() };
    for field in ["hostIP", "hostIPs", "podIP", "podIPs", "observedGeneration"] {
        if let Some(value) = pod.status.get(field) {
            out[field] = value.clone();
        }
    }
    out
}

/// Whether only sidecars run, of a pod that is done. upstream: computePodActions
pub fn sidecars_left(manifest: &Manifest, observed: &Observed) -> bool {
    let has_sidecars = list(&manifest.value, &["spec", "initContainers"]).iter().any(is_sidecar);
    has_sidecars && observed.instances.iter().any(|i| i.state == State::Running) && actions::compute(&manifest.value, observed).kill_pod
}

/// The manifest of a pod, without its status.
pub fn manifest(pod: &Object) -> Value {
    let mut out = Object { status: Shared::default(), ..pod.clone() }.to_json();
    out["metadata"]["generation"] = pod.meta.generation.into();
    if let Some(deletion) = pod.meta.deletion {
        out["metadata"]["deletionTimestamp"] = deletion.into();
    }
    out
}

/// What a node observes of a pod whose status it reported itself.
pub fn observed_of(pod: &Object) -> Observed {
    let mut out = Observed::default();
    let ready = conditions::get(&pod.status, "PodReadyToStartContainers").is_some_and(|c| text(c, &["status"]) == "True");
    out.sandbox = if ready { Sandbox::Ready } else { Sandbox::None };
    for field in ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"] {
        for status in list(&pod.status, &[field]) {
            let name = text(status, &["name"]);
            let word = |key: &str| text(status, &[key]).to_owned();
            let (state, last) = (at(status, &["state"]), at(status, &["lastState", "terminated"]));
            let mut instance = Instance {
                name: name.to_owned(),
                id: word("containerID"),
                image: word("image"),
                state: State::Running,
                reason: String::new(),
                message: String::new(),
                restarts: int(status, &["restartCount"]).unwrap_or(0),
                started: time(at(state, &["running", "startedAt"])).unwrap_or(0),
                finished: 0,
            };
            let waiting = at(state, &["waiting"]);
            let ended = if waiting.is_object() { last } else { at(state, &["terminated"]) };
            if ended.is_object() {
                instance.state = State::Exited(int(ended, &["exitCode"]).unwrap_or(0));
                text(ended, &["reason"]).clone_into(&mut instance.reason);
                text(ended, &["message"]).clone_into(&mut instance.message);
                instance.started = time(at(ended, &["startedAt"])).unwrap_or(0);
                instance.finished = time(at(ended, &["finishedAt"])).unwrap_or(0);
            }
            let reason = text(waiting, &["reason"]);
            if waiting.is_object() && !matches!(reason, "" | "ContainerCreating" | "PodInitializing") {
                out.start_errors.insert(name.to_owned(), (reason.to_owned(), text(waiting, &["message"]).to_owned()));
            }
            if !waiting.is_object() || ended.is_object() {
                out.instances.push(instance);
            }
            for (kind, key) in [("startup", "started"), ("readiness", "ready")] {
                let result = if at(status, &[key]) == true { ProbeResult::Success } else { ProbeResult::Unknown };
                out.probes.insert((name.to_owned(), kind), result);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(pod: &Object, observed: &Observed, now: Nanos) -> Value {
        report_of(&Manifest::of(pod), pod, observed, now)
    }

    /// What is reported says all that is observed: read back, it is reported the same.
    #[test]
    fn a_report_tells_what_was_observed() {
        let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"}, "spec": {
            "restartPolicy": "Always", "nodeName": "n",
            "initContainers": [{"name": "i", "image": "i:1"}],
            "containers": [{"name": "c", "image": "c:1", "readinessProbe": {"httpGet": {"port": 1}}}]}});
        let mut pod = Object::from_json(&manifest);
        let mut seen = Observed { sandbox: Sandbox::Ready, ..Observed::default() };
        let (init, main) = (&manifest["spec"]["initContainers"][0], &manifest["spec"]["containers"][0]);
        let story = [
            (init, What::PullFailed),
            (init, What::Event(Event::Start(1))),
            (init, What::Event(Event::Exit(0))),
            (main, What::Event(Event::Start(1))),
            (main, What::Event(Event::Started(true))),
            (main, What::Event(Event::Ready(true))),
            (main, What::Event(Event::Exit(1))),
            (main, What::Event(Event::BackOff(10 * SECOND))),
            (main, What::Event(Event::Start(2))),
        ];
        for (i, (container, what)) in story.into_iter().enumerate() {
            let now = (i as i64 + 1) * SECOND;
            happen(&mut seen, &pod, container, what, now);
            let told = report(&pod, &seen, now);
            pod.status = told.clone().into();
            let mut again = observed_of(&pod);
            assert_eq!(report(&pod, &again, now), told, "after {what:?}");
            happen(&mut again, &pod, main, What::Event(Event::Started(true)), now);
        }
        assert_eq!(pod.status["containerStatuses"][0]["restartCount"], 1);
        assert_eq!(pod.status["containerStatuses"][0]["lastState"]["terminated"]["exitCode"], 1);
    }
}
