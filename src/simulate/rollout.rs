//! How a change rolls out: the controllers, the scheduler and the kubelets of a cluster under a virtual clock.
//!
//! The cluster holds its nodes and the old state; the new objects are applied at second 0. What follows is told as a
//! timeline, and each workload gets a verdict.

pub mod autoscale;
mod chart;
mod cluster;
pub mod events;
mod node;
mod outage;
mod report;
mod scenario;
mod storage;
mod surge;
mod verdict;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::SECOND;
use crate::simulate::kubelet::printed::Printed;
use crate::simulate::scheduler::profile::Profiles;

pub use report::answer;
pub use scenario::Scenario;
pub use surge::Surge;
pub use verdict::Verdict;
pub use verdict::diagnostics;

use cluster::Cluster;

/// How to predict.
#[derive(Clone)]
pub struct Options {
    /// Where objects without a namespace go.
    pub namespace: String,
    /// The seed of random names and of free choices.
    pub seed: u64,
    /// How long to look, in seconds.
    pub timeout: i64,
    /// The instants to take a look at the objects at, in seconds.
    pub at: Vec<i64>,
    /// Whether every change of a pod is told.
    pub watch: bool,
    /// Whether events are told.
    pub events: bool,
    /// What containers do, where a file tells it.
    pub scenario: Scenario,
    /// How the scheduler is set up.
    pub profiles: Arc<Profiles>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            seed: 0,
            timeout: 1800,
            at: Vec::new(),
            watch: false,
            events: false,
            scenario: Scenario::default(),
            profiles: Arc::default(),
        }
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
    /// Pods of the new revision at the end, for kinds that have revisions.
    pub updated: Option<i64>,
    /// How many of its containers were started again.
    pub restarts: i64,
    /// The fewest pods that its strategy promises to keep available.
    pub promised: i64,
    /// What holds it up, when something does.
    pub hindrance: Option<Hindrance>,
    /// The field that would let the rollout go on in spite of it.
    pub relief: Option<Vec<String>>,
    /// From when on how many pods were available, and how many there were.
    pub curve: Vec<(Nanos, i64, i64)>,
    /// The pods that its strategy makes beside those wanted, and whether there is room for them.
    pub surge: Option<Surge>,
}

/// What a pod went through.
#[derive(Clone, Debug, Default)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// The workload at the top of its owners, as `Kind/name`.
    pub owner: String,
    /// Its node.
    pub node: String,
    /// How it looked, each from its instant on.
    pub glimpses: Vec<Glimpse>,
}

/// How a pod looks from an instant on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glimpse {
    /// Since the change.
    pub at: Nanos,
    /// As `kubectl get pods` prints it; without status once it is gone.
    pub printed: Printed,
    /// Whether its condition `Ready` holds.
    pub ready: bool,
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
    /// What each pod went through.
    pub pods: Vec<Lane>,
    /// A controller that never came to an end, which is a defect to report.
    pub defect: Option<String>,
    /// Budgets that ask for more than there can be: which of the new objects, a sentence, and the field.
    pub budgets: Vec<(usize, String, &'static str)>,
    /// Events, when they are told.
    pub events: Vec<events::Record>,
    /// Lines of the scenario that nothing fits.
    pub unused: Vec<String>,
}

/// Whether the kind is one whose pods are rolled out.
fn is_workload(kind: &str) -> bool {
    matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "Pod" | "Job" | "CronJob")
}

/// What tells objects apart, as they are written.
fn name_of(object: &Value) -> [&str; 3] {
    let word = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or("");
    [word("/kind"), word("/metadata/namespace"), word("/metadata/name")]
}

/// The objects in the order in which they are created, with their places in the input.
fn in_order(objects: &[Value]) -> Vec<(usize, &Value)> {
    let rank = |o: &Value| match o["kind"].as_str().unwrap_or("") {
        "Namespace" => 0,
        "PriorityClass" | "StorageClass" | "RuntimeClass" => 1,
        "ResourceQuota" | "LimitRange" | "ServiceAccount" => 2,
        "ConfigMap" | "Secret" | "PersistentVolume" | "PersistentVolumeClaim" | "Service" | "PodDisruptionBudget" => 3,
        "HorizontalPodAutoscaler" => 5,
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
        drop(world.apply(object, None));
    }
    if !old.is_empty() || world.has_workloads() {
        world.run(options.timeout * SECOND, &[]);
    }
    world.mark();
    let mut out = Prediction::default();
    let mut budgets = Vec::new();
    let mut kept: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (i, object) in in_order(new) {
        let before = old.iter().find(|o| name_of(o) == name_of(object));
        match world.apply(object, before) {
            Ok(made) => {
                kept.insert((made.kind.clone(), made.meta.name.clone()), i);
                if is_workload(&made.kind) {
                    world.follow(&made, i);
                } else if made.kind == "PodDisruptionBudget" {
                    budgets.push((i, made.meta.uid));
                }
            }
            Err(error) => {
                // What is there stays as it is.
                let name = object["metadata"]["name"].as_str().unwrap_or("");
                kept.insert((object["kind"].as_str().unwrap_or("").to_owned(), name.to_owned()), i);
                out.refused.push((i, error.message));
            }
        }
    }
    for object in old {
        let key = (object["kind"].as_str().unwrap_or("").to_owned(), object["metadata"]["name"].as_str().unwrap_or("").to_owned());
        if !kept.contains_key(&key) {
            world.delete(object);
        }
    }
    let at: Vec<Nanos> = options.at.iter().map(|s| s * SECOND).collect();
    world.run(options.timeout * SECOND, &at);
    out.budgets = budgets.into_iter().filter_map(|(i, uid)| verdict::unmet(world.api(), uid).map(|(why, field)| (i, why, field))).collect();
    world.finish(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::simulate::cluster::parse_argument;

    fn deployment(image: &str, told: &str) -> Value {
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 4,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}, "annotations": {"simulate.kval.dev/all": told}},
                    "spec": {"containers": [{
                        "name": "c",
                        "image": image,
                        "resources": {"requests": {"cpu": "1"}},
                        "readinessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1},
                    }]},
                },
            },
        })
    }

    fn change(nodes: &str, told: &str) -> Prediction {
        let nodes = parse_argument(nodes).expect("nodes");
        predict(&nodes, &[deployment("app:v1", "pull 1s")], &[deployment("app:v2", told)], &Options::default())
    }

    #[test]
    fn completes() {
        let prediction = change("3x4cpu,16Gi", "pull 1s, starts in 5s");
        assert_eq!(prediction.verdict(), Verdict::Complete);
        assert_eq!((prediction.workloads[0].min_available, prediction.workloads[0].max_pods), (3, 5));
    }

    #[test]
    fn stuck() {
        for (nodes, told, reason, field) in [
            ("3x4cpu,16Gi", "image missing", "ImagePullBackOff", "image"),
            ("3x4cpu,16Gi", "never ready", "NotReady", "readinessProbe"),
            ("3x4cpu,16Gi", "fails after 1s", "CrashLoopBackOff", "command"),
        ] {
            let prediction = change(nodes, told);
            assert_eq!(prediction.verdict(), Verdict::Stuck, "{told}");
            let why = prediction.workloads[0].hindrance.as_ref().expect("a reason");
            assert_eq!((why.reason, why.field.last().map(String::as_str)), (reason, Some(field)), "{told}");
        }
    }

    /// No node has room for one pod more, and none may go first.
    #[test]
    fn deadlock() {
        let nodes = parse_argument("4x1cpu,16Gi").expect("nodes");
        let strict = |image: &str| {
            let mut object = deployment(image, "pull 1s");
            object["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
            object
        };
        let prediction = predict(&nodes, &[strict("app:v1")], &[strict("app:v2")], &Options::default());
        assert_eq!(prediction.verdict(), Verdict::Stuck);
        let why = prediction.workloads[0].hindrance.as_ref().expect("a reason");
        assert_eq!(why.reason, "Unschedulable");
    }
}
