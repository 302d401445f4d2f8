//! How a change rolls out: the controllers, the scheduler and the kubelets of a cluster under a virtual clock.
//!
//! The cluster holds its nodes and the old state; the new objects are applied at second 0. What follows is told as a
//! timeline, and each workload gets a verdict.

mod cluster;
mod report;
mod verdict;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::SECOND;

pub use report::answer;
pub use verdict::Verdict;
pub use verdict::diagnostics;

use cluster::Cluster;

/// How to predict.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where objects without a namespace go.
    pub namespace: String,
    /// The seed of random names and of free choices.
    pub seed: u64,
    /// How long to look, in seconds.
    pub timeout: i64,
    /// The instants to take a look at the objects at, in seconds.
    pub at: Vec<i64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { namespace: "default".to_owned(), seed: 0, timeout: 1800, at: Vec::new() }
    }
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Nanoseconds since the change.
    pub at: Nanos,
    /// The object, as `Kind/name`.
    pub object: String,
    /// What happened.
    pub what: String,
}

/// What becomes of one workload.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Which of the new objects it is.
    pub object: usize,
    /// Pods wanted.
    pub desired: i64,
    /// The fewest pods available at a time since the change.
    pub min_available: i64,
    /// The most pods at a time.
    pub max_pods: i64,
    /// When the change was complete, since it was made.
    pub complete_at: Option<Nanos>,
    /// Pods available at the end.
    pub available: i64,
    /// How many of its containers were started again.
    pub restarts: i64,
    /// The fewest pods that its strategy promises to keep available.
    pub promised: i64,
    /// What holds it up, when something does.
    pub hindrance: Option<Hindrance>,
}

/// What holds a workload up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hindrance {
    /// The pod or the object that shows it.
    pub object: String,
    /// Such as `Unschedulable`, `ImagePullBackOff`, `NotReady`.
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
    /// The field to look at, from the workload's root.
    pub field: Vec<String>,
}

/// The objects at one instant, as `kubectl get` would list them.
#[derive(Clone, Debug)]
pub struct Look {
    /// Nanoseconds since the change.
    pub at: Nanos,
    /// The objects.
    pub objects: Vec<Arc<Object>>,
    /// The virtual time.
    pub now: Nanos,
}

/// The prediction.
#[derive(Clone, Debug, Default)]
pub struct Prediction {
    /// Lines in order.
    pub steps: Vec<Step>,
    /// The workloads of the new objects.
    pub workloads: Vec<Workload>,
    /// Objects that the server refuses: which of the new ones, and its sentence.
    pub refused: Vec<(usize, String)>,
    /// What was asked to be looked at.
    pub looks: Vec<Look>,
    /// When nothing moved any more, since the change.
    pub quiet_at: Nanos,
}

/// Whether the kind is one whose pods are rolled out.
fn is_workload(kind: &str) -> bool {
    matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "Pod")
}

/// The objects in the order in which they are created, with their places in the input.
fn in_order(objects: &[Value]) -> Vec<(usize, &Value)> {
    let rank = |o: &Value| match o["kind"].as_str().unwrap_or("") {
        "Namespace" => 0,
        "PriorityClass" | "StorageClass" | "RuntimeClass" => 1,
        "ResourceQuota" | "LimitRange" | "ServiceAccount" => 2,
        "ConfigMap" | "Secret" | "PersistentVolume" | "PersistentVolumeClaim" | "Service" => 3,
        _ => 4,
    };
    let mut all: Vec<(usize, &Value)> = objects.iter().enumerate().collect();
    all.sort_by_key(|(_, o)| rank(o));
    all
}

/// Predicts what applying `new` does to a cluster described by `cluster`, in which `old` runs.
pub fn predict(cluster: &[Value], old: &[Value], new: &[Value], options: &Options) -> Prediction {
    let mut world = Cluster::new(cluster, options);
    for (_, object) in in_order(old) {
        // What the server would refuse now was accepted once, or is told of the new objects.
        drop(world.apply(object));
    }
    if !old.is_empty() || world.has_workloads() {
        world.run(options.timeout * SECOND, &[]);
    }
    world.mark();
    let mut out = Prediction::default();
    let mut kept: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (i, object) in in_order(new) {
        match world.apply(object) {
            Ok(made) => {
                kept.insert((made.kind.clone(), made.meta.name.clone()), i);
                if is_workload(&made.kind) {
                    world.follow(&made, i);
                }
            }
            Err(error) => out.refused.push((i, error.message)),
        }
    }
    for object in old {
        let key = (object["kind"].as_str().unwrap_or("").to_owned(), object["metadata"]["name"].as_str().unwrap_or("").to_owned());
        if !kept.contains_key(&key) {
            world.delete(&key.0, &key.1);
        }
    }
    let at: Vec<Nanos> = options.at.iter().map(|s| s * SECOND).collect();
    world.run(options.timeout * SECOND, &at);
    world.finish(&mut out);
    out
}
