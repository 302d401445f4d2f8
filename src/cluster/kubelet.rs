//! The nodes of the cluster: what a kubelet does with a pod from its binding to its end, as tasks in time.
//!
//! How long images take to pull and when programs answer is told by annotations, see
//! [`crate::simulate::kubelet::behaviour`].

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::Cluster;
use super::pod_status;
use crate::simulate::apiserver::Change;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Operation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::kubelet::behaviour;
use crate::simulate::kubelet::behaviour::Behaviour;
use crate::simulate::kubelet::prober;
use crate::simulate::kubelet::prober::Event;
use crate::simulate::kubelet::prober::ProbeKind;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;
use crate::sprig::Duration;

/// How kubelets behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kubelet {
    /// Images take time to pull, probes to answer, programs to stop.
    #[default]
    Timed,
    /// A bound pod is running and ready at once, and gone at once when deleted.
    Instant,
    /// Nothing happens to pods but what others write; terminating ones go at once.
    Absent,
}

/// How far ahead a container's life is looked at first.
const HORIZON: Nanos = 1800 * SECOND;
/// How long a job's program runs of which nothing is known.
const JOB_TIME: Nanos = 5 * SECOND;
/// From a failed pull of an image to the next.
const PULL_BACK_OFF: Nanos = 10 * SECOND;

/// What a node has to do with a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// The sandbox is there; images are pulled.
    Sandbox,
    /// An init container starts.
    InitStart(usize),
    /// An init container ends with a code, or as a sidecar is started.
    InitEnd(usize, i64),
    /// The image of a container cannot be pulled.
    ImageMissing(usize, bool),
    /// A change of a container.
    Container(usize, Event),
    /// The pod's containers have stopped.
    Stopped,
    /// The lives of the containers are known up to here only; how long their images took.
    More(Nanos, Nanos),
}

/// The nodes' work.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    pub(super) kubelet: Kubelet,
    pub(super) tasks: BTreeMap<(Nanos, u64), (Uid, Task)>,
    pub(super) sequence: u64,
    /// Images by node.
    pub(super) images: BTreeSet<(String, String)>,
    /// How many pods each node has had.
    pub(super) addresses: BTreeMap<String, u64>,
}

impl Nodes {
    pub(super) fn next(&self) -> Option<Nanos> {
        self.tasks.keys().next().map(|k| k.0)
    }

    fn add(&mut self, at: Nanos, uid: Uid, task: Task) {
        self.sequence += 1;
        self.tasks.insert((at, self.sequence), (uid, task));
    }
}

/// What a container of a pod does; programs of jobs come to an end.
fn told(pod: &Object, container: &Value) -> Behaviour {
    let mut out = behaviour::of(&pod.meta.annotations, container);
    let once = matches!(text(&pod.spec, &["restartPolicy"]), "Never" | "OnFailure");
    let is_hook = pod.meta.annotations.contains_key("helm.sh/hook");
    let of_job = pod.meta.controller().is_some_and(|o| o.kind == "Job");
    let has_command = !list(container, &["command"]).is_empty() || !list(container, &["args"]).is_empty();
    if once && out.exit.is_none() && out.ever_up && (of_job || is_hook || has_command) {
        let script = list(container, &["command"]).iter().chain(list(container, &["args"])).filter_map(Value::as_str);
        let fails = script.clone().any(|s| matches!(s.trim(), "false" | "exit 1"));
        out.exit = Some((JOB_TIME.max(out.up_after), i64::from(fails)));
    }
    out
}

impl Cluster {
    /// What the kubelets and the scheduler have to know of a change of a pod.
    pub(super) fn watch_pod(&mut self, change: &Change) {
        let pod = &change.object;
        let node = text(&pod.spec, &["nodeName"]);
        match change.operation {
            Operation::Added | Operation::Modified => {
                let was_bound = change.old.as_ref().is_some_and(|o| !text(&o.spec, &["nodeName"]).is_empty());
                self.scheduler_sees(pod, false);
                if !node.is_empty() && !was_bound && !super::scheduling::is_over(pod) {
                    self.take_on(pod);
                }
                if pod.meta.is_deleted() && change.old.as_ref().is_some_and(|o| !o.meta.is_deleted()) {
                    self.stop(pod);
                }
                if let Some(old) = &change.old {
                    self.restart_changed(pod, old);
                }
            }
            Operation::Deleted => self.scheduler_sees(pod, true),
        }
    }

    /// A pod has come to a node.
    fn take_on(&mut self, pod: &Arc<Object>) {
        let uid = pod.meta.uid;
        let now = self.now();
        if !at(&pod.status, &["startTime"]).is_null() || self.nodes.kubelet == Kubelet::Absent {
            // A description of a cluster holds pods that run already.
            return;
        }
        let whole = now / SECOND * SECOND;
        let inits = list(&pod.spec, &["initContainers"]).len();
        self.plane.api.edit(uid, |p| {
            let spec = Arc::clone(&p.spec);
            let (init, main) = (list(&spec, &["initContainers"]), list(&spec, &["containers"]));
            let reason = if inits > 0 { "PodInitializing" } else { "ContainerCreating" };
            let status = p.status_mut();
            status.insert("startTime".to_owned(), whole.into());
            status.insert("qosClass".to_owned(), pod_status::qos_class(&spec).into());
            status.insert("observedGeneration".to_owned(), 1.into());
            if inits > 0 {
                status.insert("initContainerStatuses".to_owned(), pod_status::waiting(init, reason));
            }
            status.insert("containerStatuses".to_owned(), pod_status::waiting(main, reason));
            pod_status::conclude(p, whole);
            pod_status::set_condition(&mut p.status, "PodScheduled", true, None, whole);
            pod_status::set_condition(&mut p.status, "PodReadyToStartContainers", false, None, whole);
        });
        if self.nodes.kubelet == Kubelet::Instant {
            self.run_at_once(uid);
            return;
        }
        for (after, task) in self.life_of(pod, HORIZON, None) {
            self.nodes.add(now + after, uid, task);
        }
    }

    /// All that a pod's containers do on its node, from its start.
    fn life_of(&mut self, pod: &Object, horizon: Nanos, pulled: Option<Nanos>) -> Vec<(Nanos, Task)> {
        let spec = &pod.spec;
        let node = text(spec, &["nodeName"]).to_owned();
        let (inits, mains) = (list(spec, &["initContainers"]), list(spec, &["containers"]));
        let mut pull = 0;
        for container in inits.iter().chain(mains) {
            let image = text(container, &["image"]).to_owned();
            if pulled.is_none() && self.nodes.images.insert((node.clone(), image)) {
                pull += told(pod, container).pull;
            }
        }
        let pull = pulled.unwrap_or(pull);
        let mut out: Vec<(Nanos, Task)> = vec![(0, Task::Sandbox)];
        let mut start = pull;
        for (i, container) in inits.iter().enumerate() {
            let told = told(pod, container);
            if told.image_missing {
                out.push((start, Task::ImageMissing(i, true)));
                return out;
            }
            out.push((start, Task::InitStart(i)));
            if pod_status::is_sidecar(container) {
                start += SECOND;
                out.push((start, Task::InitEnd(i, 0)));
                continue;
            }
            let code = told.exit.map_or(0, |e| e.1);
            start += behaviour::init_time(&told);
            out.push((start, Task::InitEnd(i, code)));
            if code != 0 {
                return out;
            }
        }
        let mut more = false;
        for (i, container) in mains.iter().enumerate() {
            let told = told(pod, container);
            if told.image_missing {
                out.push((start, Task::ImageMissing(i, false)));
                continue;
            }
            let horizon = horizon.max(told.exit.map_or(0, |e| start + e.0 + 60 * SECOND));
            let trace = prober::run(&behaviour::life(spec, container, &told, start, horizon));
            more |= trace.events.iter().any(|(_, e)| matches!(e, Event::BackOff(_) | Event::Kill(..)));
            out.extend(trace.events.into_iter().map(|(at, event)| (at, Task::Container(i, event))));
        }
        if more {
            out.push((horizon, Task::More(horizon, pull)));
        }
        out.sort_by_key(|(at, _)| *at);
        out
    }

    /// A pod runs and is ready at once.
    fn run_at_once(&mut self, uid: Uid) {
        self.sandbox(uid);
        let now = self.now() / SECOND * SECOND;
        self.plane.api.edit(uid, |p| {
            let spec = Arc::clone(&p.spec);
            for (i, container) in list(&spec, &["initContainers"]).iter().enumerate() {
                let sidecar = pod_status::is_sidecar(container);
                pod_status::edit_container(p, true, i, |s| {
                    if sidecar {
                        run(s, now);
                        s["started"] = true.into();
                    } else {
                        terminate(s, 0, now, now);
                    }
                    s["ready"] = true.into();
                });
            }
            for i in 0..list(&spec, &["containers"]).len() {
                pod_status::edit_container(p, false, i, |s| {
                    run(s, now);
                    s["ready"] = true.into();
                    s["started"] = true.into();
                });
            }
            pod_status::conclude(p, now);
        });
    }

    /// The pod gets its addresses.
    fn sandbox(&mut self, uid: Uid) {
        let Some(pod) = self.plane.api.get(uid).cloned() else { return };
        let node = text(&pod.spec, &["nodeName"]).to_owned();
        let place = self.plane.api.list("Node").position(|n| n.meta.name == node).unwrap_or(0) as u64;
        let host = self.plane.api.find("Node", "", &node).and_then(|n| {
            let all = list(&n.status, &["addresses"]).iter();
            all.clone().find(|a| text(a, &["type"]) == "InternalIP").map(|a| text(a, &["address"]).to_owned())
        });
        let host = host.unwrap_or_else(|| format!("10.0.0.{}", 11 + place));
        let count = self.nodes.addresses.entry(node).or_insert(1);
        *count += 1;
        let own = format!("10.244.{}.{}", (place * 4 + *count / 250) % 250, 2 + *count % 250);
        let address = if at(&pod.spec, &["hostNetwork"]) == true { host.clone() } else { own };
        let now = self.now() / SECOND * SECOND;
        self.plane.api.edit(uid, |p| {
            let status = p.status_mut();
            status.insert("hostIP".to_owned(), host.as_str().into());
            status.insert("hostIPs".to_owned(), json!([{"ip": host}]));
            status.insert("podIP".to_owned(), address.as_str().into());
            status.insert("podIPs".to_owned(), json!([{"ip": address}]));
            pod_status::set_condition(&mut p.status, "PodReadyToStartContainers", true, None, now);
        });
    }

    /// A terminating pod stops when its containers have, at the latest after its grace period.
    fn stop(&mut self, pod: &Object) {
        let uid = pod.meta.uid;
        if text(&pod.spec, &["nodeName"]).is_empty() || self.nodes.kubelet != Kubelet::Timed {
            self.plane.api.finish_pod(uid);
            return;
        }
        let node = text(&pod.spec, &["nodeName"]).to_owned();
        for container in list(&pod.spec, &["containers"]) {
            let name = text(container, &["name"]);
            let field = format!("spec.containers{{{name}}}");
            self.tell(pod, &field, false, "Killing", format!("Stopping container {name}"), ("kubelet", &node));
        }
        let told = list(&pod.spec, &["containers"]).iter().map(|c| told(pod, c).stop).max().unwrap_or(0);
        let grace = pod.meta.deletion_grace.unwrap_or(30) * SECOND;
        let at = self.now() + told.min(grace);
        self.nodes.add(at, uid, Task::Stopped);
    }

    /// A container whose image changed in place is started again.
    fn restart_changed(&mut self, pod: &Object, old: &Object) {
        if Arc::ptr_eq(&pod.spec, &old.spec) || text(&old.spec, &["nodeName"]).is_empty() || self.nodes.kubelet == Kubelet::Absent {
            return;
        }
        let now = self.now() / SECOND * SECOND;
        let pairs = list(&pod.spec, &["containers"]).iter().zip(list(&old.spec, &["containers"]));
        let changed: Vec<(usize, String)> = pairs
            .enumerate()
            .filter(|(_, (a, b))| a["image"] != b["image"])
            .map(|(i, (a, _))| (i, text(a, &["image"]).to_owned()))
            .collect();
        for (i, image) in changed {
            self.plane.api.edit(pod.meta.uid, |p| {
                pod_status::edit_container(p, false, i, |s| {
                    let started = int(s, &["state", "running", "startedAt"]).unwrap_or(now);
                    s["lastState"] = json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": now}});
                    s["restartCount"] = (int(s, &["restartCount"]).unwrap_or(0) + 1).into();
                    s["image"] = image.as_str().into();
                    s["state"] = json!({"running": {"startedAt": now}});
                });
                pod_status::conclude(p, now);
            });
        }
    }

    /// Does what is due up to an instant.
    pub(super) fn work_of_nodes(&mut self, until: Nanos) {
        while let Some(entry) = self.nodes.tasks.first_entry().filter(|e| e.key().0 <= until) {
            let (at, (uid, task)) = {
                let key = entry.key().0;
                (key, entry.remove())
            };
            self.set_now(at);
            self.perform(uid, task);
        }
    }

    fn perform(&mut self, uid: Uid, task: Task) {
        let Some(pod) = self.plane.api.get(uid).cloned() else { return };
        let now = self.now() / SECOND * SECOND;
        let node = text(&pod.spec, &["nodeName"]).to_owned();
        let from = ("kubelet", node.as_str());
        if task == Task::Stopped {
            self.plane.api.finish_pod(uid);
            return;
        }
        if pod.meta.is_deleted() || super::scheduling::is_over(&pod) {
            return;
        }
        match task {
            Task::Stopped => {}
            Task::Sandbox => {
                self.sandbox(uid);
                let first = list(&pod.spec, &["initContainers"]).first().or_else(|| list(&pod.spec, &["containers"]).first());
                if let Some(container) = first {
                    let field = field_of(container, !list(&pod.spec, &["initContainers"]).is_empty());
                    self.tell(&pod, &field, false, "Pulling", format!("Pulling image \"{}\"", text(container, &["image"])), from);
                }
            }
            Task::InitStart(i) => {
                let Some(container) = list(&pod.spec, &["initContainers"]).get(i).cloned() else { return };
                self.tell_start(&pod, &container, true);
                self.plane.api.edit(uid, |p| {
                    pod_status::edit_container(p, true, i, |s| run(s, now));
                    pod_status::conclude(p, now);
                });
            }
            Task::InitEnd(i, code) => {
                let sidecar = list(&pod.spec, &["initContainers"]).get(i).is_some_and(pod_status::is_sidecar);
                self.plane.api.edit(uid, |p| {
                    pod_status::edit_container(p, true, i, |s| {
                        if sidecar {
                            s["started"] = true.into();
                        } else {
                            let started = int(s, &["state", "running", "startedAt"]).unwrap_or(now);
                            terminate(s, code, started, now);
                        }
                        s["ready"] = (code == 0).into();
                    });
                    pod_status::conclude(p, now);
                });
            }
            Task::ImageMissing(i, init) => self.image_missing(&pod, i, init),
            Task::Container(i, event) => self.container(&pod, i, event),
            Task::More(horizon, pull) => {
                let began = crate::simulate::apiserver::object::time(at(&pod.status, &["startTime"])).unwrap_or(self.now());
                let further = self.life_of(&pod, horizon * 2, Some(pull));
                for (after, task) in further.into_iter().filter(|(after, task)| *after > horizon && *task != Task::Sandbox) {
                    self.nodes.add(began + after, uid, task);
                }
            }
        }
    }

    fn tell_start(&mut self, pod: &Object, container: &Value, init: bool) {
        let node = text(&pod.spec, &["nodeName"]).to_owned();
        let from = ("kubelet", node.as_str());
        let field = field_of(container, init);
        let image = text(container, &["image"]);
        let pulled = self.nodes.images.contains(&(node.clone(), image.to_owned()));
        let first = !self.events.iter().any(|e| e.about.4 == pod.meta.uid && e.field == field && e.reason == "Pulled");
        let pulling = self.events.iter().any(|e| e.about.4 == pod.meta.uid && e.field == field && e.reason == "Pulling");
        if first && pulling {
            let took = Duration(told(pod, container).pull).text();
            let message =
                format!("Successfully pulled image \"{image}\" in {took} ({took} including waiting). Image size: 72000000 bytes.");
            self.tell(pod, &field, false, "Pulled", message, from);
        } else if pulled {
            let message = format!("Container image \"{image}\" already present on machine and can be accessed by the pod");
            self.tell(pod, &field, false, "Pulled", message, from);
        }
        self.tell(pod, &field, false, "Created", "Container created".to_owned(), from);
        self.tell(pod, &field, false, "Started", "Container started".to_owned(), from);
    }

    fn image_missing(&mut self, pod: &Arc<Object>, i: usize, init: bool) {
        let key = if init { "initContainers" } else { "containers" };
        let Some(container) = list(&pod.spec, &[key]).get(i).cloned() else { return };
        let node = text(&pod.spec, &["nodeName"]).to_owned();
        let from = ("kubelet", node.as_str());
        let image = text(&container, &["image"]).to_owned();
        let field = field_of(&container, init);
        let statuses = if init { "initContainerStatuses" } else { "containerStatuses" };
        let status = list(&pod.status, &[statuses]).get(i);
        let failed = status.is_some_and(|s| text(s, &["state", "waiting", "reason"]) == "ErrImagePull");
        let (reason, message) = if failed {
            let message = format!("Back-off pulling image \"{image}\"");
            self.tell(pod, &field, false, "BackOff", message.clone(), from);
            ("ImagePullBackOff", message)
        } else {
            let why = format!("failed to pull and unpack image \"{image}\": not found");
            self.tell(pod, &field, true, "Failed", format!("Failed to pull image \"{image}\": {why}"), from);
            self.tell(pod, &field, true, "Failed", "Error: ErrImagePull".to_owned(), from);
            ("ErrImagePull", why)
        };
        let now = self.now() / SECOND * SECOND;
        self.plane.api.edit(pod.meta.uid, |p| {
            pod_status::edit_container(p, init, i, |s| s["state"] = json!({"waiting": {"reason": reason, "message": message}}));
            pod_status::conclude(p, now);
        });
        // The second look is the last: it stays like this.
        if !failed {
            let at = self.now() + PULL_BACK_OFF;
            self.nodes.add(at, pod.meta.uid, Task::ImageMissing(i, init));
        }
    }

    fn container(&mut self, pod: &Arc<Object>, i: usize, event: Event) {
        let uid = pod.meta.uid;
        let now = self.now() / SECOND * SECOND;
        let Some(container) = list(&pod.spec, &["containers"]).get(i).cloned() else { return };
        let name = text(&container, &["name"]).to_owned();
        let field = field_of(&container, false);
        let node = text(&pod.spec, &["nodeName"]).to_owned();
        let from = ("kubelet", node.as_str());
        let has_startup = !at(&container, &["startupProbe"]).is_null();
        match event {
            Event::Start(n) => {
                self.tell_start(pod, &container, false);
                self.plane.api.edit(uid, |p| {
                    pod_status::edit_container(p, false, i, |s| {
                        if let Some(last) = s.pointer("/state/terminated").cloned() {
                            s["lastState"] = json!({"terminated": last});
                        }
                        s["restartCount"] = (n.max(1) - 1).into();
                        run(s, now);
                        s["started"] = (!has_startup).into();
                    });
                    pod_status::conclude(p, now);
                });
            }
            Event::Started(started) => {
                self.plane.api.edit(uid, |p| pod_status::edit_container(p, false, i, |s| s["started"] = started.into()));
            }
            Event::Ready(ready) => {
                self.plane.api.edit(uid, |p| {
                    pod_status::edit_container(p, false, i, |s| s["ready"] = ready.into());
                    pod_status::conclude(p, now);
                });
            }
            Event::Kill(kind, _) => {
                let word = match kind {
                    ProbeKind::Liveness => "Liveness",
                    ProbeKind::Readiness => "Readiness",
                    ProbeKind::Startup => "Startup",
                };
                self.tell(pod, &field, true, "Unhealthy", format!("{word} probe failed: "), from);
                let message = format!("Container {name} failed {} probe, will be restarted", word.to_lowercase());
                self.tell(pod, &field, false, "Killing", message, from);
            }
            Event::Exit(code) => {
                self.plane.api.edit(uid, |p| {
                    pod_status::edit_container(p, false, i, |s| {
                        let started = int(s, &["state", "running", "startedAt"]).unwrap_or(now);
                        terminate(s, code, started, now);
                        s["ready"] = false.into();
                        s["started"] = false.into();
                    });
                    pod_status::conclude(p, now);
                });
            }
            Event::BackOff(wait) => {
                let place = format!("{}_{}({})", pod.meta.name, pod.meta.namespace, crate::simulate::apiserver::object::uid_text(uid));
                let message = format!("Back-off restarting failed container {name} in pod {place}");
                self.tell(pod, &field, true, "BackOff", message, from);
                let wait = Duration(wait).text();
                self.plane.api.edit(uid, |p| {
                    pod_status::edit_container(p, false, i, |s| {
                        if let Some(last) = s.pointer("/state/terminated").cloned() {
                            s["lastState"] = json!({"terminated": last});
                        }
                        let message = format!("back-off {wait} restarting failed container={name} pod={place}");
                        s["state"] = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
                    });
                    pod_status::conclude(p, now);
                });
            }
        }
    }
}

fn field_of(container: &Value, init: bool) -> String {
    let list = if init { "initContainers" } else { "containers" };
    format!("spec.{list}{{{}}}", text(container, &["name"]))
}

fn run(status: &mut Value, now: Nanos) {
    status["state"] = json!({"running": {"startedAt": now}});
    let name = text(status, &["image"]).to_owned();
    let digest = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    status["imageID"] =
        format!("{name}@sha256:{digest:016x}{:016x}{:016x}{:016x}", !digest, digest.rotate_left(13), digest.rotate_right(7)).into();
    let container = digest.wrapping_mul(31).wrapping_add(now as u64);
    let id = format!("containerd://{container:016x}{digest:016x}{:016x}{:016x}", container.rotate_left(9), !container);
    status["containerID"] = id.into();
}

fn terminate(status: &mut Value, code: i64, started: Nanos, now: Nanos) {
    let reason = if code == 0 { "Completed" } else { "Error" };
    status["state"] = json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": now}});
}
