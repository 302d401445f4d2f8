//! A cluster that lives on between commands: the control plane, the scheduler and the kubelets of
//! [`crate::simulate`] on one virtual clock, with what a client sees of them.
//!
//! [`Cluster`] is the cluster in memory; [`server`] takes requests as a kube-apiserver does, the kubelets play the nodes,
//! [`present`] shows objects as the API returns them, [`state`] turns all of it into bytes and back. Nothing here reads a
//! file or a clock: the same requests in the same order give the same cluster.

pub mod alike;
mod api;
mod autoscale;
mod held;
pub mod boot;
pub mod compare;
mod endpoints;
mod ephemeral;
mod event;
pub mod fields;
mod foresee;
pub mod helm;
mod kubelet;
mod namespace;
pub mod present;
pub mod ready;
mod scheduling;
pub mod server;
mod service;
pub mod state;
mod storage;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::simulate::apiserver::ApiServer;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Operation;
use crate::simulate::apiserver::Uid;
use crate::simulate::controllers::ControlPlane;
use crate::simulate::rollout::autoscale::Autoscaler;

pub use kubelet::Kubelet;
pub use server::Refusal;

/// How often the instants of one move may be looked at: a defect must not become an endless loop.
const MAX_INSTANTS: usize = 1_000_000;

/// A cluster.
#[derive(Debug, Default)]
pub struct Cluster {
    plane: ControlPlane,
    nodes: kubelet::Nodes,
    scheduler: Option<scheduling::Scheduler>,
    /// Pods without a node.
    unbound: BTreeSet<Uid>,
    /// Pods that found no node, with the sentence why.
    unschedulable: BTreeMap<Uid, String>,
    events: event::Events,
    managers: held::Held<fields::Managers>,
    lines: state::Lines,
    warnings: Vec<String>,
    cursor: usize,
    /// Something happened after which pods without a node may find one.
    look_again: bool,
    terminating: BTreeSet<Uid>,
    autoscalers: BTreeMap<Uid, Autoscaler>,
    /// Claims, volumes or their classes have changed.
    storage_moved: bool,
    /// What follows from writes waits for the last of them.
    batch: bool,
    /// Answers may be short.
    brief: bool,
    /// What is known of the lives of pods.
    alike: alike::Alike,
    /// What was worked out of requests that are to come.
    foreseen: foresee::All,
}

impl Cluster {
    /// An empty cluster at a time; the seed decides names, addresses and ports.
    pub fn new(now: Nanos, seed: u64) -> Self {
        Self { plane: ControlPlane::new(ApiServer::new(now, seed)), ..Self::default() }
    }

    /// The virtual time.
    pub fn now(&self) -> Nanos {
        self.plane.api.now
    }

    /// The objects as the control plane keeps them.
    pub fn api(&self) -> &ApiServer {
        &self.plane.api
    }

    /// How the kubelets behave.
    pub fn set_kubelet(&mut self, kubelet: Kubelet) {
        self.nodes.kubelet = kubelet;
    }

    /// Sets the clock forward without letting anything happen: for the instant a command starts.
    pub fn set_now(&mut self, now: Nanos) {
        self.plane.api.now = self.plane.api.now.max(now);
    }

    /// What the server warned of since the last call, each sentence once.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Controllers, scheduler and kubelets work until nothing moves at this instant.
    pub fn settle(&mut self) {
        if self.batch {
            return;
        }
        for _ in 0..MAX_INSTANTS {
            self.plane.settle();
            let seen = self.plane.api.log.len();
            self.watch();
            let moved = self.schedule();
            let moved = self.finish_namespaces() || moved;
            let moved = self.provision() || moved;
            // What the nodes reported is news to the controllers.
            if !moved && seen == self.plane.api.log.len() && self.cursor == seen {
                break;
            }
        }
        self.record_events();
        if self.plane.forget(self.cursor) {
            self.cursor = 0;
        }
    }

    /// When the next thing is due.
    pub fn next(&self) -> Option<Nanos> {
        [self.plane.next(), self.nodes.next()].into_iter().flatten().min()
    }

    /// Moves the clock to the next instant at which something happens, not past `until`; false when nothing does, and the
    /// clock then stands at `until`.
    pub fn advance(&mut self, until: Nanos) -> bool {
        self.settle();
        let Some(next) = self.next().filter(|t| *t <= until) else {
            self.set_now(until);
            return false;
        };
        self.plane.advance(next);
        self.work_of_nodes(next);
        self.settle();
        true
    }

    /// Lets time pass up to an instant.
    pub fn advance_to(&mut self, until: Nanos) {
        for _ in 0..MAX_INSTANTS {
            if !self.advance(until) {
                return;
            }
        }
    }

    /// Lets time pass up to the last thing that happens before a long rest, at the latest up to `until`; false when
    /// there is no rest before it.
    pub fn advance_until_stable(&mut self, until: Nanos) -> bool {
        self.settle();
        let mut last = self.now();
        // Whether what is due changes anything shows only later: the cluster as it was when something changed last.
        let mut rested: Option<Self> = None;
        for _ in 0..MAX_INSTANTS {
            let end = until.min(last + QUIET);
            let Some(next) = self.next().filter(|next| *next <= end) else {
                if let Some(before) = rested {
                    self.restore(before);
                }
                self.set_now(last);
                return end == last + QUIET || self.next().is_none();
            };
            if rested.is_none() && next - last > BURST {
                rested = Some(self.copy());
            }
            let version = self.plane.api.counters().version;
            self.advance(next);
            if self.plane.api.counters().version != version {
                last = self.now();
                rested = None;
            }
        }
        false
    }

    /// What [`Cluster::restore`] needs.
    fn copy(&self) -> Self {
        Self {
            plane: self.plane.clone(),
            nodes: self.nodes.clone(),
            unbound: self.unbound.clone(),
            unschedulable: self.unschedulable.clone(),
            events: self.events.clone(),
            managers: self.managers.clone(),
            cursor: self.cursor,
            look_again: self.look_again,
            terminating: self.terminating.clone(),
            autoscalers: self.autoscalers.clone(),
            storage_moved: self.storage_moved,
            ..Self::default()
        }
    }

    /// Goes back to an earlier state.
    fn restore(&mut self, before: Self) {
        let now = std::mem::replace(self, before);
        self.lines = now.lines;
        self.warnings = now.warnings;
        self.batch = now.batch;
        self.brief = now.brief;
    }

    /// What the log tells the scheduler and the nodes.
    fn watch(&mut self) {
        while let Some(change) = self.plane.api.log.get(self.cursor).cloned() {
            self.cursor += 1;
            if change.operation == Operation::Deleted {
                self.managers.remove(change.object.meta.uid);
                self.nodes.forget_owner(change.object.meta.uid);
            }
            match change.object.kind.as_str() {
                "Service" | "ReplicaSet" | "ReplicationController" | "StatefulSet" => self.scheduler_hears(&change),
                _ => {}
            }
            match change.object.kind.as_str() {
                "Pod" => self.watch_pod(&change),
                "Service" => {
                    let own = ("default", "kubernetes") == (&change.object.meta.namespace, &change.object.meta.name);
                    if own && change.operation == Operation::Deleted {
                        self.create_own_service();
                    }
                }
                "HorizontalPodAutoscaler" | "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
                    self.watch_scaling(&change);
                }
                "Namespace" => {
                    if change.object.meta.is_deleted() {
                        self.terminating.insert(change.object.meta.uid);
                    }
                }
                // What the scheduler reads beside pods.
                "Node"
                | "PersistentVolume"
                | "PersistentVolumeClaim"
                | "StorageClass"
                | "CSINode"
                | "CSIDriver"
                | "PodDisruptionBudget"
                | "PriorityClass" => {
                    self.storage_moved |=
                        matches!(change.object.kind.as_str(), "PersistentVolume" | "PersistentVolumeClaim" | "StorageClass");
                    self.scheduler_hears_of_room(&change);
                }
                _ => {}
            }
        }
    }
}

/// What happens so soon after a change belongs to it.
const BURST: Nanos = 2 * crate::simulate::apiserver::SECOND;

/// After so long without any change a cluster counts as stable.
const QUIET: Nanos = 360 * crate::simulate::apiserver::SECOND;

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use serde_json::json;

    use super::server::Write;
    use super::*;
    use crate::simulate::apiserver::SECOND;

    fn deployment(image: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 3,
            "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": image}]}}}})
    }

    fn three_nodes() -> Cluster {
        let (cluster, refused) = boot::boot(&crate::simulate::cluster::default_nodes(), boot::EPOCH, 1);
        assert_eq!(refused, Vec::<String>::new());
        cluster
    }

    #[test]
    fn pods_that_no_node_takes_wait_for_a_node() {
        let mut cluster = three_nodes();
        let mark = |cluster: &mut Cluster, name: &str, on: bool| {
            let mut node = cluster.get("Node", "", name).expect("there");
            node["spec"]["unschedulable"] = on.into();
            cluster.replace(&node, &Write::by("kubectl")).expect("accepted");
        };
        let waiting = |cluster: &Cluster| cluster.list("Pod", "default").iter().filter(|p| p["spec"]["nodeName"].is_null()).count();
        let until = |cluster: &Cluster| cluster.now() + 600 * SECOND;
        cluster.apply(&deployment("nginx:1"), &Write::by("helm")).expect("accepted");
        cluster.advance_until_stable(until(&cluster));
        let nodes: Vec<String> =
            cluster.list("Node", "").iter().map(|n| n["metadata"]["name"].as_str().unwrap_or_default().to_owned()).collect();
        nodes.iter().for_each(|name| mark(&mut cluster, name, true));
        // What leaves a node makes no room on it.
        let one = cluster.list("Pod", "default")[0]["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        cluster.delete("v1", "Pod", "default", &one, server::Deletion::default()).expect("there");
        cluster.scale("Deployment", "default", "web", 5, &Write::by("kubectl")).expect("accepted");
        cluster.advance_until_stable(until(&cluster));
        assert_eq!(waiting(&cluster), 3);
        mark(&mut cluster, &nodes[0], false);
        cluster.advance_until_stable(until(&cluster));
        assert_eq!(waiting(&cluster), 0);
        // A shape that had been stuck gets a node that comes later, and gets none again.
        mark(&mut cluster, &nodes[0], true);
        cluster.scale("Deployment", "default", "web", 6, &Write::by("kubectl")).expect("accepted");
        cluster.advance_until_stable(until(&cluster));
        assert_eq!(waiting(&cluster), 1);
    }

    #[test]
    fn a_pod_that_leaves_does_not_count_among_those_that_are_spread() {
        let mut cluster = three_nodes();
        let mut web = deployment("nginx:1");
        web["spec"]["template"]["spec"]["topologySpreadConstraints"] = json!([{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "web"}}}]);
        cluster.apply(&web, &Write::by("helm")).expect("accepted");
        cluster.advance_until_stable(cluster.now() + 600 * SECOND);
        for round in 0..3 {
            let leaves = cluster.list("Pod", "default")[round].clone();
            let name = leaves["metadata"]["name"].as_str().unwrap_or_default();
            cluster.delete("v1", "Pod", "default", name, server::Deletion::default()).expect("there");
            let pods = cluster.list("Pod", "default");
            assert_eq!(pods.len(), 4, "it takes its time");
            let there = pods.iter().filter(|p| p["spec"]["nodeName"] == leaves["spec"]["nodeName"]).count();
            assert_eq!(there, 2, "the new one comes where the old one leaves");
            cluster.advance_until_stable(cluster.now() + 600 * SECOND);
        }
    }

    #[test]
    fn a_deployment_becomes_ready_and_survives_the_bytes() {
        let mut cluster = three_nodes();
        cluster.apply(&deployment("nginx:1"), &Write::by("helm")).expect("accepted");
        let mut cluster = state::decode(state::encode(&mut cluster).to_vec()).expect("read back");
        assert_eq!(cluster.list("Pod", "default").len(), 3);
        assert!(cluster.advance_until_stable(cluster.now() + 600 * SECOND));
        let web = cluster.get("Deployment", "default", "web").expect("there");
        assert_eq!(ready::status(&web), (ready::Status::Current, "Deployment is available. Replicas: 3".to_owned()));
        let bytes = state::encode(&mut cluster).to_vec();
        let mut again = state::decode(bytes.clone()).expect("read back");
        assert_eq!(state::encode(&mut again).to_vec(), bytes);
        again.apply(&deployment("nginx:2"), &Write::by("helm")).expect("accepted");
        assert!(again.advance_until_stable(again.now() + 600 * SECOND));
        assert!(again.list("Pod", "default").iter().all(|p| p["spec"]["containers"][0]["image"] == "nginx:2"));
        again.delete("apps/v1", "Deployment", "default", "web", server::Deletion::default()).expect("there");
        assert!(again.advance_until_stable(again.now() + 600 * SECOND));
        assert_eq!(again.list("Pod", "").len(), 0);
        assert_eq!(again.list("ReplicaSet", "").len(), 0);
    }
}
