//! The prediction users see: which pod may run where, which stays pending and why, and what is left on each node.
//!
//! Where the scheduler picks at random among equally good nodes, the placement is repeated with other choices; the
//! nodes seen are the possible nodes of a pod.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::expand::expand;
use super::replay::{Arrival, Keep, Run, first_by_name, simulate};
use super::scheduler::api::Pod;
use super::scheduler::json::{namespace, text};
use super::scheduler::profile::Profiles;
use super::scheduler::snapshot::Snapshot;
use crate::diagnostic::{Diagnostic, ObjectRef, Severity};
use crate::kube::Object;

/// How to predict.
#[derive(Clone, Debug)]
pub struct Options {
    /// How often the placement is repeated with other choices among equal nodes.
    pub alternatives: usize,
    /// The seed of these choices.
    pub seed: u64,
    /// The namespace of objects that name none.
    pub namespace: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { alternatives: 16, seed: 0, namespace: "default".to_owned() }
    }
}

/// One pod of the prediction.
#[derive(Clone, Debug)]
pub struct PodPrediction {
    /// Its namespace.
    pub namespace: String,
    /// Its name; pods of workloads have a number where real ones have a random suffix.
    pub name: String,
    /// Kind and name of the object it comes from.
    pub source: (String, String),
    /// Which of the given objects it comes from; `None` when it comes from the cluster.
    pub object: Option<usize>,
    /// Its node with the first choice among equals; `None` when it stays pending.
    pub node: Option<String>,
    /// All nodes it may end on.
    pub possible_nodes: Vec<String>,
    /// Whether it stays pending whatever is chosen.
    pub always_pending: bool,
    /// The sentence of the `FailedScheduling` event of its last attempt, when it stays pending.
    pub message: Option<String>,
    /// Per node, why it was refused in that attempt.
    pub refused: BTreeMap<String, Vec<String>>,
    /// Pods it drives away.
    pub victims: Vec<String>,
}

/// What one node holds in the end.
#[derive(Clone, Debug)]
pub struct NodePrediction {
    /// Its name.
    pub name: String,
    /// Names of its pods.
    pub pods: Vec<String>,
    /// CPU asked for and there, in thousandths.
    pub cpu: (i64, i64),
    /// Memory asked for and there, in bytes.
    pub memory: (i64, i64),
    /// How many pods it takes.
    pub max_pods: i64,
}

/// A prediction.
#[derive(Clone, Debug, Default)]
pub struct Prediction {
    /// The pods in order of arrival.
    pub pods: Vec<PodPrediction>,
    /// The nodes in the order given.
    pub nodes: Vec<NodePrediction>,
    /// Whether no choice was free: the real cluster must place the pods so, up to their names.
    pub determined: bool,
}

fn with_namespace(object: &Value, default: &str) -> Value {
    let mut object = object.clone();
    if text(&object, &["metadata", "namespace"]).is_empty()
        && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.insert("namespace".to_owned(), default.into());
    }
    object
}

/// Where pods of each source run: the distribution that counts, for pods of one workload are alike.
fn distribution(run: &Run) -> BTreeMap<(String, String, Option<usize>), usize> {
    let mut out = BTreeMap::new();
    for (pod, node) in run.pods.iter().zip(&run.placement) {
        *out.entry((pod.source.kind.clone(), pod.source.name.clone(), *node)).or_insert(0) += 1;
    }
    out
}

/// Predicts where the pods of `objects` go in a cluster described by `cluster` (nodes, and whatever runs there already).
pub fn predict(cluster: &[Value], objects: &[Value], options: &Options) -> Prediction {
    let all: Vec<Value> = cluster.iter().chain(objects).map(|o| with_namespace(o, &options.namespace)).collect();
    let expanded = expand(&all);
    let order: Vec<String> = expanded.nodes.iter().map(|n| n.name.clone()).collect();
    let profiles = Profiles::default();
    let first = simulate(expanded.clone(), &profiles, Arrival::Sequential, Keep::Failures, first_by_name);
    let free = first.free;
    let mut possible: Vec<BTreeSet<Option<usize>>> = first.placement.iter().map(|p| BTreeSet::from([*p])).collect();
    let mut determined = true;
    let usual = distribution(&first);
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    for _ in 0..if free { options.alternatives } else { 0 } {
        let choose = |_: &Snapshot, top: &[usize]| top[random.next_u32() as usize % top.len()];
        let other = simulate(expanded.clone(), &profiles, Arrival::Sequential, Keep::Failures, choose);
        determined &= distribution(&other) == usual;
        possible.iter_mut().zip(&other.placement).for_each(|(set, node)| {
            set.insert(*node);
        });
    }
    let pods = (0..first.pods.len()).map(|i| pod_prediction(&first, i, &possible[i], cluster.len())).collect();
    let mut nodes: Vec<NodePrediction> = first.cluster.nodes.iter().map(node_prediction).collect();
    nodes.sort_by_key(|n| order.iter().position(|o| *o == n.name));
    Prediction { pods, nodes, determined }
}

fn node_prediction(node: &super::scheduler::snapshot::NodeInfo) -> NodePrediction {
    let there = &node.node.allocatable;
    NodePrediction {
        name: node.node.name.clone(),
        pods: node.pods.iter().map(|p| p.name.clone()).collect(),
        cpu: (node.requested.milli_cpu, there.milli_cpu),
        memory: (node.requested.memory, there.memory),
        max_pods: there.allowed_pod_number,
    }
}

fn pod_prediction(run: &Run, i: usize, possible: &BTreeSet<Option<usize>>, from_cluster: usize) -> PodPrediction {
    let pod: &Pod = &run.pods[i];
    let name_of = |n: usize| run.cluster.nodes[n].node.name.clone();
    let attempts = || run.attempts.iter().filter(|a| a.pod == i);
    let node = run.placement[i];
    let last = attempts().next_back().filter(|_| node.is_none());
    let message = match last {
        Some(last) if last.gated => Some("Scheduling is blocked due to non-empty scheduling gates".to_owned()),
        Some(last) => last.outcome.message.clone(),
        None => None,
    };
    let victims = attempts().filter_map(|a| match &a.outcome.preemption {
        Some(super::scheduler::preemption::Preemption::Victims { pods, .. }) => Some(pods.iter().map(|p| p.name.clone())),
        _ => None,
    });
    PodPrediction {
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
        source: (pod.source.kind.clone(), pod.source.name.clone()),
        object: pod.input.checked_sub(from_cluster),
        node: node.map(name_of),
        possible_nodes: possible.iter().flatten().map(|n| name_of(*n)).collect(),
        always_pending: possible.iter().all(Option::is_none),
        message,
        refused: last
            .map(|a| {
                a.outcome.infeasible.iter().map(|(n, r)| (name_of(*n), r.status.reasons.iter().map(str::to_owned).collect())).collect()
            })
            .unwrap_or_default(),
        victims: victims.flatten().collect(),
    }
}

/// One finding per object of which pods stay pending, in the order of the objects.
pub fn diagnostics(prediction: &Prediction, objects: &[Object]) -> Vec<Diagnostic> {
    let mut by_object: BTreeMap<usize, Vec<&PodPrediction>> = BTreeMap::new();
    for pod in &prediction.pods {
        if let (None, Some(object)) = (&pod.node, pod.object) {
            by_object.entry(object).or_default().push(pod);
        }
    }
    let total = |object: usize| prediction.pods.iter().filter(|p| p.object == Some(object)).count();
    let mut out = Vec::new();
    for (i, pods) in by_object {
        let (Some(object), Some(message)) = (objects.get(i), pods.iter().find_map(|p| p.message.clone())) else { continue };
        let path = crate::kube::field::Path::new("metadata").child("name");
        let reference = ObjectRef { namespace: namespace(&object.value), ..object.id.clone() };
        let mut finding = Diagnostic::new("unschedulable-pod", Severity::Error, message)
            .at(object.span(&path))
            .on(reference, "")
            .help(format!("{} of {} pods stay pending in this cluster", pods.len(), total(i)));
        if pods.iter().any(|p| !p.always_pending) {
            finding.severity = Severity::Warning;
            finding.help += ", unless the scheduler picks other nodes among equally good ones";
        }
        out.push(finding);
    }
    out
}

fn gibibytes(bytes: i64) -> String {
    format!("{:.1}Gi", bytes as f64 / f64::from(1_u32 << 30))
}

fn columns(rows: &[Vec<String>]) -> String {
    let width = |i: usize| rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows.iter().map(Vec::len).max().unwrap_or(0)).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
        out += cells.join("   ").trim_end();
        out.push('\n');
    }
    out
}

/// The prediction as tables for people: pods, what keeps pods pending, nodes.
pub fn table(prediction: &Prediction) -> String {
    let row = |cells: &[&str]| cells.iter().map(|c| (*c).to_owned()).collect::<Vec<String>>();
    let mut pods = vec![row(&["POD", "NODE", "POSSIBLE NODES"])];
    for pod in &prediction.pods {
        let node = pod.node.clone().unwrap_or_else(|| "<pending>".to_owned());
        let possible = match pod.possible_nodes.as_slice() {
            [] => "<none>".to_owned(),
            names => names.join(","),
        };
        pods.push(vec![format!("{}/{}", pod.namespace, pod.name), node, possible]);
    }
    let mut out = columns(&pods);
    // Pods of one workload usually wait for the same reason, which is then told once.
    let mut told: Vec<(&(String, String), &String, usize)> = Vec::new();
    for pod in &prediction.pods {
        let Some(message) = &pod.message else { continue };
        match told.iter_mut().find(|(source, text, _)| *source == &pod.source && *text == message) {
            Some((_, _, n)) => *n += 1,
            None => told.push((&pod.source, message, 1)),
        }
    }
    if !told.is_empty() {
        out.push('\n');
    }
    for ((kind, name), message, n) in told {
        let _ = writeln!(out, "{kind}/{name}: {n} pending: {message}");
    }
    for pod in prediction.pods.iter().filter(|p| !p.victims.is_empty()) {
        let _ = writeln!(out, "{}/{} drives away {}", pod.namespace, pod.name, pod.victims.join(", "));
    }
    let mut nodes = vec![row(&["NODE", "PODS", "CPU", "MEMORY"])];
    for node in &prediction.nodes {
        nodes.push(vec![
            node.name.clone(),
            format!("{}/{}", node.pods.len(), node.max_pods),
            format!("{}m/{}m", node.cpu.0, node.cpu.1),
            format!("{}/{}", gibibytes(node.memory.0), gibibytes(node.memory.1)),
        ]);
    }
    out.push('\n');
    out += &columns(&nodes);
    out
}

/// The prediction for programs.
pub fn to_json(prediction: &Prediction) -> Value {
    let pods: Vec<Value> = prediction
        .pods
        .iter()
        .map(|p| {
            json!({
                "namespace": p.namespace, "name": p.name, "kind": p.source.0, "owner": p.source.1, "node": p.node,
                "possibleNodes": p.possible_nodes, "message": p.message, "refused": p.refused, "victims": p.victims,
            })
        })
        .collect();
    let nodes: Vec<Value> = prediction
        .nodes
        .iter()
        .map(|n| {
            json!({
                "name": n.name, "pods": n.pods, "cpuMilli": {"requested": n.cpu.0, "allocatable": n.cpu.1},
                "memoryBytes": {"requested": n.memory.0, "allocatable": n.memory.1}, "maxPods": n.max_pods,
            })
        })
        .collect();
    json!({"pods": pods, "nodes": nodes, "determined": prediction.determined})
}
