//! Events during a rollout, as `kubectl describe` prints them: what is told again is counted.
//! upstream: kubectl/pkg/describe DescribeEvents

use std::collections::BTreeMap;

use super::cluster::Cluster;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::object::uid_text;
use crate::simulate::kubelet::behaviour;
use crate::simulate::kubelet::pod_life::Place;
use crate::simulate::kubelet::pod_life::What;
use crate::simulate::kubelet::prober::Event;
use crate::simulate::kubelet::prober::ProbeKind;
use crate::simulate::resources::is_sidecar;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;
use crate::sprig::Duration;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The object it is about, as `Kind/name`.
    pub object: String,
    /// Whether it warns.
    pub warning: bool,
    /// Such as `Scheduled`.
    pub reason: String,
    /// Who tells it.
    pub from: String,
    /// The sentence.
    pub message: String,
    /// When it was told first, since the change.
    pub first: Nanos,
    /// When it was told last.
    pub last: Nanos,
    /// How often.
    pub count: u64,
}

/// The events of a cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    pub(super) records: Vec<Record>,
    known: BTreeMap<(Uid, String, String), usize>,
}

/// Who tells an event about a kind. upstream: the names of the event recorders
pub fn component(kind: &str, reason: &str) -> &'static str {
    match (kind, reason) {
        ("Deployment", _) => "deployment-controller",
        ("ReplicaSet", _) => "replicaset-controller",
        ("ReplicationController", _) => "replication-controller",
        ("StatefulSet", _) => "statefulset-controller",
        ("DaemonSet", _) => "daemonset-controller",
        ("Job", _) => "job-controller",
        ("CronJob", _) => "cronjob-controller",
        ("PersistentVolumeClaim", "ExternalExpanding") => "volume_expand",
        ("PersistentVolumeClaim" | "PersistentVolume", _) => "persistentvolume-controller",
        ("HorizontalPodAutoscaler", _) => "horizontal-pod-autoscaler",
        ("Node", _) => "node-controller",
        _ => "controllermanager",
    }
}

impl Cluster {
    /// Tells an event about an object.
    pub(super) fn tell(&mut self, about: &Object, warning: bool, reason: &str, message: String, from: &str) {
        let object = format!("{}/{}", about.kind, about.meta.name);
        self.tell_of(about.meta.uid, object, warning, reason, message, from);
    }

    pub(super) fn tell_of(&mut self, uid: Uid, object: String, warning: bool, reason: &str, message: String, from: &str) {
        let at = self.since_change();
        let Some(log) = &mut self.events else { return };
        let key = (uid, reason.to_owned(), message.clone());
        if let Some(record) = log.known.get(&key).and_then(|i| log.records.get_mut(*i)) {
            record.last = at;
            record.count += 1;
            return;
        }
        log.known.insert(key, log.records.len());
        let (reason, from) = (reason.to_owned(), from.to_owned());
        log.records.push(Record { object, warning, reason, from, message, first: at, last: at, count: 1 });
    }

    /// Forgets what was told before the change.
    pub(super) fn forget_events(&mut self) {
        if let Some(log) = &mut self.events {
            *log = Log::default();
        }
    }

    /// A node begins to pull an image.
    pub(super) fn tell_pull(&mut self, pod: &Object, place: Place, node: &str) {
        let image = text(place.of(&pod.spec), &["image"]);
        self.tell(pod, false, "Pulling", format!("Pulling image \"{image}\""), &format!("kubelet, {node}"));
    }

    /// A pod that runs is to stop.
    pub(super) fn tell_stop(&mut self, pod: &Object, node: &str) {
        let running = ["initContainerStatuses", "containerStatuses"].iter().flat_map(|f| list(&pod.status, &[f]));
        let names: Vec<&str> = running.filter(|s| s["state"]["running"].is_object()).map(|s| text(s, &["name"])).collect();
        for name in names {
            self.tell(pod, false, "Killing", format!("Stopping container {name}"), &format!("kubelet, {node}"));
        }
    }

    /// Tells what happens to a container as its kubelet does.
    pub(super) fn tell_moment(&mut self, pod: &Object, place: Place, what: What, node: &str) {
        if self.events.is_none() {
            return;
        }
        let container = place.of(&pod.spec);
        let (name, image) = (text(container, &["name"]), text(container, &["image"]));
        let from = format!("kubelet, {node}");
        match what {
            What::PullFailed => {
                let why = format!("failed to pull and unpack image \"{image}\": not found");
                self.tell(pod, true, "Failed", format!("Failed to pull image \"{image}\": {why}"), &from);
                self.tell(pod, true, "Failed", "Error: ErrImagePull".to_owned(), &from);
            }
            What::PullBackOff => {
                self.tell(pod, false, "BackOff", format!("Back-off pulling image \"{image}\""), &from);
                self.tell(pod, true, "Failed", "Error: ImagePullBackOff".to_owned(), &from);
            }
            What::Event(Event::Start(n)) => {
                let pulling = (pod.meta.uid, "Pulling".to_owned(), format!("Pulling image \"{image}\""));
                let pulled = n == 1 && self.events.as_ref().is_some_and(|log| log.known.contains_key(&pulling));
                let message = if pulled {
                    let took = Duration(behaviour::of(&self.told(pod), container).pull).text();
                    format!("Successfully pulled image \"{image}\" in {took} ({took} including waiting). Image size: 72000000 bytes.")
                } else {
                    format!("Container image \"{image}\" already present on machine and can be accessed by the pod")
                };
                self.tell(pod, false, "Pulled", message, &from);
                self.tell(pod, false, "Created", "Container created".to_owned(), &from);
                self.tell(pod, false, "Started", "Container started".to_owned(), &from);
            }
            What::Event(Event::Kill(kind, _)) => {
                let word = match kind {
                    ProbeKind::Liveness => "Liveness",
                    ProbeKind::Readiness => "Readiness",
                    ProbeKind::Startup => "Startup",
                };
                self.tell(pod, true, "Unhealthy", format!("{word} probe failed: "), &from);
                let kind = if place.init && !is_sidecar(container) { "Init container" } else { "Container" };
                let message = format!("{kind} {name} failed {} probe, will be restarted", word.to_lowercase());
                self.tell(pod, false, "Killing", message, &from);
            }
            What::Event(Event::BackOff(_)) => {
                let place = format!("{}_{}({})", pod.meta.name, pod.meta.namespace, uid_text(pod.meta.uid));
                self.tell(pod, true, "BackOff", format!("Back-off restarting failed container {name} in pod {place}"), &from);
            }
            What::Event(_) => {}
        }
    }
}
