//! The nodes of the cluster: what a kubelet does with a pod from its binding to its end, as tasks in time.
//!
//! What happens to containers, and what a node reports of it, is told by [`crate::simulate::kubelet`], as in a prediction;
//! here it is kept between commands, and told as events.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap;
use serde_json::Value;
use serde_json::json;

use super::Cluster;
use super::alike::Step;
use super::scheduling::is_over;
use crate::simulate::apiserver::Change;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Operation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Shared;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::facts;
use crate::simulate::apiserver::facts::address;
use crate::simulate::apiserver::facts::node_name as node_of;
use crate::simulate::apiserver::object::Labels;
use crate::simulate::apiserver::object::uid_text;
use crate::simulate::kubelet::behaviour;
use crate::simulate::kubelet::observe;
use crate::simulate::kubelet::pod_life;
use crate::simulate::kubelet::pod_life::Moment;
use crate::simulate::kubelet::pod_life::Place;
use crate::simulate::kubelet::pod_life::What;
use crate::simulate::kubelet::prober::Event;
use crate::simulate::kubelet::prober::ProbeKind;
use crate::simulate::kubelet::runtime::Observed;
use crate::simulate::kubelet::runtime::Sandbox;
use crate::simulate::kubelet::runtime::State;
use crate::simulate::resources::is_sidecar;
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

/// What a node has to do with a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// A container's image is asked for.
    Pull(Place),
    /// A change of a container.
    Moment(Place, What),
    /// A change of an ephemeral container; without one, its image is asked for.
    Ephemeral(usize, Option<What>),
    /// The pod is out of time.
    Deadline,
    /// The sidecars of a pod whose work is done have stopped.
    SidecarsStopped,
    /// The pod's containers have stopped.
    Stopped,
    /// The lives of the containers are known up to here only.
    More(Nanos),
    /// An autoscaler looks at its metrics.
    Autoscale,
}

/// The nodes' work.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    pub(super) kubelet: Kubelet,
    tasks: BTreeMap<(Nanos, u64), (Uid, Task)>,
    /// The tasks of each pod.
    of_pod: BTreeMap<Uid, BTreeSet<(Nanos, u64)>>,
    sequence: u64,
    /// Images by node.
    images: BTreeSet<(String, String)>,
    /// How many pods each node has had.
    addresses: BTreeMap<String, u64>,
    /// Pods that wait for a volume which another node holds.
    waiting: BTreeSet<Uid>,
    /// How long the images of pods took whose lives go on.
    pulls: BTreeMap<Uid, Vec<Nanos>>,
    /// The life of the last pod of each owner: those of a template live alike.
    lives: BTreeMap<Uid, Life>,
    /// How long the last pod of each owner took to stop.
    stops: BTreeMap<Uid, Stop>,
}

/// What follows from these of how long a pod takes to stop.
#[derive(Clone, Debug)]
struct Stop {
    annotations: Labels,
    spec: Shared,
    grace: Nanos,
    takes: Nanos,
}

/// What the life of a pod follows from, and that life.
#[derive(Clone, Debug)]
struct Life {
    annotations: Labels,
    spec: Shared,
    pulls: Vec<Nanos>,
    horizon: Nanos,
    moments: Arc<[Moment]>,
}

impl Nodes {
    pub(super) fn next(&self) -> Option<Nanos> {
        self.tasks.keys().next().map(|k| k.0)
    }

    /// Adds a task unless it is among the tasks already.
    pub(super) fn add_once(&mut self, at: Nanos, uid: Uid, task: Task) {
        let own = self.of_pod.get(&uid).into_iter().flatten();
        if !own.filter_map(|key| self.tasks.get(key)).any(|known| known.1 == task) {
            self.add(at, uid, task);
        }
    }

    pub(super) fn add(&mut self, at: Nanos, uid: Uid, task: Task) {
        self.sequence += 1;
        self.tasks.insert((at, self.sequence), (uid, task));
        self.of_pod.entry(uid).or_default().insert((at, self.sequence));
    }

    /// Takes the next task when a container of this pod goes on well at this instant.
    fn take_moment(&mut self, at: Nanos, uid: Uid) -> Option<(Place, What)> {
        match self.tasks.first_key_value()? {
            ((then, _), (of, Task::Moment(place, what))) if (*then, *of) == (at, uid) && goes_well(*what) => {
                let moment = (*place, *what);
                self.take(at);
                Some(moment)
            }
            _ => None,
        }
    }

    /// Takes the next task when it is due.
    fn take(&mut self, until: Nanos) -> Option<(Nanos, Uid, Task)> {
        let entry = self.tasks.first_entry().filter(|e| e.key().0 <= until)?;
        let (key, (uid, task)) = entry.remove_entry();
        if let Some(own) = self.of_pod.get_mut(&uid) {
            own.remove(&key);
            if own.is_empty() {
                self.of_pod.remove(&uid);
            }
        }
        Some((key.0, uid, task))
    }

    /// The life of a pod's containers.
    fn life(&mut self, pod: &Object, pulls: &[Nanos], horizon: Nanos) -> Arc<[Moment]> {
        let run = || -> Arc<[Moment]> { pod_life::run(&pod.meta.annotations, pod.spec.before_placed(), pulls, horizon).into() };
        let Some(owner) = pod.meta.controller().map(|owner| owner.uid) else { return run() };
        let alike = |known: &&Life| {
            (known.horizon, known.pulls.as_slice()) == (horizon, pulls)
                && known.annotations == pod.meta.annotations
                && known.spec.is_same_elsewhere(&pod.spec)
        };
        if let Some(known) = self.lives.get(&owner).filter(alike) {
            return Arc::clone(&known.moments);
        }
        let moments = run();
        let life = Life {
            annotations: pod.meta.annotations.clone(),
            spec: pod.spec.clone(),
            pulls: pulls.to_vec(),
            horizon,
            moments: Arc::clone(&moments),
        };
        self.lives.insert(owner, life);
        moments
    }

    /// How long a pod takes to stop.
    fn stop_time(&mut self, pod: &Object, grace: Nanos) -> Nanos {
        let run = || pod_life::stop_time(&pod.meta.annotations, pod.spec.before_placed(), grace);
        let Some(owner) = pod.meta.controller().map(|owner| owner.uid) else { return run() };
        let alike =
            |known: &&Stop| known.grace == grace && known.annotations == pod.meta.annotations && known.spec.is_same_elsewhere(&pod.spec);
        if let Some(known) = self.stops.get(&owner).filter(alike) {
            return known.takes;
        }
        let takes = run();
        let stop = Stop { annotations: pod.meta.annotations.clone(), spec: pod.spec.clone(), grace, takes };
        self.stops.insert(owner, stop);
        takes
    }

    /// An object is gone, and will own no further pod.
    pub(super) fn forget_owner(&mut self, uid: Uid) {
        self.lives.remove(&uid);
        self.stops.remove(&uid);
    }

    /// Nothing is left to do with a pod.
    fn forget(&mut self, uid: Uid) {
        for key in self.of_pod.remove(&uid).into_iter().flatten() {
            self.tasks.remove(&key);
        }
        self.waiting.remove(&uid);
        self.pulls.remove(&uid);
    }

    /// What of it is kept between commands: all but how the kubelets behave.
    pub(super) fn kept(&self) -> impl Serialize + '_ {
        let tasks: Vec<(Nanos, Uid, Task)> = self.tasks.iter().map(|((at, _), (uid, task))| (*at, *uid, *task)).collect();
        let pulls: Vec<(&Uid, &Vec<Nanos>)> = self.pulls.iter().collect();
        Kept { nodes: self, tasks, pulls }
    }

    /// What [`Nodes::kept`] wrote.
    pub(super) fn decode(value: &Value) -> Self {
        let mut out = Self::default();
        for task in list(value, &["tasks"]) {
            if let (Some(at), Some(uid), Some(task)) = (task[0].as_i64(), task[1].as_u64(), decode_task(&task[2])) {
                out.add(at, uid, task);
            }
        }
        let pair = |v: &Value| Some((v[0].as_str()?.to_owned(), v[1].as_str()?.to_owned()));
        out.images = list(value, &["images"]).iter().filter_map(pair).collect();
        let addresses = at(value, &["addresses"]).as_object().into_iter().flatten();
        out.addresses = addresses.filter_map(|(k, v)| Some((k.clone(), v.as_u64()?))).collect();
        let took = |v: &Value| Some((v[0].as_u64()?, v[1].as_array()?.iter().filter_map(Value::as_i64).collect()));
        out.pulls = list(value, &["pulls"]).iter().filter_map(took).collect();
        out.waiting = list(value, &["waiting"]).iter().filter_map(Value::as_u64).collect();
        out
    }
}

/// What is kept of the nodes' work, as JSON.
struct Kept<'a> {
    nodes: &'a Nodes,
    tasks: Vec<(Nanos, Uid, Task)>,
    pulls: Vec<(&'a Uid, &'a Vec<Nanos>)>,
}

impl Serialize for Kept<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("addresses", &self.nodes.addresses)?;
        map.serialize_entry("images", &self.nodes.images)?;
        map.serialize_entry("pulls", &self.pulls)?;
        map.serialize_entry("tasks", &self.tasks)?;
        map.serialize_entry("waiting", &self.nodes.waiting)?;
        map.end()
    }
}

impl Serialize for Task {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Deadline => ("deadline",).serialize(to),
            Self::SidecarsStopped => ("sidecars",).serialize(to),
            Self::Stopped => ("stopped",).serialize(to),
            Self::Autoscale => ("autoscale",).serialize(to),
            Self::More(horizon) => ("more", horizon).serialize(to),
            Self::Pull(p) => ("pull", p.init, p.index).serialize(to),
            Self::Ephemeral(index, what) => {
                let place = Place { init: false, index };
                ("ephemeral", what.map_or(Self::Pull(place), |w| Self::Moment(place, w))).serialize(to)
            }
            Self::Moment(p, what) => match what {
                What::PullFailed => ("failed", p.init, p.index).serialize(to),
                What::PullBackOff => ("waits", p.init, p.index).serialize(to),
                What::Event(event) => match event {
                    Event::Start(n) => ("start", p.init, p.index, n).serialize(to),
                    Event::Started(on) => ("started", p.init, p.index, on).serialize(to),
                    Event::Ready(on) => ("ready", p.init, p.index, on).serialize(to),
                    Event::Kill(kind, grace) => ("kill", p.init, p.index, kind.name(), grace).serialize(to),
                    Event::Exit(code) => ("exit", p.init, p.index, code).serialize(to),
                    Event::BackOff(wait) => ("backoff", p.init, p.index, wait).serialize(to),
                },
            },
        }
    }
}

fn decode_task(value: &Value) -> Option<Task> {
    let n = |k: usize| value[k].as_i64();
    let place = || Some(Place { init: value[1].as_bool()?, index: usize::try_from(value[2].as_u64()?).ok()? });
    let moment = |what: What| Some(Task::Moment(place()?, what));
    let event = |event: Event| moment(What::Event(event));
    let on = value[3] == true;
    match value[0].as_str()? {
        "deadline" => Some(Task::Deadline),
        "sidecars" => Some(Task::SidecarsStopped),
        "stopped" => Some(Task::Stopped),
        "autoscale" => Some(Task::Autoscale),
        "more" => Some(Task::More(n(1)?)),
        "pull" => Some(Task::Pull(place()?)),
        "ephemeral" if value[1][0] != "ephemeral" => match decode_task(&value[1])? {
            Task::Pull(p) => Some(Task::Ephemeral(p.index, None)),
            Task::Moment(p, what) => Some(Task::Ephemeral(p.index, Some(what))),
            _ => None,
        },
        "failed" => moment(What::PullFailed),
        "waits" => moment(What::PullBackOff),
        "start" => event(Event::Start(u32::try_from(n(3)?).ok()?)),
        "started" => event(Event::Started(on)),
        "ready" => event(Event::Ready(on)),
        "kill" => {
            let kinds = [ProbeKind::Liveness, ProbeKind::Readiness, ProbeKind::Startup];
            event(Event::Kill(kinds.into_iter().find(|k| value[3] == k.name())?, n(4)?))
        }
        "exit" => event(Event::Exit(n(3)?)),
        "backoff" => event(Event::BackOff(n(3)?)),
        _ => None,
    }
}

/// The names of a pod's claims.
fn claims(pod: &Object) -> impl Iterator<Item = String> {
    list(pod.spec.before_placed(), &["volumes"]).iter().filter_map(|v| match text(v, &["persistentVolumeClaim", "claimName"]) {
        "" if v.get("ephemeral").is_some() => Some(format!("{}-{}", pod.meta.name, text(v, &["name"]))),
        "" => None,
        name => Some(name.to_owned()),
    })
}

impl Cluster {
    /// What the kubelets and the scheduler have to know of a change of a pod.
    pub(super) fn watch_pod(&mut self, change: &Change) {
        let pod = &change.object;
        match change.operation {
            Operation::Added | Operation::Modified => {
                let was_bound = change.old.as_ref().is_some_and(|o| !node_of(o).is_empty());
                self.scheduler_sees(pod, false);
                if !node_of(pod).is_empty() && !was_bound && !is_over(pod) {
                    self.take_on(pod);
                }
                if pod.meta.is_deleted() && change.old.as_ref().is_some_and(|o| !o.meta.is_deleted()) {
                    self.stop(pod);
                }
                if let Some(old) = &change.old {
                    self.restart_changed(pod, old);
                    if was_bound && !is_over(pod) && !self.nodes.waiting.contains(&pod.meta.uid) {
                        self.start_added(pod, Some(old));
                    }
                    if is_over(pod) && !is_over(old) && !pod.meta.is_deleted() {
                        self.nodes.forget(pod.meta.uid);
                        self.retry_volumes();
                    }
                }
            }
            Operation::Deleted => {
                self.scheduler_sees(pod, true);
                self.nodes.forget(pod.meta.uid);
                self.retry_volumes();
            }
        }
    }

    /// A pod has come to a node.
    fn take_on(&mut self, pod: &Arc<Object>) {
        let uid = pod.meta.uid;
        if !at(&pod.status, &["startTime"]).is_null() || self.nodes.kubelet == Kubelet::Absent {
            // A description of a cluster holds pods that run already.
            return;
        }
        let (status, _) = self.after_step(pod, Step::Taken, Vec::new(), |_, pod| {
            let mut status = Value::clone(&pod.status);
            if !status.is_object() {
                status = json!({});
            }
            status["observedGeneration"] = 1.into();
            (status, false)
        });
        let Some(pod) = self.plane.api.edit(uid, |p| p.status = status) else { return };
        if self.nodes.kubelet == Kubelet::Timed
            && let Some(volume) = self.volume_held_elsewhere(&pod)
        {
            self.nodes.waiting.insert(uid);
            self.report(&pod, &Observed::default());
            let message = format!("Multi-Attach error for volume \"{volume}\" Volume is already used by another pod");
            self.tell(&pod, "", true, "FailedAttachVolume", message, ("attachdetach-controller", ""));
            return;
        }
        self.begin(&pod);
    }

    /// A pod gets its sandbox, and its containers' lives are known from here.
    fn begin(&mut self, pod: &Arc<Object>) {
        let uid = pod.meta.uid;
        let now = self.now();
        let pod = Arc::clone(pod);
        let observed = Observed { sandbox: Sandbox::Ready, ..Observed::default() };
        if self.nodes.kubelet == Kubelet::Instant {
            let mut observed = observed;
            run_at_once(&pod, &mut observed, now);
            let given = self.new_addresses(&pod);
            let pod = with_addresses(&pod, given);
            self.report(&pod, &observed);
            return self.start_added(&pod, None);
        }
        self.live(&pod, Step::Begun, Vec::new(), |pod| (Arc::clone(pod), observed));
        self.start_added(&pod, None);
        let pulls = self.pulls(&pod);
        let horizon = self.horizon(&pod);
        let moments = self.nodes.life(&pod, &pulls, horizon);
        for (place, pull) in pod_life::places(pod.spec.before_placed()).zip(&pulls).filter(|(_, pull)| **pull > 0) {
            let first = moments.iter().find(|m| m.place == place);
            if let Some(first) = first {
                let before = if first.what == What::Event(Event::Start(1)) { *pull } else { 0 };
                self.nodes.add(now + first.at - before, uid, Task::Pull(place));
            }
        }
        for moment in &*moments {
            self.nodes.add(now + moment.at, uid, Task::Moment(moment.place, moment.what));
        }
        if moments.iter().any(|m| matches!(m.what, What::Event(Event::Kill(..) | Event::BackOff(_)))) {
            self.nodes.add(now + horizon, uid, Task::More(horizon));
            self.nodes.pulls.insert(uid, pulls);
        }
        if let Some(seconds) = int(pod.spec.before_placed(), &["activeDeadlineSeconds"]) {
            self.nodes.add(now + seconds * SECOND, uid, Task::Deadline);
        }
    }

    /// How far ahead the lives of a pod's containers are looked at first: past the end of each.
    fn horizon(&self, pod: &Object) -> Nanos {
        let spec = pod.spec.before_placed();
        let ends = pod_life::places(spec).filter_map(|p| behaviour::of(&pod.meta.annotations, p.of(spec)).exit);
        ends.map(|(after, _)| after.saturating_mul(2)).fold(HORIZON, Nanos::max).min(i64::MAX / 8)
    }

    /// How long the images of a pod take on its node.
    fn pulls(&mut self, pod: &Object) -> Vec<Nanos> {
        let spec = pod.spec.before_placed();
        pod_life::places(spec).map(|place| self.pull_of(pod, place.of(spec))).collect()
    }

    /// How long the image of a container of a pod takes on its node.
    pub(super) fn pull_of(&mut self, pod: &Object, container: &Value) -> Nanos {
        let node = node_of(pod);
        let told = behaviour::of(&pod.meta.annotations, container);
        let image = text(container, &["image"]);
        let always = text(container, &["imagePullPolicy"]) == "Always";
        let there = self.plane.api.find("Node", "", node);
        let listed =
            there.is_some_and(|n| list(&n.status, &["images"]).iter().any(|i| list(i, &["names"]).iter().any(|name| name == image)));
        // An image that is there is only asked for at the registry.
        let known = !self.nodes.images.insert((node.to_owned(), image.to_owned())) || listed;
        if known && !(always && told.image_missing) { 0 } else { told.pull }
    }

    /// The volume of a claim of a pod that can be mounted on one node at a time, and is on another.
    fn volume_held_elsewhere(&self, pod: &Object) -> Option<String> {
        claims(pod).find_map(|name| {
            let claim = self.plane.api.find("PersistentVolumeClaim", &pod.meta.namespace, &name)?;
            let modes = list(&claim.spec, &["accessModes"]);
            if modes.is_empty() || !modes.iter().all(|m| m == "ReadWriteOnce" || m == "ReadWriteOncePod") {
                return None;
            }
            let holds = |other: &&Arc<Object>| {
                let elsewhere = !node_of(other).is_empty() && node_of(other) != node_of(pod) && other.meta.uid != pod.meta.uid;
                elsewhere && !is_over(other) && !self.nodes.waiting.contains(&other.meta.uid) && claims(other).any(|c| c == name)
            };
            let held = self.plane.api.list_in("Pod", &pod.meta.namespace).any(|p| holds(&p));
            held.then(|| text(&claim.spec, &["volumeName"]).to_owned())
        })
    }

    /// Pods that waited for a volume look again.
    fn retry_volumes(&mut self) {
        for uid in self.nodes.waiting.clone() {
            let Some(pod) = self.plane.api.get(uid).cloned() else { continue };
            if self.volume_held_elsewhere(&pod).is_none() {
                self.nodes.waiting.remove(&uid);
                self.begin(&pod);
            }
        }
    }

    /// The addresses that a pod gets when a first container starts: its node's and its own; nothing when it has some.
    fn new_addresses(&mut self, pod: &Object) -> Option<[String; 2]> {
        if !address(pod).is_empty() {
            return None;
        }
        let node = node_of(pod).to_owned();
        let place = self.plane.api.list("Node").position(|n| n.meta.name == node).unwrap_or(0) as u64;
        let host = self.plane.api.find("Node", "", &node).and_then(|n| {
            let all = list(&n.status, &["addresses"]).iter();
            all.clone().find(|a| text(a, &["type"]) == "InternalIP").map(|a| text(a, &["address"]).to_owned())
        });
        let host = host.unwrap_or_else(|| format!("10.0.0.{}", 11 + place));
        let count = self.nodes.addresses.entry(node).or_insert(1);
        *count += 1;
        // More than a net holds goes to nets far above those of the nodes.
        let own = if *count < 250 {
            format!("10.244.{}.{count}", place % 250)
        } else {
            format!("10.{}.{}.{}", 245 + place / 250, (place * 4 + *count / 250) % 250, 2 + *count % 250)
        };
        let own = if at(pod.spec.before_placed(), &["hostNetwork"]) == true { host.clone() } else { own };
        Some([host, own])
    }

    /// What a node reports of a pod, and whether only sidecars of it are left.
    fn told_of(&mut self, pod: &Object, observed: &Observed) -> (Value, bool) {
        let now = self.now();
        let manifest = self.manifest(pod);
        let mut new = observe::report_of(&manifest, pod, observed, now);
        new["observedGeneration"] = pod.meta.generation.into();
        (new, observe::sidecars_left(&manifest, observed) && !pod.meta.is_deleted())
    }

    /// Writes the status of a pod when it differs from the last.
    pub(super) fn report(&mut self, pod: &Object, observed: &Observed) {
        let (status, sidecars_left) = self.told_of(pod, observed);
        self.put_status(pod.meta.uid, status.into(), sidecars_left);
    }

    fn put_status(&mut self, uid: Uid, status: Shared, sidecars_left: bool) {
        if sidecars_left {
            self.nodes.add_once(self.plane.api.now + SECOND, uid, Task::SidecarsStopped);
        }
        self.plane.api.edit(uid, |p| p.status = status);
    }

    /// Writes the status of a pod after a step; `own` are words of the pod's own that the step adds, `observe` tells what its
    /// node sees then.
    fn live(&mut self, pod: &Arc<Object>, step: Step, own: Vec<String>, observe: impl FnOnce(&Arc<Object>) -> (Arc<Object>, Observed)) {
        let (status, sidecars_left) = self.after_step(pod, step, own, |cluster, pod| {
            let (pod, observed) = observe(pod);
            cluster.told_of(&pod, &observed)
        });
        self.put_status(pod.meta.uid, status, sidecars_left);
    }

    /// A terminating pod stops when its hooks and containers have, at the latest after its grace period.
    fn stop(&mut self, pod: &Object) {
        let uid = pod.meta.uid;
        let node = node_of(pod).to_owned();
        if node.is_empty() || self.nodes.kubelet != Kubelet::Timed || is_over(pod) {
            self.plane.api.finish_pod(uid);
            return;
        }
        let (before, beside, added) = facts::running(pod);
        for (field, names) in [("initContainers", before), ("containers", beside), ("ephemeralContainers", added)] {
            for name in names {
                let field = format!("spec.{field}{{{name}}}");
                self.tell(pod, &field, false, "Killing", format!("Stopping container {name}"), ("kubelet", &node));
            }
        }
        let grace = pod.meta.deletion_grace.unwrap_or(30) * SECOND;
        let until = self.now() + self.nodes.stop_time(pod, grace);
        self.nodes.forget(uid);
        self.nodes.add(until, uid, Task::Stopped);
    }

    /// A container whose image changed in place is started again.
    fn restart_changed(&mut self, pod: &Object, old: &Object) {
        if pod.spec == old.spec || node_of(old).is_empty() || self.nodes.kubelet == Kubelet::Absent {
            return;
        }
        let now = self.now();
        let pairs = list(&pod.spec, &["containers"]).iter().zip(list(&old.spec, &["containers"]));
        let changed: Vec<&Value> = pairs.filter(|(a, b)| a["image"] != b["image"]).map(|(a, _)| a).collect();
        if changed.is_empty() {
            return;
        }
        let mut observed = observe::observed_of(pod);
        for container in changed {
            let name = text(container, &["name"]);
            let Some(newest) = observed.instances.iter_mut().find(|i| i.name == name && i.state == State::Running) else { continue };
            observe::end(newest, 0, now);
            let restarts = u32::try_from(newest.restarts).unwrap_or(0);
            let message = format!("Container {name} definition changed, will be restarted");
            self.tell(pod, &field_of(container, false), false, "Killing", message, ("kubelet", node_of(pod)));
            observe::start(&mut observed, pod, container, restarts + 2, now);
            for kind in ["readiness", "startup"] {
                observed.probes.insert((name.to_owned(), kind), crate::simulate::kubelet::runtime::ProbeResult::Success);
            }
        }
        self.report(pod, &observed);
    }

    /// Does what is due up to an instant.
    pub(super) fn work_of_nodes(&mut self, until: Nanos) {
        while let Some((at, uid, task)) = self.nodes.take(until) {
            self.set_now(at);
            let mut moments = Vec::new();
            if let Task::Moment(place, what) = task {
                moments.push((place, what));
                if goes_well(what) {
                    moments.extend(std::iter::from_fn(|| self.nodes.take_moment(at, uid)));
                }
            }
            self.perform(uid, task, &moments);
        }
    }

    fn perform(&mut self, uid: Uid, task: Task, moments: &[(Place, What)]) {
        let Some(pod) = self.plane.api.get(uid).cloned() else { return };
        let now = self.now();
        self.know(&pod);
        match task {
            Task::Stopped => self.plane.api.finish_pod(uid),
            Task::Autoscale => self.autoscale(&pod),
            _ if pod.meta.is_deleted() || is_over(&pod) => {}
            Task::Deadline => {
                let message = "Pod was active on the node longer than the specified deadline";
                self.tell(&pod, "", true, "DeadlineExceeded", message.to_owned(), ("kubelet", node_of(&pod)));
                let mut observed = observe::observed_of(&pod);
                observe::end_all(&mut observed, 137, now);
                let ended = self.plane.api.edit(uid, |p| {
                    let status = p.status_mut();
                    status.insert("phase".to_owned(), "Failed".into());
                    status.insert("reason".to_owned(), "DeadlineExceeded".into());
                    status.insert("message".to_owned(), message.into());
                });
                if let Some(ended) = ended {
                    self.report(&ended, &observed);
                }
            }
            Task::SidecarsStopped => {
                let mut observed = observe::observed_of(&pod);
                observe::end_all(&mut observed, 0, now);
                self.report(&pod, &observed);
            }
            Task::Pull(place) => {
                let container = place.of(pod.spec.before_placed());
                self.tell_pull(&pod, container, &field_of(container, place.init));
            }
            Task::Ephemeral(index, what) => self.ephemeral_moment(&pod, index, what),
            Task::Moment(..) => {
                let spec = pod.spec.before_placed();
                let mut own = Vec::new();
                let mut given = None;
                for (place, what) in moments {
                    let container = place.of(spec);
                    self.tell_moment(&pod, container, &field_of(container, place.init), *what);
                    if let What::Event(Event::Start(n)) = what {
                        if given.is_none() {
                            given = self.new_addresses(&pod);
                            own.extend(given.iter().flatten().cloned());
                        }
                        own.push(observe::instance_id(&pod, text(container, &["name"]), *n));
                    }
                }
                self.live(&pod, Step::Moments(moments.to_vec()), own, |pod| {
                    let mut observed = observe::observed_of(pod);
                    for (place, what) in moments {
                        observe::happen(&mut observed, pod, place.of(pod.spec.before_placed()), *what, now);
                    }
                    (with_addresses(pod, given), observed)
                });
            }
            Task::More(horizon) => {
                let began = now - horizon;
                let pulls = self.nodes.pulls.get(&uid).cloned().unwrap_or_default();
                let further = pod_life::run(&pod.meta.annotations, pod.spec.before_placed(), &pulls, horizon * 2);
                for moment in further.into_iter().filter(|m| m.at > horizon) {
                    self.nodes.add(began + moment.at, uid, Task::Moment(moment.place, moment.what));
                }
                self.nodes.add(began + horizon * 2, uid, Task::More(horizon * 2));
            }
        }
    }

    /// Tells that the image of a container is asked for.
    pub(super) fn tell_pull(&mut self, pod: &Object, container: &Value, field: &str) {
        let message = format!("Pulling image \"{}\"", text(container, &["image"]));
        self.tell(pod, field, false, "Pulling", message, ("kubelet", node_of(pod)));
    }

    /// Tells what happens to a container as its kubelet does.
    pub(super) fn tell_moment(&mut self, pod: &Object, container: &Value, field: &str, what: What) {
        let name = text(container, &["name"]);
        let image = text(container, &["image"]);
        let node = node_of(pod).to_owned();
        let from = ("kubelet", node.as_str());
        match what {
            What::PullFailed => {
                let why = format!("failed to pull and unpack image \"{image}\": not found");
                self.tell(pod, field, true, "Failed", format!("Failed to pull image \"{image}\": {why}"), from);
                self.tell(pod, field, true, "Failed", "Error: ErrImagePull".to_owned(), from);
            }
            What::PullBackOff => {
                self.tell(pod, field, false, "BackOff", format!("Back-off pulling image \"{image}\""), from);
                self.tell(pod, field, true, "Failed", "Error: ImagePullBackOff".to_owned(), from);
            }
            What::Event(Event::Start(n)) => {
                let pulled = self.events.told(pod.meta.uid, field, "Pulling");
                let message = if pulled && n == 1 {
                    let took = Duration(behaviour::of(&pod.meta.annotations, container).pull).text();
                    format!("Successfully pulled image \"{image}\" in {took} ({took} including waiting). Image size: 72000000 bytes.")
                } else {
                    format!("Container image \"{image}\" already present on machine and can be accessed by the pod")
                };
                self.tell(pod, field, false, "Pulled", message, from);
                self.tell(pod, field, false, "Created", "Container created".to_owned(), from);
                self.tell(pod, field, false, "Started", "Container started".to_owned(), from);
            }
            What::Event(Event::Kill(kind, _)) => {
                let word = match kind {
                    ProbeKind::Liveness => "Liveness",
                    ProbeKind::Readiness => "Readiness",
                    ProbeKind::Startup => "Startup",
                };
                self.tell(pod, field, true, "Unhealthy", format!("{word} probe failed: "), from);
                let init = field.starts_with("spec.initContainers");
                let kind = if init && !is_sidecar(container) { "Init container" } else { "Container" };
                let message = format!("{kind} {name} failed {} probe, will be restarted", word.to_lowercase());
                self.tell(pod, field, false, "Killing", message, from);
            }
            What::Event(Event::BackOff(_)) => {
                let place = format!("{}_{}({})", pod.meta.name, pod.meta.namespace, uid_text(pod.meta.uid));
                self.tell(pod, field, true, "BackOff", format!("Back-off restarting failed container {name} in pod {place}"), from);
            }
            What::Event(_) => {}
        }
    }
}

/// Whether a pod goes on after this: what of that kind happens at one instant is reported at once.
fn goes_well(what: What) -> bool {
    matches!(what, What::Event(Event::Start(_) | Event::Started(true) | Event::Ready(true)))
}

/// A pod with the addresses of its node and its own.
fn with_addresses(pod: &Arc<Object>, given: Option<[String; 2]>) -> Arc<Object> {
    let Some([host, own]) = given else { return Arc::clone(pod) };
    let mut out = Object::clone(pod);
    let status = out.status_mut();
    status.insert("hostIPs".to_owned(), json!([{"ip": host}]));
    status.insert("hostIP".to_owned(), host.into());
    status.insert("podIPs".to_owned(), json!([{"ip": own}]));
    status.insert("podIP".to_owned(), own.into());
    Arc::new(out)
}

/// All containers of a pod run and are ready; those that run once have run.
fn run_at_once(pod: &Object, observed: &mut Observed, now: Nanos) {
    for place in pod_life::places(&pod.spec) {
        let container = place.of(&pod.spec);
        let mut happen = |event: Event| observe::happen(observed, pod, container, What::Event(event), now);
        happen(Event::Start(1));
        if place.init && !is_sidecar(container) {
            happen(Event::Exit(0));
        } else {
            happen(Event::Started(true));
            happen(Event::Ready(true));
        }
    }
}

fn field_of(container: &Value, init: bool) -> String {
    let list = if init { "initContainers" } else { "containers" };
    format!("spec.{list}{{{}}}", text(container, &["name"]))
}
