//! Pods that want to be with, or away from, other pods.

use std::collections::BTreeMap;

use crate::simulate::scheduler::api::{AffinityTerm, Node, Pod, Weighted};
use crate::simulate::scheduler::framework::{CycleState, MAX_NODE_SCORE, Plugin, PreFilter, Status};
use crate::simulate::scheduler::selector::Labels;
use crate::simulate::scheduler::snapshot::{NodeInfo, Snapshot};

/// upstream: plugins/interpodaffinity
pub struct InterPodAffinity {
    /// What a required affinity of an existing pod is worth for the pods it speaks of.
    pub hard_weight: i64,
    /// Whether preferences of existing pods are left out for pods that have none.
    pub ignore_existing: bool,
}

impl Default for InterPodAffinity {
    fn default() -> Self {
        Self { hard_weight: 1, ignore_existing: false }
    }
}

/// Matching pods by topology key and value; zero entries are removed.
type Counts = BTreeMap<(String, String), i64>;

/// What filtering knows.
#[derive(Clone, Debug, Default)]
pub struct PreFilterState {
    existing_anti: Counts,
    affinity: Counts,
    anti: Counts,
}

/// What scoring knows: worth by topology key and value.
#[derive(Clone, Debug, Default)]
pub struct PreScoreState {
    worth: BTreeMap<String, BTreeMap<String, i64>>,
}

fn count(counts: &mut Counts, node: &Node, key: &str, by: i64) {
    let Some(value) = node.labels.get(key) else { return };
    let pair = (key.to_owned(), value.clone());
    let entry = counts.entry(pair.clone()).or_insert(0);
    *entry += by;
    if *entry == 0 {
        counts.remove(&pair);
    }
}

fn all_match(terms: &[AffinityTerm], pod: &Pod, labels: &Labels) -> bool {
    !terms.is_empty() && terms.iter().all(|t| t.matches(pod, labels))
}

impl PreFilterState {
    fn update(&mut self, cluster: &Snapshot, pod: &Pod, other: &Pod, node: &Node, by: i64) {
        if !other.anti_affinity.is_empty() {
            let labels = cluster.listers.namespace_labels(&pod.namespace);
            for term in other.anti_affinity.iter().filter(|t| t.matches(pod, &labels)) {
                count(&mut self.existing_anti, node, &term.topology_key, by);
            }
        }
        if pod.affinity.is_empty() && pod.anti_affinity.is_empty() {
            return;
        }
        let labels = cluster.listers.namespace_labels(&other.namespace);
        if all_match(&pod.affinity, other, &labels) {
            pod.affinity.iter().for_each(|t| count(&mut self.affinity, node, &t.topology_key, by));
        }
        for term in pod.anti_affinity.iter().filter(|t| t.matches(other, &labels)) {
            count(&mut self.anti, node, &term.topology_key, by);
        }
    }
}

impl Plugin for InterPodAffinity {
    fn name(&self) -> &'static str {
        "InterPodAffinity"
    }

    fn pre_filter(&self, cluster: &Snapshot, state: &mut CycleState, pod: &Pod) -> PreFilter {
        let mut s = PreFilterState::default();
        for node in &cluster.nodes {
            for other in &node.pods {
                s.update(cluster, pod, other, &node.node, 1);
            }
        }
        if s.existing_anti.is_empty() && pod.affinity.is_empty() && pod.anti_affinity.is_empty() {
            return PreFilter::Skip;
        }
        state.affinity_filter = s;
        PreFilter::All
    }

    fn filter(&self, cluster: &Snapshot, state: &CycleState, pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        let s = &state.affinity_filter;
        let labels = &node.node.labels;
        let counted = |counts: &Counts, key: &String, value: &String| counts.get(&(key.clone(), value.clone())).copied().unwrap_or(0) > 0;
        let mut found = true;
        for term in &pod.affinity {
            let Some(value) = labels.get(&term.topology_key) else {
                return Err(Status::unresolvable("node(s) didn't match pod affinity rules"));
            };
            found &= counted(&s.affinity, &term.topology_key, value);
        }
        if !found {
            // The first pod of a group that wants to be together may go anywhere.
            let first = s.affinity.is_empty() && all_match(&pod.affinity, pod, &cluster.listers.namespace_labels(&pod.namespace));
            if !first {
                return Err(Status::unresolvable("node(s) didn't match pod affinity rules"));
            }
        }
        for term in &pod.anti_affinity {
            if labels.get(&term.topology_key).is_some_and(|v| counted(&s.anti, &term.topology_key, v)) {
                return Err(Status::unschedulable("node(s) didn't match pod anti-affinity rules"));
            }
        }
        if !s.existing_anti.is_empty() && labels.iter().any(|(k, v)| counted(&s.existing_anti, k, v)) {
            return Err(Status::unschedulable("node(s) didn't satisfy existing pods anti-affinity rules"));
        }
        Ok(())
    }

    fn update(&self, cluster: &Snapshot, state: &mut CycleState, pod: &Pod, other: &Pod, node: &NodeInfo, by: i64) {
        state.affinity_filter.update(cluster, pod, other, &node.node, by);
    }

    fn scores(&self) -> bool {
        true
    }

    fn pre_score(&self, cluster: &Snapshot, state: &mut CycleState, pod: &Pod, _nodes: &[&NodeInfo]) -> bool {
        let own = !(pod.preferred_affinity.is_empty() && pod.preferred_anti_affinity.is_empty());
        if self.ignore_existing && !own {
            return false;
        }
        let mut worth: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
        let pod_namespace = cluster.listers.namespace_labels(&pod.namespace);
        for node in &cluster.nodes {
            let labels = &node.node.labels;
            let mut add = |term: &AffinityTerm, target: &Pod, namespace: &Labels, weight: i64| {
                if term.matches(target, namespace)
                    && let Some(value) = labels.get(&term.topology_key)
                {
                    *worth.entry(term.topology_key.clone()).or_default().entry(value.clone()).or_insert(0) += weight;
                }
            };
            for other in node.pods.iter().filter(|p| own || p.has_affinity()) {
                let mut each = |terms: &[Weighted<AffinityTerm>], target: &Pod, namespace: &Labels, sign: i64| {
                    for t in terms {
                        add(&t.term, target, namespace, sign * t.weight);
                    }
                };
                if own {
                    let other_namespace = cluster.listers.namespace_labels(&other.namespace);
                    each(&pod.preferred_affinity, other, &other_namespace, 1);
                    each(&pod.preferred_anti_affinity, other, &other_namespace, -1);
                }
                each(&other.preferred_affinity, pod, &pod_namespace, 1);
                each(&other.preferred_anti_affinity, pod, &pod_namespace, -1);
                if self.hard_weight > 0 {
                    other.affinity.iter().for_each(|t| add(t, pod, &pod_namespace, self.hard_weight));
                }
            }
        }
        let any = !worth.is_empty();
        state.affinity_score = PreScoreState { worth };
        any
    }

    fn score(&self, _cluster: &Snapshot, state: &CycleState, _pod: &Pod, node: &NodeInfo) -> i64 {
        let at = |(key, values): (&String, &BTreeMap<String, i64>)| values.get(node.node.labels.get(key)?).copied();
        state.affinity_score.worth.iter().filter_map(at).sum()
    }

    fn normalize(&self, _state: &CycleState, _nodes: &[&NodeInfo], scores: &mut [i64]) {
        let (Some(min), Some(max)) = (scores.iter().copied().min(), scores.iter().copied().max()) else { return };
        for score in scores {
            let scaled = if max > min { MAX_NODE_SCORE as f64 * ((*score - min) as f64 / (max - min) as f64) } else { 0.0 };
            *score = scaled as i64;
        }
    }
}
