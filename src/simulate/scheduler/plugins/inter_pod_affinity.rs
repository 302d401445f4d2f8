//! Pods that want to be with, or away from, other pods.

use crate::simulate::scheduler::api::{AffinityTerm, Pod, PodShape, Weighted};
use crate::simulate::scheduler::framework::{CycleState, FilterState, MAX_NODE_SCORE, Plugin, PreFilter, ScoreState, Status};
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

/// Amounts by topology key and value, both by number.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    keys: Vec<(usize, Vec<i64>)>,
    /// How many amounts are not zero.
    used: usize,
}

impl Counts {
    fn add(&mut self, cluster: &Snapshot, node: usize, label: &str, by: i64) -> bool {
        cluster.key(label).is_some_and(|key| self.add_at(cluster, node, key, by))
    }

    fn add_at(&mut self, cluster: &Snapshot, node: usize, key: usize, by: i64) -> bool {
        let topology = cluster.topology(key);
        let Some(value) = topology.value_of(node) else { return false };
        let place = match self.keys.iter().position(|(k, _)| *k == key) {
            Some(place) => place,
            None => {
                self.keys.push((key, vec![0; topology.values.len()]));
                self.keys.len() - 1
            }
        };
        let amount = &mut self.keys[place].1[value];
        let was = *amount != 0;
        *amount += by;
        match (was, *amount != 0) {
            (false, true) => self.used += 1,
            (true, false) => self.used -= 1,
            _ => {}
        }
        true
    }

    fn at(&self, cluster: &Snapshot, key: usize, node: usize) -> i64 {
        let Some((_, amounts)) = self.keys.iter().find(|(k, _)| *k == key) else { return 0 };
        cluster.topology(key).value_of(node).map_or(0, |v| amounts[v])
    }

    fn any_at(&self, cluster: &Snapshot, node: usize) -> bool {
        self.keys.iter().any(|(key, amounts)| cluster.topology(*key).value_of(node).is_some_and(|v| amounts[v] > 0))
    }

    fn sum_at(&self, cluster: &Snapshot, node: usize) -> i64 {
        let at = |(key, amounts): &(usize, Vec<i64>)| cluster.topology(*key).value_of(node).map_or(0, |v| amounts[v]);
        self.keys.iter().map(at).sum()
    }
}

/// What filtering knows.
#[derive(Clone, Debug, Default)]
pub struct FilterCounts {
    existing_anti: Counts,
    affinity: Counts,
    anti: Counts,
    /// The numbers of the keys of the pod's own terms; `None` for a label no node has.
    affinity_keys: Vec<Option<usize>>,
    anti_keys: Vec<Option<usize>>,
}

/// What scoring knows.
#[derive(Clone, Debug, Default)]
pub struct ScoreCounts {
    worth: Counts,
    /// How many terms counted.
    terms: i64,
}

fn all_match(terms: &[AffinityTerm], pod: &PodShape, labels: &Labels) -> bool {
    !terms.is_empty() && terms.iter().all(|t| t.matches(pod, labels))
}

fn has_preferences(pod: &PodShape) -> bool {
    !(pod.preferred_affinity.is_empty() && pod.preferred_anti_affinity.is_empty())
}

impl FilterCounts {
    fn update(&mut self, cluster: &Snapshot, pod: &PodShape, other: &PodShape, nodes: impl Iterator<Item = usize> + Clone, by: i64) {
        let count = |counts: &mut Counts, term: &AffinityTerm| {
            let Some(key) = cluster.key(&term.topology_key) else { return };
            for node in nodes.clone() {
                counts.add_at(cluster, node, key, by);
            }
        };
        if !other.anti_affinity.is_empty() {
            let labels = cluster.listers.namespace_labels(&pod.namespace);
            other.anti_affinity.iter().filter(|t| t.matches(pod, &labels)).for_each(|t| count(&mut self.existing_anti, t));
        }
        if pod.affinity.is_empty() && pod.anti_affinity.is_empty() {
            return;
        }
        let labels = cluster.listers.namespace_labels(&other.namespace);
        if all_match(&pod.affinity, other, &labels) {
            pod.affinity.iter().for_each(|t| count(&mut self.affinity, t));
        }
        pod.anti_affinity.iter().filter(|t| t.matches(other, &labels)).for_each(|t| count(&mut self.anti, t));
    }
}

impl InterPodAffinity {
    /// Counts what `other` on these nodes means for `pod` and the pod for it.
    fn weigh(
        &self,
        counts: &mut ScoreCounts,
        cluster: &Snapshot,
        pod: &PodShape,
        other: &PodShape,
        nodes: impl Iterator<Item = usize> + Clone,
        by: i64,
    ) {
        let own = has_preferences(pod);
        if !own && !other.has_affinity() {
            return;
        }
        let mut add = |term: &AffinityTerm, target: &PodShape, namespace: &Labels, weight: i64| {
            if !term.matches(target, namespace) {
                return;
            }
            for node in nodes.clone() {
                if counts.worth.add(cluster, node, &term.topology_key, weight * by) {
                    counts.terms += by;
                }
            }
        };
        let mut each = |terms: &[Weighted<AffinityTerm>], target: &PodShape, namespace: &Labels, sign: i64| {
            for t in terms {
                add(&t.term, target, namespace, sign * t.weight);
            }
        };
        if own {
            let other_namespace = cluster.listers.namespace_labels(&other.namespace);
            each(&pod.preferred_affinity, other, &other_namespace, 1);
            each(&pod.preferred_anti_affinity, other, &other_namespace, -1);
        }
        if !other.has_affinity() {
            return;
        }
        let pod_namespace = cluster.listers.namespace_labels(&pod.namespace);
        each(&other.preferred_affinity, pod, &pod_namespace, 1);
        each(&other.preferred_anti_affinity, pod, &pod_namespace, -1);
        if self.hard_weight > 0 {
            other.affinity.iter().for_each(|t| add(t, pod, &pod_namespace, self.hard_weight));
        }
    }
}

impl Plugin for InterPodAffinity {
    fn name(&self) -> &'static str {
        "InterPodAffinity"
    }

    fn gather(&self, cluster: &Snapshot, state: &mut FilterState, pod: &Pod) {
        let keys = |terms: &[AffinityTerm]| terms.iter().map(|t| cluster.key(&t.topology_key)).collect();
        let mut counts =
            FilterCounts { affinity_keys: keys(&pod.affinity), anti_keys: keys(&pod.anti_affinity), ..FilterCounts::default() };
        let own = !(pod.affinity.is_empty() && pod.anti_affinity.is_empty());
        for other in cluster.placed.iter().filter(|p| own || p.shape.has_affinity()) {
            counts.update(cluster, pod, &other.shape, other.all(), 1);
        }
        state.affinity = counts;
    }

    fn counts(&self) -> bool {
        true
    }

    fn follow(&self, cluster: &Snapshot, state: &mut CycleState, pod: &Pod, other: &Pod, node: &NodeInfo, by: i64) {
        let nodes = std::iter::once(node.index);
        state.filter.affinity.update(cluster, pod, other, nodes.clone(), by);
        if let Some(counts) = &mut state.score.affinity {
            self.weigh(counts, cluster, pod, other, nodes, by);
        }
    }

    fn pre_filter(&self, _cluster: &Snapshot, state: &mut FilterState, pod: &Pod) -> PreFilter {
        if state.affinity.existing_anti.used == 0 && pod.affinity.is_empty() && pod.anti_affinity.is_empty() {
            return PreFilter::Skip;
        }
        PreFilter::All
    }

    fn filter(&self, cluster: &Snapshot, state: &FilterState, pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        let s = &state.affinity;
        let mut found = true;
        for key in &s.affinity_keys {
            let Some(key) = key.filter(|k| cluster.topology(*k).value_of(node.index).is_some()) else {
                return Err(Status::unresolvable("node(s) didn't match pod affinity rules"));
            };
            found &= s.affinity.at(cluster, key, node.index) > 0;
        }
        if !found {
            // The first pod of a group that wants to be together may go anywhere.
            let first = s.affinity.used == 0 && all_match(&pod.affinity, pod, &cluster.listers.namespace_labels(&pod.namespace));
            if !first {
                return Err(Status::unresolvable("node(s) didn't match pod affinity rules"));
            }
        }
        if s.anti_keys.iter().flatten().any(|key| s.anti.at(cluster, *key, node.index) > 0) {
            return Err(Status::unschedulable("node(s) didn't match pod anti-affinity rules"));
        }
        if s.existing_anti.used > 0 && s.existing_anti.any_at(cluster, node.index) {
            return Err(Status::unschedulable("node(s) didn't satisfy existing pods anti-affinity rules"));
        }
        Ok(())
    }

    fn update(&self, cluster: &Snapshot, state: &mut FilterState, pod: &Pod, other: &Pod, node: &NodeInfo, by: i64) {
        state.affinity.update(cluster, pod, other, std::iter::once(node.index), by);
    }

    fn scores(&self) -> bool {
        true
    }

    fn pre_score(&self, cluster: &Snapshot, state: &mut ScoreState, pod: &Pod, _nodes: &[usize]) -> bool {
        let own = has_preferences(pod);
        if self.ignore_existing && !own {
            return false;
        }
        let counts = state.affinity.get_or_insert_with(|| {
            let mut counts = ScoreCounts::default();
            for other in cluster.placed.iter().filter(|p| own || p.shape.has_affinity()) {
                self.weigh(&mut counts, cluster, pod, &other.shape, other.all(), 1);
            }
            counts
        });
        counts.terms > 0
    }

    fn score(&self, cluster: &Snapshot, state: &ScoreState, _pod: &Pod, node: &NodeInfo) -> i64 {
        state.affinity.as_ref().map_or(0, |s| s.worth.sum_at(cluster, node.index))
    }

    fn normalize(&self, _cluster: &Snapshot, _state: &ScoreState, _nodes: &[usize], scores: &mut [i64]) {
        let (Some(min), Some(max)) = (scores.iter().copied().min(), scores.iter().copied().max()) else { return };
        for score in scores {
            let scaled = if max > min { MAX_NODE_SCORE as f64 * ((*score - min) as f64 / (max - min) as f64) } else { 0.0 };
            *score = scaled as i64;
        }
    }
}
