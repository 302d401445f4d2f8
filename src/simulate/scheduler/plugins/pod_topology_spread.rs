//! Pods spread over places of the topology.

use std::collections::{BTreeMap, BTreeSet};

use crate::simulate::scheduler::api::{Node, Pod, SpreadConstraint};
use crate::simulate::scheduler::framework::{CycleState, MAX_NODE_SCORE, Plugin, PreFilter, Status};
use crate::simulate::scheduler::plugins::taint_toleration::DO_NOT_SCHEDULE;
use crate::simulate::scheduler::selector::{Labels, Selector, untolerated};
use crate::simulate::scheduler::snapshot::{Listers, NodeInfo, Snapshot};

const HOSTNAME: &str = "kubernetes.io/hostname";
const REASON: &str = "node(s) didn't match pod topology spread constraints";

/// upstream: plugins/podtopologyspread
pub struct PodTopologySpread {
    /// Constraints of pods that have none; their selector comes from Services and workloads.
    pub defaults: Vec<SpreadConstraint>,
    /// Whether `defaults` are the built-in ones, which do not ask nodes for all labels.
    pub system: bool,
}

impl Default for PodTopologySpread {
    fn default() -> Self {
        let soft = |topology_key: &str, max_skew| SpreadConstraint {
            max_skew,
            topology_key: topology_key.to_owned(),
            hard: false,
            selector: Selector::Nothing,
            min_domains: 1,
            honor_affinity: true,
            honor_taints: false,
        };
        Self { defaults: vec![soft(HOSTNAME, 3), soft("topology.kubernetes.io/zone", 5)], system: true }
    }
}

/// What filtering knows.
#[derive(Clone, Debug, Default)]
pub struct PreFilterState {
    constraints: Vec<SpreadConstraint>,
    /// Per constraint: matching pods by value of the key.
    counts: Vec<BTreeMap<String, i64>>,
}

/// What scoring knows.
#[derive(Clone, Debug, Default)]
pub struct PreScoreState {
    constraints: Vec<SpreadConstraint>,
    ignored: BTreeSet<String>,
    counts: Vec<BTreeMap<String, i64>>,
    weights: Vec<f64>,
}

/// upstream: plugins/helper/spread.go DefaultSelector
fn default_selector(pod: &Pod, listers: &Listers) -> Selector {
    let mut merged = Labels::new();
    for (namespace, selector) in &listers.services {
        if *namespace == pod.namespace && selector.iter().all(|(k, v)| pod.labels.get(k) == Some(v)) {
            merged.extend(selector.clone());
        }
    }
    let mut selector = Selector::from_labels(&merged);
    if let Some(owner) = &pod.owner {
        let key = (owner.kind.clone(), (pod.namespace.clone(), owner.name.clone()));
        if let Some(Selector::All(more)) = listers.workloads.get(&key) {
            for requirement in more {
                selector.add(requirement.clone());
            }
        }
    }
    selector
}

fn has_all_keys(node: &Node, constraints: &[SpreadConstraint]) -> bool {
    constraints.iter().all(|c| node.labels.contains_key(&c.topology_key))
}

fn included(c: &SpreadConstraint, pod: &Pod, node: &Node) -> bool {
    (!c.honor_affinity || pod.may_use(node)) && (!c.honor_taints || untolerated(&node.taints, &pod.tolerations, &DO_NOT_SCHEDULE).is_none())
}

fn count_pods(node: &NodeInfo, selector: &Selector, namespace: &str) -> i64 {
    if selector.is_empty() {
        return 0;
    }
    node.pods.iter().filter(|p| !p.terminating && p.namespace == namespace && selector.matches(&p.labels)).count() as i64
}

impl PodTopologySpread {
    fn constraints(&self, cluster: &Snapshot, pod: &Pod, hard: bool) -> Vec<SpreadConstraint> {
        if !pod.spread.is_empty() {
            return pod.spread.iter().filter(|c| c.hard == hard).cloned().collect();
        }
        let mut out: Vec<SpreadConstraint> = self.defaults.iter().filter(|c| c.hard == hard).cloned().collect();
        if out.is_empty() {
            return out;
        }
        let selector = default_selector(pod, &cluster.listers);
        if selector.is_empty() {
            return Vec::new();
        }
        for constraint in &mut out {
            constraint.selector = selector.clone();
        }
        out
    }
}

impl Plugin for PodTopologySpread {
    fn name(&self) -> &'static str {
        "PodTopologySpread"
    }

    fn pre_filter(&self, cluster: &Snapshot, state: &mut CycleState, pod: &Pod) -> PreFilter {
        let constraints = self.constraints(cluster, pod, true);
        if constraints.is_empty() {
            return PreFilter::Skip;
        }
        let mut counts = vec![BTreeMap::new(); constraints.len()];
        for node in &cluster.nodes {
            if !has_all_keys(&node.node, &constraints) {
                continue;
            }
            for (c, counts) in constraints.iter().zip(&mut counts) {
                if included(c, pod, &node.node) {
                    *counts.entry(node.node.labels[&c.topology_key].clone()).or_insert(0) += count_pods(node, &c.selector, &pod.namespace);
                }
            }
        }
        state.spread_filter = PreFilterState { constraints, counts };
        PreFilter::All
    }

    fn filter(&self, _cluster: &Snapshot, state: &CycleState, pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        let s = &state.spread_filter;
        for (c, counts) in s.constraints.iter().zip(&s.counts) {
            let Some(value) = node.node.labels.get(&c.topology_key) else {
                return Err(Status::unresolvable(format!("{REASON} (missing required label)")));
            };
            let least =
                if (counts.len() as i64) < c.min_domains { 0 } else { counts.values().copied().min().unwrap_or(i64::from(i32::MAX)) };
            let own = i64::from(c.selector.matches(&pod.labels));
            if counts.get(value).copied().unwrap_or(0) + own - least > c.max_skew {
                return Err(Status::unschedulable(REASON));
            }
        }
        Ok(())
    }

    fn update(&self, _cluster: &Snapshot, state: &mut CycleState, pod: &Pod, other: &Pod, node: &NodeInfo, by: i64) {
        let s = &mut state.spread_filter;
        if other.namespace != pod.namespace || !has_all_keys(&node.node, &s.constraints) {
            return;
        }
        for (c, counts) in s.constraints.iter().zip(&mut s.counts) {
            if c.selector.matches(&other.labels) && included(c, pod, &node.node) {
                *counts.entry(node.node.labels[&c.topology_key].clone()).or_insert(0) += by;
            }
        }
    }

    fn scores(&self) -> bool {
        true
    }

    fn pre_score(&self, cluster: &Snapshot, state: &mut CycleState, pod: &Pod, nodes: &[&NodeInfo]) -> bool {
        let constraints = self.constraints(cluster, pod, false);
        if constraints.is_empty() {
            return false;
        }
        let all_keys = !pod.spread.is_empty() || !self.system;
        let mut ignored = BTreeSet::new();
        let mut counts: Vec<BTreeMap<String, i64>> = vec![BTreeMap::new(); constraints.len()];
        for node in nodes {
            if all_keys && !has_all_keys(&node.node, &constraints) {
                ignored.insert(node.node.name.clone());
                continue;
            }
            for (c, counts) in constraints.iter().zip(&mut counts).filter(|(c, _)| c.topology_key != HOSTNAME) {
                counts.entry(node.node.labels.get(&c.topology_key).cloned().unwrap_or_default()).or_insert(0);
            }
        }
        let size = |c: &SpreadConstraint, counts: &BTreeMap<String, i64>| {
            if c.topology_key == HOSTNAME { nodes.len() - ignored.len() } else { counts.len() }
        };
        let weights = constraints.iter().zip(&counts).map(|(c, counts)| ((size(c, counts) + 2) as f64).ln()).collect();
        for node in &cluster.nodes {
            if all_keys && !has_all_keys(&node.node, &constraints) {
                continue;
            }
            for (c, counts) in constraints.iter().zip(&mut counts) {
                if !included(c, pod, &node.node) {
                    continue;
                }
                let value = node.node.labels.get(&c.topology_key).map_or("", String::as_str);
                if let Some(count) = counts.get_mut(value) {
                    *count += count_pods(node, &c.selector, &pod.namespace);
                }
            }
        }
        state.spread_score = PreScoreState { constraints, ignored, counts, weights };
        true
    }

    fn score(&self, _cluster: &Snapshot, state: &CycleState, pod: &Pod, node: &NodeInfo) -> i64 {
        let s = &state.spread_score;
        if s.ignored.contains(&node.node.name) {
            return 0;
        }
        let mut score = 0.0_f64;
        for ((c, counts), weight) in s.constraints.iter().zip(&s.counts).zip(&s.weights) {
            let Some(value) = node.node.labels.get(&c.topology_key) else { continue };
            let count = if c.topology_key == HOSTNAME {
                count_pods(node, &c.selector, &pod.namespace)
            } else {
                counts.get(value).copied().unwrap_or(0)
            };
            score += count as f64 * weight + (c.max_skew - 1) as f64;
        }
        score.round() as i64
    }

    fn normalize(&self, state: &CycleState, nodes: &[&NodeInfo], scores: &mut [i64]) {
        let ignored = &state.spread_score.ignored;
        let counted = || nodes.iter().zip(scores.iter()).filter(|(n, _)| !ignored.contains(&n.node.name)).map(|(_, s)| *s);
        let min = counted().min().unwrap_or(i64::MAX);
        let max = counted().max().unwrap_or(0).max(0);
        for (node, score) in nodes.iter().zip(scores) {
            *score = if ignored.contains(&node.node.name) {
                0
            } else if max == 0 {
                MAX_NODE_SCORE
            } else {
                MAX_NODE_SCORE * (max + min - *score) / max
            };
        }
    }
}
