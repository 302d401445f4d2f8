//! The prediction users see: which pod may run where, which stays pending and why, and what is left on each node.
//!
//! Where the scheduler picks at random among equally good nodes, the placement is repeated with other choices; the
//! nodes seen are the possible nodes of a pod.

use std::collections::{BTreeMap, BTreeSet};

use chacha20::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde_json::Value;

use super::captured::{together, workload_of};
use super::expand::{Expanded, expand_with_claims};
use super::piece::Piece;
use super::replay::{Arrival, Attempt, Keep, Run, first_by_name, simulate};
use super::scheduler::api::Pod;
use super::scheduler::preemption::Preemption;
use super::scheduler::profile::Profiles;
use super::scheduler::snapshot::Snapshot;

/// How to predict.
#[derive(Clone, Debug)]
pub struct Options {
    /// How often the placement is repeated with other choices among equal nodes.
    pub alternatives: usize,
    /// The seed of these choices.
    pub seed: u64,
    /// Whether the placement shown is itself chosen by the seed, and not the first by name.
    pub chosen: bool,
    /// The namespace of objects that name none.
    pub namespace: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { alternatives: 16, seed: 0, chosen: false, namespace: "default".to_owned() }
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
    /// Its place among the pods of the run.
    pub index: usize,
}

/// One pod on a node.
#[derive(Clone, Debug)]
pub struct Filling {
    /// Its name.
    pub name: String,
    /// Kind and name of what it comes from.
    pub source: String,
    /// In thousandths of a CPU.
    pub cpu: i64,
    /// In bytes.
    pub memory: i64,
}

/// What one node holds in the end.
#[derive(Clone, Debug)]
pub struct NodePrediction {
    /// Its name.
    pub name: String,
    /// Names of its pods.
    pub pods: Vec<String>,
    /// Its pods with what they ask for.
    pub filling: Vec<Filling>,
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

/// Where pods of each source run: the distribution that counts, for pods of one workload are alike.
fn distribution(run: &Run) -> BTreeMap<(String, String, Option<usize>), usize> {
    let mut out = BTreeMap::new();
    for (pod, node) in run.pods.iter().zip(&run.placement) {
        *out.entry((pod.source.kind.clone(), pod.source.name.clone(), *node)).or_insert(0) += 1;
    }
    out
}

/// A cluster and objects, ready to be placed as often as wanted.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Nodes and pods.
    pub expanded: Expanded,
    /// How many of the objects describe the cluster; the others are the user's.
    pub from_cluster: usize,
    /// What of the cluster was replaced by the user's objects.
    pub told: Vec<String>,
    /// The nodes in the order given.
    order: BTreeMap<String, usize>,
}

impl Setting {
    /// Reads a cluster (nodes, and whatever runs there already) and objects.
    pub fn new(cluster: &[Piece], objects: &[Piece], namespace: &str) -> Self {
        let found = together(cluster, objects, namespace);
        let all: Vec<&Piece> = found.cluster.iter().chain(&found.objects).map(std::convert::AsRef::as_ref).collect();
        let mut expanded = expand_with_claims(&all, &found.daemons);
        found.listed.iter().for_each(|o| expanded.listers.add(o));
        let order = expanded.nodes.iter().enumerate().map(|(i, n)| (n.name.clone(), i)).collect();
        Self { expanded, from_cluster: found.cluster.len(), told: found.told, order }
    }

    /// Places everything once, as the recordings do: of equally good nodes the first by name.
    pub fn run(&self, profiles: &Profiles, keep: Keep) -> Run {
        simulate(self.expanded.clone(), profiles, Arrival::Sequential, keep, first_by_name)
    }

    /// What a finished run means for users.
    pub fn prediction(&self, run: &Run) -> Prediction {
        let possible: Vec<BTreeSet<Option<usize>>> = run.placement.iter().map(|p| BTreeSet::from([*p])).collect();
        self.read(run, &possible, !run.free)
    }

    fn read(&self, run: &Run, possible: &[BTreeSet<Option<usize>>], determined: bool) -> Prediction {
        let mut last: BTreeMap<usize, &Attempt> = BTreeMap::new();
        let mut victims: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for attempt in &run.attempts {
            last.insert(attempt.pod, attempt);
            if let Some(Preemption::Victims { pods, .. }) = &attempt.outcome.preemption {
                victims.entry(attempt.pod).or_default().extend(pods.iter().map(|p| p.name.clone()));
            }
        }
        let pods = (0..run.pods.len())
            .map(|i| pod_prediction(run, i, &possible[i], self.from_cluster, last.get(&i).copied(), victims.remove(&i).unwrap_or_default()))
            .collect();
        let mut nodes: Vec<NodePrediction> = run.cluster.nodes.iter().map(node_prediction).collect();
        nodes.sort_by_key(|n| self.order.get(&n.name));
        Prediction { pods, nodes, determined }
    }
}

/// More pods times nodes than this are not repeated with other choices.
const MAX_REPEATED: usize = 400_000;

/// Predicts where the pods of `objects` go in a cluster described by `cluster` (nodes, and whatever runs there already).
pub fn predict(cluster: &[Value], objects: &[Value], options: &Options) -> Prediction {
    let [cluster, objects] = [cluster, objects].map(|all| all.iter().cloned().map(Piece::from).collect::<Vec<_>>());
    predict_in(&Setting::new(&cluster, &objects, &options.namespace), &Profiles::default(), options).0
}

/// As [`predict`] with these profiles; also gives the run that was read.
pub fn predict_in(setting: &Setting, profiles: &Profiles, options: &Options) -> (Prediction, Run) {
    let first = if options.chosen {
        // The user asked for one of the possible outcomes.
        let mut random = ChaCha8Rng::seed_from_u64(options.seed);
        let choose = |_: &Snapshot, top: &[usize]| top[random.next_u32() as usize % top.len()];
        simulate(setting.expanded.clone(), profiles, Arrival::Sequential, Keep::Failures, choose)
    } else {
        setting.run(profiles, Keep::Failures)
    };
    let mut possible: Vec<BTreeSet<Option<usize>>> = first.placement.iter().map(|p| BTreeSet::from([*p])).collect();
    let mut determined = !first.free;
    if first.free {
        let usual = distribution(&first);
        let repeats = if first.pods.len() * first.cluster.nodes.len() > MAX_REPEATED { 0 } else { options.alternatives };
        determined = repeats > 0;
        // Each repetition has choices of its own, so that the answer is the same however many threads there are.
        let repeat = |i: usize| {
            let mut random = ChaCha8Rng::seed_from_u64(options.seed.wrapping_add(i as u64));
            let choose = |_: &Snapshot, top: &[usize]| top[random.next_u32() as usize % top.len()];
            let other = simulate(setting.expanded.clone(), profiles, Arrival::Sequential, Keep::Failures, choose);
            (distribution(&other) == usual, other.placement)
        };
        let others: Vec<(bool, Vec<Option<usize>>)> = (0..repeats).into_par_iter().map(repeat).collect();
        for (same, placement) in others {
            determined &= same;
            possible.iter_mut().zip(&placement).for_each(|(set, node)| {
                set.insert(*node);
            });
        }
    }
    (setting.read(&first, &possible, determined), first)
}

fn joined((kind, name): &(String, String)) -> String {
    format!("{kind}/{name}")
}

fn node_prediction(node: &super::scheduler::snapshot::NodeInfo) -> NodePrediction {
    let there = &node.node.allocatable;
    let filling = |p: &std::sync::Arc<Pod>| Filling {
        name: p.name.clone(),
        source: joined(&workload_of(p)),
        cpu: p.requests.milli_cpu,
        memory: p.requests.memory,
    };
    NodePrediction {
        name: node.node.name.clone(),
        pods: node.pods.iter().map(|p| p.name.clone()).collect(),
        filling: node.pods.iter().map(filling).collect(),
        cpu: (node.requested.milli_cpu, there.milli_cpu),
        memory: (node.requested.memory, there.memory),
        max_pods: there.allowed_pod_number,
    }
}

fn pod_prediction(
    run: &Run,
    i: usize,
    possible: &BTreeSet<Option<usize>>,
    from_cluster: usize,
    last: Option<&Attempt>,
    victims: Vec<String>,
) -> PodPrediction {
    let pod: &Pod = &run.pods[i];
    let name_of = |n: usize| run.cluster.nodes[n].node.name.clone();
    let node = run.placement[i];
    let last = last.filter(|_| node.is_none());
    let message = match last {
        Some(last) if last.gated => Some("Scheduling is blocked due to non-empty scheduling gates".to_owned()),
        Some(last) => last.outcome.message.clone(),
        None if node.is_none() && run.victims.contains(&(pod.namespace.clone(), pod.name.clone())) => Some("has to go".to_owned()),
        None if node.is_none() => Some(format!("no scheduler {:?} runs here", pod.scheduler_name)),
        None => None,
    };
    PodPrediction {
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
        source: workload_of(pod),
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
        victims,
        index: i,
    }
}
