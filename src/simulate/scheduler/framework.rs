//! What plugins implement and answer. upstream: pkg/scheduler/framework/interface.go

use std::collections::BTreeSet;

use super::api::Pod;
use super::plugins::inter_pod_affinity::{PreFilterState as AffinityFilter, PreScoreState as AffinityScore};
use super::plugins::pod_topology_spread::{PreFilterState as SpreadFilter, PreScoreState as SpreadScore};
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
}

/// Why a node (or the whole pod) was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// How.
    pub code: Code,
    /// Why, in upstream's words.
    pub reasons: Vec<String>,
}

impl Status {
    /// Removing pods may help.
    pub fn unschedulable(reason: &str) -> Self {
        Self { code: Code::Unschedulable, reasons: vec![reason.to_owned()] }
    }

    /// Removing pods does not help.
    pub fn unresolvable(reason: impl Into<String>) -> Self {
        Self { code: Code::UnschedulableAndUnresolvable, reasons: vec![reason.into()] }
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

/// What plugins keep during one cycle. Cloned for every node that preemption tries.
#[derive(Clone, Debug, Default)]
pub struct CycleState {
    /// PodTopologySpread, filtering.
    pub spread_filter: SpreadFilter,
    /// PodTopologySpread, scoring.
    pub spread_score: SpreadScore,
    /// InterPodAffinity, filtering.
    pub affinity_filter: AffinityFilter,
    /// InterPodAffinity, scoring.
    pub affinity_score: AffinityScore,
    /// VolumeBinding.
    pub claims: ClaimState,
    /// VolumeRestrictions.
    pub restrictions: RestrictionState,
}

/// A plugin of the scheduler. The defaults do nothing.
pub trait Plugin: Send + Sync {
    /// Upstream's name.
    fn name(&self) -> &'static str;

    /// Looks at the pod and the whole cluster.
    fn pre_filter(&self, _cluster: &Snapshot, _state: &mut CycleState, _pod: &Pod) -> PreFilter {
        PreFilter::All
    }

    /// Judges one node.
    fn filter(&self, _cluster: &Snapshot, _state: &CycleState, _pod: &Pod, _node: &NodeInfo) -> Result<(), Status> {
        Ok(())
    }

    /// Preemption puts `other` on `node` (`by` is 1) or takes it away (-1).
    fn update(&self, _cluster: &Snapshot, _state: &mut CycleState, _pod: &Pod, _other: &Pod, _node: &NodeInfo, _by: i64) {}

    /// Whether it scores at all.
    fn scores(&self) -> bool {
        false
    }

    /// Prepares scoring; `false` when it has nothing to do with this pod.
    fn pre_score(&self, _cluster: &Snapshot, _state: &mut CycleState, _pod: &Pod, _nodes: &[&NodeInfo]) -> bool {
        true
    }

    /// The raw score of one node.
    fn score(&self, _cluster: &Snapshot, _state: &CycleState, _pod: &Pod, _node: &NodeInfo) -> i64 {
        0
    }

    /// Brings raw scores to 0..=100.
    fn normalize(&self, _state: &CycleState, _nodes: &[&NodeInfo], _scores: &mut [i64]) {}
}

/// upstream: plugins/helper/normalize_score.go
pub fn default_normalize(scores: &mut [i64], reverse: bool) {
    let max = scores.iter().copied().max().unwrap_or(0).max(0);
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
