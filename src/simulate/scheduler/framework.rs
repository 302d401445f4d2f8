//! What plugins implement and answer. upstream: pkg/scheduler/framework/interface.go

use std::collections::BTreeSet;
use std::sync::Arc;

use super::api::Pod;
use super::plugins::dynamic_resources::DeviceState;
use super::plugins::inter_pod_affinity::{FilterCounts as AffinityFilter, ScoreCounts as AffinityScore};
use super::plugins::pod_topology_spread::{FilterCounts as SpreadFilter, ScoreCounts as SpreadScore};
use super::plugins::volume_binding::ClaimState;
use super::plugins::volume_restrictions::RestrictionState;
use super::snapshot::{NodeInfo, Snapshot};

/// The best score of a plugin for a node.
pub const MAX_NODE_SCORE: i64 = 100;

/// How a node was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Removing pods may help.
    Unschedulable,
    /// Removing pods does not help.
    UnschedulableAndUnresolvable,
    /// Something is wrong with the objects: the attempt ends.
    Error,
}

/// The reasons of a rejection; nearly always one that is known beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reasons {
    /// One fixed sentence.
    One(&'static str),
    /// Several, or made for the occasion.
    Many(Vec<String>),
}

impl Reasons {
    /// The sentences.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, many): (Option<&str>, &[String]) = match self {
            Self::One(text) => (Some(text), &[]),
            Self::Many(texts) => (None, texts),
        };
        one.into_iter().chain(many.iter().map(String::as_str))
    }
}

/// Why a node (or the whole pod) was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// How.
    pub code: Code,
    /// Why, in upstream's words.
    pub reasons: Reasons,
}

impl Status {
    /// Removing pods may help.
    pub fn unschedulable(reason: &'static str) -> Self {
        Self { code: Code::Unschedulable, reasons: Reasons::One(reason) }
    }

    /// Removing pods does not help.
    pub fn unresolvable(reason: &'static str) -> Self {
        Self { code: Code::UnschedulableAndUnresolvable, reasons: Reasons::One(reason) }
    }

    /// Removing pods does not help, with a sentence made for the occasion.
    pub fn told(reason: String) -> Self {
        Self { code: Code::UnschedulableAndUnresolvable, reasons: Reasons::Many(vec![reason]) }
    }
}

/// What a plugin says before any node is looked at.
#[derive(Clone, Debug)]
pub enum PreFilter {
    /// All nodes are to be filtered.
    All,
    /// The plugin has nothing to do with this pod.
    Skip,
    /// Only these nodes.
    Nodes(BTreeSet<String>),
    /// No node can take the pod.
    Reject(Status),
}

/// What plugins keep to filter. Cloned for every node that preemption tries.
#[derive(Clone, Debug, Default)]
pub struct FilterState {
    /// PodTopologySpread.
    pub spread: SpreadFilter,
    /// InterPodAffinity.
    pub affinity: AffinityFilter,
    /// VolumeBinding.
    pub claims: ClaimState,
    /// VolumeRestrictions.
    pub restrictions: RestrictionState,
    /// DynamicResources.
    pub devices: DeviceState,
}

/// What plugins keep to score. What is `None` was not needed yet.
#[derive(Clone, Debug, Default)]
pub struct ScoreState {
    /// PodTopologySpread.
    pub spread: Option<SpreadScore>,
    /// InterPodAffinity.
    pub affinity: Option<AffinityScore>,
    /// ImageLocality: what the pod's images are worth, and the nodes that have them.
    pub images: Vec<(i64, Arc<[u32]>)>,
}

/// What plugins keep for one pod. The parts that count other pods are kept for the next pod of the same shape and only
/// brought up to date.
#[derive(Clone, Debug, Default)]
pub struct CycleState {
    /// To filter.
    pub filter: FilterState,
    /// To score.
    pub score: ScoreState,
}

/// A plugin of the scheduler. The defaults do nothing.
pub trait Plugin: Send + Sync {
    /// Upstream's name.
    fn name(&self) -> &'static str;

    /// Whether its verdict and its raw score depend on nothing but the pod's shape and the node with its pods, so that
    /// they hold until the node changes.
    fn is_local(&self) -> bool {
        false
    }

    /// Whether it counts other pods: only then are `follow` and `update` more than nothing.
    fn counts(&self) -> bool {
        false
    }

    /// Counts the other pods of the cluster, as far as filtering needs.
    fn gather(&self, _cluster: &Snapshot, _state: &mut FilterState, _pod: &Pod) {}

    /// Since `gather`, `other` came to `node` (`by` is 1) or left it (-1).
    fn follow(&self, cluster: &Snapshot, state: &mut CycleState, pod: &Pod, other: &Pod, node: &NodeInfo, by: i64) {
        self.update(cluster, &mut state.filter, pod, other, node, by);
    }

    /// Looks at the pod and the whole cluster, after `gather`.
    fn pre_filter(&self, _cluster: &Snapshot, _state: &mut FilterState, _pod: &Pod) -> PreFilter {
        PreFilter::All
    }

    /// Judges one node.
    fn filter(&self, _cluster: &Snapshot, _state: &FilterState, _pod: &Pod, _node: &NodeInfo) -> Result<(), Status> {
        Ok(())
    }

    /// Preemption puts `other` on `node` (`by` is 1) or takes it away (-1).
    fn update(&self, _cluster: &Snapshot, _state: &mut FilterState, _pod: &Pod, _other: &Pod, _node: &NodeInfo, _by: i64) {}

    /// Whether it scores at all.
    fn scores(&self) -> bool {
        false
    }

    /// Prepares scoring; `false` when it has nothing to do with this pod.
    fn pre_score(&self, _cluster: &Snapshot, _state: &mut ScoreState, _pod: &Pod, _nodes: &[usize]) -> bool {
        true
    }

    /// The raw score of one node.
    fn score(&self, _cluster: &Snapshot, _state: &ScoreState, _pod: &Pod, _node: &NodeInfo) -> i64 {
        0
    }

    /// The raw scores of nodes, by their index.
    fn score_all(&self, cluster: &Snapshot, state: &ScoreState, pod: &Pod, nodes: &[usize], scores: &mut Vec<i64>) {
        scores.extend(nodes.iter().map(|n| self.score(cluster, state, pod, &cluster.nodes[*n])));
    }

    /// Brings raw scores to 0..=100.
    fn normalize(&self, _cluster: &Snapshot, _state: &ScoreState, _nodes: &[usize], _scores: &mut [i64]) {}
}

/// upstream: plugins/helper/normalize_score.go
pub fn default_normalize(scores: &mut [i64], reverse: bool) {
    let max = scores.iter().copied().fold(0, i64::max);
    if max == 0 {
        if reverse {
            scores.fill(MAX_NODE_SCORE);
        }
        return;
    }
    for score in scores {
        let scaled = MAX_NODE_SCORE * *score / max;
        *score = if reverse { MAX_NODE_SCORE - scaled } else { scaled };
    }
}
