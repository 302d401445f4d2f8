//! The nodes of the cluster: what a kubelet does with a pod from its binding to its end, as tasks in time.

use std::sync::Arc;

use super::cluster::Cluster;
use super::cluster::top_owner;
use super::verdict;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::store;
use crate::simulate::controllers::conditions;
use crate::simulate::kubelet::behaviour;
use crate::simulate::kubelet::observe;
use crate::simulate::kubelet::pod_life;
use crate::simulate::kubelet::pod_life::Moment;
use crate::simulate::kubelet::pod_life::Place;
use crate::simulate::kubelet::pod_life::What;
use crate::simulate::kubelet::prober::Event;
use crate::simulate::kubelet::runtime::Observed;
use crate::simulate::kubelet::runtime::Sandbox;
use crate::simulate::scheduler::api::Pod;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// What a node has to do with a pod.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    /// A change of a container.
    Moment(Place, What),
    /// The pod is out of time.
    Deadline,
    /// The sidecars of a pod whose work is done have stopped.
    SidecarsStopped,
    /// The pod's containers have stopped.
    Stopped,
    /// An autoscaler looks at its metrics.
    Autoscale,
    /// A volume for a claim is made.
    Provision,
    /// A volume is enlarged.
    Expand,
    /// A pod has been on a tainted node for as long as it may.
    Evict,
    /// Something happens to a node: a number in the list of what does.
    Node(usize),
}

impl Task {
    /// Whether it is the end of a container.
    fn is_trouble(self) -> bool {
        matches!(self, Self::Moment(_, What::Event(Event::Kill(..) | Event::Exit(_) | Event::BackOff(_))))
    }
}

/// A pod on its node.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    /// As the scheduler counts it.
    pub(super) pod: Arc<Pod>,
    /// The index of its node.
    pub(super) node: usize,
    observed: Observed,
    /// Whether it waits for a volume that another node holds.
    waits: bool,
    /// Whether its containers hold nothing any more.
    over: bool,
}

/// What the pods of one template do on a node, by the time their images take.
pub(super) type Lives = Arc<Vec<Moment>>;

impl Cluster {
    /// A pod has come to a node: its containers' lives are known from here.
    pub(super) fn place(&mut self, object: &Arc<Object>, node: usize) {
        let uid = object.meta.uid;
        let pod = Arc::new(self.scheduler_pod(object));
        self.nodes.place(node, &pod);
        let waits = self.volume_held_elsewhere(object, node);
        let observed = Observed { sandbox: if waits.is_some() { Sandbox::None } else { Sandbox::Ready }, ..Observed::default() };
        let unseen = self.lost.contains(&node);
        if waits.is_some() || unseen {
            self.waiting.insert(uid);
        }
        self.placed.insert(uid, Placed { pod, node, observed, waits: waits.is_some() || unseen, over: false });
        if store::is_finished(object) {
            return;
        }
        self.judge_stay(uid, node);
        match waits {
            None if unseen => return,
            Some(volume) => {
                let hindrance = verdict::volume_in_use(object, &volume);
                self.step(format!("Pod/{}", object.meta.name), format!("{}: {}", hindrance.reason, hindrance.message));
                self.failing.insert(uid, hindrance);
            }
            None => self.begin(object, node),
        }
        self.report(uid);
    }

    /// A pod gets its node.
    pub(super) fn bind(&mut self, uid: Uid, node: usize) {
        let name = self.nodes.nodes[node].node.name.clone();
        let bound = self.plane.api.edit(uid, |o| {
            let spec = o.spec_mut();
            if spec.is_object() {
                spec["nodeName"] = name.as_str().into();
            }
        });
        if let Some(bound) = bound {
            let message = format!("Successfully assigned {}/{} to {name}", bound.meta.namespace, bound.meta.name);
            self.tell(&bound, false, "Scheduled", message, "default-scheduler");
            self.place(&bound, node);
        }
    }

    fn begin(&mut self, object: &Arc<Object>, node: usize) {
        let uid = object.meta.uid;
        for moment in self.lives_of(object, node).iter() {
            self.later(moment.at, uid, Task::Moment(moment.place, moment.what));
        }
        if let Some(seconds) = int(&object.spec, &["activeDeadlineSeconds"]) {
            self.later(seconds * SECOND, uid, Task::Deadline);
        }
    }

    /// A claim of a pod that can be mounted on one node at a time, and is on another.
    fn volume_held_elsewhere(&self, object: &Object, node: usize) -> Option<String> {
        let claims: Vec<&str> = list(&object.spec, &["volumes"]).iter().map(|v| text(v, &["persistentVolumeClaim", "claimName"])).collect();
        let alone = |name: &&&str| {
            let claim = self.plane.api.find("PersistentVolumeClaim", &object.meta.namespace, name);
            claim.is_some_and(|c| {
                let modes = list(&c.spec, &["accessModes"]);
                !modes.is_empty() && modes.iter().all(|m| m == "ReadWriteOnce" || m == "ReadWriteOncePod")
            })
        };
        let held = |name: &&str| {
            self.placed.iter().any(|(uid, other)| {
                let same = other.pod.namespace == object.meta.namespace && other.pod.claims().iter().any(|(c, _)| c == name);
                *uid != object.meta.uid && other.node != node && same && !other.waits && !other.over
            })
        };
        claims.iter().filter(|c| !c.is_empty()).filter(alone).find(|c| held(c)).map(|c| (*c).to_owned())
    }

    /// Pods that waited for a volume look again.
    pub(super) fn retry_volumes(&mut self) {
        let seen = |p: &&Placed| p.waits && !self.lost.contains(&p.node);
        let placed = &self.placed;
        self.waiting.retain(|uid| placed.get(uid).is_some_and(|p| p.waits));
        let waiting: Vec<(Uid, usize)> =
            self.waiting.iter().filter_map(|uid| placed.get(uid).filter(seen).map(|p| (*uid, p.node))).collect();
        for (uid, node) in waiting {
            let Some(object) = self.plane.api.get(uid).cloned() else { continue };
            if self.volume_held_elsewhere(&object, node).is_some() {
                continue;
            }
            if let Some(placed) = self.placed.get_mut(&uid) {
                placed.waits = false;
                placed.observed.sandbox = Sandbox::Ready;
            }
            self.failing.remove(&uid);
            self.begin(&object, node);
            self.report(uid);
        }
    }

    /// What the containers of a pod do on a node.
    fn lives_of(&mut self, object: &Object, node: usize) -> Lives {
        let spec = &object.spec;
        let annotations = self.told(object);
        let own_node = self.nodes.nodes[node].node.name.clone();
        let mut pulls = Vec::new();
        for place in pod_life::places(spec) {
            let container = place.of(spec);
            let told = behaviour::of(&annotations, container);
            let image = text(container, &["image"]).to_owned();
            let always = text(container, &["imagePullPolicy"]) == "Always";
            // An image that is there is only asked for at the registry.
            let known = !self.images.insert((node, image))
                || self.nodes.nodes[node].node.images.iter().any(|(names, _)| names.iter().any(|n| n == text(container, &["image"])));
            let pull = match (known, always && told.image_missing) {
                (true, false) => 0,
                _ => told.pull,
            };
            if pull > 0 {
                self.tell_pull(object, place, &own_node);
            }
            pulls.push(pull);
        }
        let owner = object.meta.controller().map_or(object.meta.uid, |o| o.uid);
        let template = object.meta.labels.get("controller-revision-hash").cloned().unwrap_or_default();
        let key = (owner, template, pulls.clone());
        if let Some(known) = self.lives.get(&key) {
            return Arc::clone(known);
        }
        let lives = Arc::new(pod_life::run(&annotations, spec, &pulls, self.horizon));
        self.lives.insert(key, Arc::clone(&lives));
        lives
    }

    /// A terminating pod stops when its hooks and containers have, at the latest after its grace period.
    pub(super) fn stop(&mut self, pod: &Object) {
        // A node that is not heard of stops nothing.
        let Some(node) = self.placed.get(&pod.meta.uid).map(|p| p.node).filter(|n| !self.lost.contains(n)) else { return };
        let name = self.nodes.nodes[node].node.name.clone();
        self.tell_stop(pod, &name);
        let grace = pod.meta.deletion_grace.unwrap_or(30) * SECOND;
        let annotations = self.told(pod);
        self.later(pod_life::stop_time(&annotations, &pod.spec, grace), pod.meta.uid, Task::Stopped);
    }

    pub(super) fn later(&mut self, after: Nanos, uid: Uid, task: Task) {
        self.sequence += 1;
        self.troubles += usize::from(task.is_trouble());
        self.tasks.insert((self.plane.api.now + after, self.sequence), (uid, task));
    }

    pub(super) fn perform(&mut self, uid: Uid, task: Task) {
        self.troubles -= usize::from(task.is_trouble());
        if let Task::Node(number) = task {
            self.act(number);
            return;
        }
        let Some(object) = self.plane.api.get(uid).cloned() else { return };
        match task {
            Task::Stopped => self.plane.api.finish_pod(uid),
            Task::Autoscale => self.autoscale(&object),
            Task::Provision => self.provision(&object),
            Task::Expand => self.expand(&object),
            _ if object.meta.is_deleted() || store::is_finished(&object) => {}
            Task::Evict => self.eviction_due(&object),
            Task::Node(_) => {}
            Task::Deadline => {
                self.step(
                    format!("Pod/{}", object.meta.name),
                    "DeadlineExceeded: Pod was active on the node longer than the specified deadline".to_owned(),
                );
                self.end_instances(uid, 137);
                self.plane.api.edit(uid, |p| {
                    let status = p.status_mut();
                    status.insert("phase".to_owned(), "Failed".into());
                    status.insert("reason".to_owned(), "DeadlineExceeded".into());
                    status.insert("message".to_owned(), "Pod was active on the node longer than the specified deadline".into());
                });
                self.report(uid);
            }
            Task::SidecarsStopped => {
                self.end_instances(uid, 0);
                self.report(uid);
            }
            Task::Moment(place, what) => self.container(&object, place, what),
        }
    }

    fn end_instances(&mut self, uid: Uid, code: i64) {
        let now = self.plane.api.now;
        let Some(placed) = self.placed.get_mut(&uid) else { return };
        observe::end_all(&mut placed.observed, code, now);
    }

    fn container(&mut self, object: &Arc<Object>, place: Place, what: What) {
        let uid = object.meta.uid;
        let now = self.plane.api.now;
        let container = place.of(&object.spec);
        let pod_name = format!("Pod/{}", object.meta.name);
        let Some(placed) = self.placed.get_mut(&uid) else { return };
        let reports = observe::happen(&mut placed.observed, object, container, what, now);
        let node = placed.node;
        if self.lost.contains(&node) {
            return;
        }
        let node = self.nodes.nodes[node].node.name.clone();
        self.tell_moment(object, place, what, &node);
        match what {
            What::PullBackOff => {
                let hindrance = verdict::image_missing(object, place);
                self.step(pod_name, format!("{}: {}", hindrance.reason, hindrance.message));
                self.failing.insert(uid, hindrance);
            }
            What::Event(Event::Start(n)) if n > 1 => {
                let owner = top_owner(&self.plane, object).unwrap_or(uid);
                *self.restarts.entry(owner).or_default() += 1;
            }
            What::Event(Event::Kill(kind, _)) => {
                let hindrance = verdict::probe_failed(object, place, kind);
                self.step(pod_name, hindrance.message.clone());
                self.failing.insert(uid, hindrance);
            }
            What::Event(Event::BackOff(wait)) => {
                // Where a probe did it, the probe is what to look at.
                let probed = self.failing.get(&uid).is_some_and(|h| h.reason == "Unhealthy");
                if !probed {
                    self.failing.insert(uid, verdict::crash_loop(object, place, wait));
                }
            }
            _ => {}
        }
        if reports {
            self.report(uid);
        }
    }

    /// Writes the status of a pod when it differs from the last.
    pub(super) fn report(&mut self, uid: Uid) {
        let Some(object) = self.plane.api.get(uid).cloned() else { return };
        let now = self.plane.api.now;
        let Some(placed) = self.placed.get_mut(&uid).filter(|p| !self.lost.contains(&p.node)) else { return };
        let manifest = match object.meta.controller().filter(|o| o.kind == "ReplicaSet" && !object.meta.is_deleted()) {
            // Pods of one ReplicaSet differ by name only; those of other owners may differ more.
            Some(owner) => Arc::clone(self.manifests.entry(owner.uid).or_insert_with(|| Arc::new(observe::Manifest::of(&object)))),
            None => Arc::new(observe::Manifest::of(&object)),
        };
        let new = observe::report_of(&manifest, &object, &placed.observed, now);
        if object.status == new {
            return;
        }
        placed.over = matches!(text(&new, &["phase"]), "Succeeded" | "Failed");
        let ready = conditions::get(&new, "Ready").is_some_and(|c| text(c, &["status"]) == "True");
        let sidecars_left = observe::sidecars_left(&manifest, &placed.observed);
        if ready {
            self.failing.remove(&uid);
        }
        self.plane.api.set_status(uid, new);
        if sidecars_left {
            self.later(SECOND, uid, Task::SidecarsStopped);
        }
    }
}
