//! Pods spread over places of the topology.

use crate::simulate::scheduler::api::{Node, Pod, PodShape, SpreadConstraint};
use crate::simulate::scheduler::framework::{CycleState, FilterState, MAX_NODE_SCORE, Plugin, PreFilter, ScoreState, Status};
use crate::simulate::scheduler::plugins::taint_toleration::DO_NOT_SCHEDULE;
use crate::simulate::scheduler::selector::{Labels, Selector, untolerated};
use crate::simulate::scheduler::snapshot::{Listers, NodeInfo, Snapshot};

const HOSTNAME: &str = "kubernetes.io/hostname";

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

/// One constraint with the pods it counts.
#[derive(Clone, Debug)]
struct Counted {
    constraint: SpreadConstraint,
    /// The number of its key; `None` when no node has the label.
    key: Option<usize>,
    /// Matching pods by number of the value; `None` where no node counts.
    counts: Vec<Option<i64>>,
    /// The smallest of the counts, and how many are that small.
    least: i64,
    at_least: usize,
    /// 1 when the pod itself counts.
    own: i64,
    /// How many values count.
    domains: i64,
}

impl Counted {
    fn new(cluster: &Snapshot, constraint: SpreadConstraint, pod: &Pod) -> Self {
        let own = i64::from(constraint.selector.matches(&pod.labels));
        let key = cluster.key(&constraint.topology_key);
        let counts = key.map_or_else(Vec::new, |k| vec![None; cluster.topology(k).values.len()]);
        Self { constraint, key, counts, least: i64::from(i32::MAX), at_least: 0, own, domains: 0 }
    }

    fn value_of(&self, cluster: &Snapshot, node: usize) -> Option<usize> {
        self.key.and_then(|k| cluster.topology(k).value_of(node))
    }

    fn settle(&mut self) {
        self.least = self.counts.iter().flatten().copied().min().unwrap_or(i64::from(i32::MAX));
        self.at_least = self.counts.iter().flatten().filter(|c| **c == self.least).count();
        self.domains = self.counts.iter().flatten().count() as i64;
    }

    fn change(&mut self, value: usize, by: i64) {
        let before = self.counts[value];
        let after = before.unwrap_or(0) + by;
        self.counts[value] = Some(after);
        self.at_least -= usize::from(before == Some(self.least));
        if after < self.least {
            (self.least, self.at_least) = (after, 1);
        } else {
            self.at_least += usize::from(after == self.least);
        }
        if before.is_none() || self.at_least == 0 {
            self.settle();
        }
    }
}

/// What filtering knows.
#[derive(Clone, Debug, Default)]
pub struct FilterCounts {
    constraints: Vec<Counted>,
}

/// What scoring knows.
#[derive(Clone, Debug, Default)]
pub struct ScoreCounts {
    constraints: Vec<Preferred>,
    /// Whether nodes without one of the labels are left out.
    all_keys: bool,
}

/// A constraint that only scores.
#[derive(Clone, Debug)]
struct Preferred {
    constraint: SpreadConstraint,
    key: Option<usize>,
    /// For host names: matching pods by node. For others: by value.
    counts: Vec<i64>,
    by_node: bool,
    weight: f64,
}

impl Preferred {
    fn value_of(&self, cluster: &Snapshot, node: usize) -> Option<usize> {
        self.key.and_then(|k| cluster.topology(k).value_of(node))
    }

    /// What the matching pods near a node are worth.
    fn worth(&self, cluster: &Snapshot, node: usize) -> Option<f64> {
        let value = self.value_of(cluster, node)?;
        let count = self.counts[if self.by_node { node } else { value }];
        Some(count as f64 * self.weight + (self.constraint.max_skew - 1) as f64)
    }
}

impl ScoreCounts {
    fn ignores(&self, cluster: &Snapshot, node: usize) -> bool {
        self.all_keys && self.constraints.iter().any(|c| c.value_of(cluster, node).is_none())
    }

    /// Counts pods of a shape that stay on these nodes, `by` times.
    fn count(&mut self, cluster: &Snapshot, pod: &Pod, other: &PodShape, nodes: impl Iterator<Item = usize> + Clone, by: i64) {
        if other.namespace != pod.namespace {
            return;
        }
        for i in 0..self.constraints.len() {
            let c = &self.constraints[i];
            if c.constraint.selector.is_empty() || !c.constraint.selector.matches(&other.labels) {
                continue;
            }
            for node in nodes.clone() {
                let c = &self.constraints[i];
                let place = if c.by_node {
                    node
                } else if !self.ignores(cluster, node) && included(&c.constraint, pod, &cluster.nodes[node].node) {
                    let Some(value) = c.value_of(cluster, node) else { continue };
                    value
                } else {
                    continue;
                };
                self.constraints[i].counts[place] += by;
            }
        }
    }

    fn score(&self, cluster: &Snapshot, node: usize) -> i64 {
        if self.ignores(cluster, node) {
            return 0;
        }
        let score = self.constraints.iter().filter_map(|c| c.worth(cluster, node)).fold(0.0_f64, |sum, worth| sum + worth);
        // As Go's math.Round: halves away from zero; what is rounded here is never negative.
        let whole = score as i64;
        whole + i64::from(score - whole as f64 >= 0.5)
    }
}

/// upstream: plugins/helper/spread.go DefaultSelector
fn default_selector(pod: &Pod, listers: &Listers) -> Selector {
    let mut merged = Labels::new();
    for ((namespace, _), selector) in &listers.services {
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

fn has_all_keys(cluster: &Snapshot, node: usize, constraints: &[Counted]) -> bool {
    constraints.iter().all(|c| c.value_of(cluster, node).is_some())
}

fn included(c: &SpreadConstraint, pod: &Pod, node: &Node) -> bool {
    (!c.honor_affinity || pod.may_use(node)) && (!c.honor_taints || untolerated(&node.taints, &pod.tolerations, &DO_NOT_SCHEDULE).is_none())
}

/// Counts `other` on `node`; an empty selector counts nothing when `counting`, as when all are counted.
fn shift(cluster: &Snapshot, all: &mut [Counted], pod: &Pod, other: &Pod, node: &NodeInfo, by: i64, counting: bool) {
    if all.is_empty() || other.namespace != pod.namespace || !has_all_keys(cluster, node.index, all) {
        return;
    }
    for counted in all {
        let selector = &counted.constraint.selector;
        if (!counting || !selector.is_empty())
            && selector.matches(&other.labels)
            && included(&counted.constraint, pod, &node.node)
            && let Some(value) = counted.value_of(cluster, node.index)
        {
            counted.change(value, by);
        }
    }
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

impl PodTopologySpread {
    fn count_for_scores(&self, cluster: &Snapshot, pod: &Pod) -> ScoreCounts {
        let preferred = |constraint: SpreadConstraint| {
            let key = cluster.key(&constraint.topology_key);
            let by_node = constraint.topology_key == HOSTNAME;
            let size = if by_node { cluster.nodes.len() } else { key.map_or(0, |k| cluster.topology(k).values.len()) };
            Preferred { constraint, key, counts: vec![0; size], by_node, weight: 0.0 }
        };
        let mut out = ScoreCounts {
            constraints: self.constraints(cluster, pod, false).into_iter().map(preferred).collect(),
            all_keys: !pod.spread.is_empty() || !self.system,
        };
        if !out.constraints.is_empty() {
            for other in &cluster.placed {
                out.count(cluster, pod, &other.shape, other.staying.iter().map(|n| *n as usize), 1);
            }
        }
        out
    }
}

impl Plugin for PodTopologySpread {
    fn name(&self) -> &'static str {
        "PodTopologySpread"
    }

    fn gather(&self, cluster: &Snapshot, state: &mut FilterState, pod: &Pod) {
        let mut all: Vec<Counted> = self.constraints(cluster, pod, true).into_iter().map(|c| Counted::new(cluster, c, pod)).collect();
        if !all.is_empty() {
            let counts: Vec<bool> = (0..cluster.nodes.len()).map(|n| has_all_keys(cluster, n, &all)).collect();
            for counted in &mut all {
                let mut value_of = vec![None; counts.len()];
                for node in (0..counts.len()).filter(|n| counts[*n]) {
                    if included(&counted.constraint, pod, &cluster.nodes[node].node)
                        && let Some(value) = counted.value_of(cluster, node)
                    {
                        value_of[node] = Some(value);
                        counted.counts[value].get_or_insert(0);
                    }
                }
                let selector = &counted.constraint.selector;
                let wanted = |s: &PodShape| !selector.is_empty() && s.namespace == pod.namespace && selector.matches(&s.labels);
                for node in cluster.placed.iter().filter(|p| wanted(&p.shape)).flat_map(|p| &p.staying) {
                    if let Some(value) = value_of[*node as usize] {
                        *counted.counts[value].get_or_insert(0) += 1;
                    }
                }
                counted.settle();
            }
        }
        state.spread = FilterCounts { constraints: all };
    }

    fn counts(&self) -> bool {
        true
    }

    fn follow(&self, cluster: &Snapshot, state: &mut CycleState, pod: &Pod, other: &Pod, node: &NodeInfo, by: i64) {
        // Counting leaves out pods that are going.
        if !other.terminating {
            shift(cluster, &mut state.filter.spread.constraints, pod, other, node, by, true);
        }
        if let Some(counts) = state.score.spread.as_mut().filter(|_| !other.terminating) {
            counts.count(cluster, pod, other, std::iter::once(node.index), by);
        }
    }

    fn pre_filter(&self, _cluster: &Snapshot, state: &mut FilterState, _pod: &Pod) -> PreFilter {
        if state.spread.constraints.is_empty() { PreFilter::Skip } else { PreFilter::All }
    }

    fn filter(&self, cluster: &Snapshot, state: &FilterState, _pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        for counted in &state.spread.constraints {
            let c = &counted.constraint;
            let Some(value) = counted.value_of(cluster, node.index) else {
                return Err(Status::unresolvable("node(s) didn't match pod topology spread constraints (missing required label)"));
            };
            let least = if counted.domains < c.min_domains { 0 } else { counted.least };
            if counted.counts[value].unwrap_or(0) + counted.own - least > c.max_skew {
                return Err(Status::unschedulable("node(s) didn't match pod topology spread constraints"));
            }
        }
        Ok(())
    }

    fn update(&self, cluster: &Snapshot, state: &mut FilterState, pod: &Pod, other: &Pod, node: &NodeInfo, by: i64) {
        shift(cluster, &mut state.spread.constraints, pod, other, node, by, false);
    }

    fn scores(&self) -> bool {
        true
    }

    fn pre_score(&self, cluster: &Snapshot, state: &mut ScoreState, pod: &Pod, nodes: &[usize]) -> bool {
        let counts = state.spread.get_or_insert_with(|| self.count_for_scores(cluster, pod));
        if counts.constraints.is_empty() {
            return false;
        }
        let all_keys = counts.all_keys;
        let ignored = if all_keys { nodes.iter().filter(|n| counts.ignores(cluster, **n)).count() } else { 0 };
        let places: Vec<usize> = counts
            .constraints
            .iter()
            .map(|c| {
                if c.by_node {
                    return nodes.len() - ignored;
                }
                // Nodes without the label are one place of their own.
                let mut seen = vec![false; c.counts.len() + 1];
                let mut places = 0;
                for node in nodes.iter().filter(|n| !(all_keys && counts.ignores(cluster, **n))) {
                    places += usize::from(!std::mem::replace(&mut seen[c.value_of(cluster, *node).unwrap_or(c.counts.len())], true));
                    if places == seen.len() {
                        break;
                    }
                }
                places
            })
            .collect();
        for (c, places) in counts.constraints.iter_mut().zip(places) {
            c.weight = ((places + 2) as f64).ln();
        }
        true
    }

    fn score(&self, cluster: &Snapshot, state: &ScoreState, _pod: &Pod, node: &NodeInfo) -> i64 {
        state.spread.as_ref().map_or(0, |s| s.score(cluster, node.index))
    }

    fn score_all(&self, cluster: &Snapshot, state: &ScoreState, _pod: &Pod, nodes: &[usize], scores: &mut Vec<i64>) {
        match &state.spread {
            Some(s) => scores.extend(nodes.iter().map(|n| s.score(cluster, *n))),
            None => scores.resize(scores.len() + nodes.len(), 0),
        }
    }

    fn normalize(&self, cluster: &Snapshot, state: &ScoreState, nodes: &[usize], scores: &mut [i64]) {
        let Some(s) = &state.spread else { return };
        let ignored = |node: &usize| s.ignores(cluster, *node);
        let counted = || nodes.iter().zip(scores.iter()).filter(|(n, _)| !ignored(n)).map(|(_, s)| *s);
        let min = counted().min().unwrap_or(i64::MAX);
        let max = counted().max().unwrap_or(0).max(0);
        for (node, score) in nodes.iter().zip(scores) {
            *score = if ignored(node) {
                0
            } else if max == 0 {
                MAX_NODE_SCORE
            } else {
                MAX_NODE_SCORE * (max + min - *score) / max
            };
        }
    }
}
