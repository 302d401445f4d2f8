//! Node selector and node affinity.

use std::collections::BTreeSet;

use crate::simulate::scheduler::api::{Pod, Weighted};
use crate::simulate::scheduler::framework::{FilterState, Plugin, PreFilter, ScoreState, Status, default_normalize};
use crate::simulate::scheduler::selector::{NodeSelectorTerm, Operator};
use crate::simulate::scheduler::snapshot::{NodeInfo, Snapshot};

/// upstream: plugins/nodeaffinity
#[derive(Default)]
pub struct NodeAffinity {
    /// Required for every pod of the profile (`addedAffinity`).
    pub added_required: Option<Vec<NodeSelectorTerm>>,
    /// Preferred for every pod of the profile.
    pub added_preferred: Vec<Weighted<NodeSelectorTerm>>,
}

/// The nodes that required terms name by field, when every term names some.
fn named_nodes(terms: &[NodeSelectorTerm]) -> Option<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for term in terms {
        let fields = term.match_fields.iter().filter(|r| r.key == "metadata.name" && r.operator == Some(Operator::In));
        let names = fields.map(|r| r.values.iter().cloned().collect::<BTreeSet<_>>()).reduce(|a, b| &a & &b)?;
        all.extend(names);
    }
    (!terms.is_empty()).then_some(all)
}

fn worth(terms: &[Weighted<NodeSelectorTerm>], node: &NodeInfo) -> i64 {
    terms.iter().filter(|t| t.term.matches(&node.node)).map(|t| t.weight).sum()
}

impl Plugin for NodeAffinity {
    fn name(&self) -> &'static str {
        "NodeAffinity"
    }

    fn is_local(&self) -> bool {
        true
    }

    fn pre_filter(&self, _cluster: &Snapshot, _state: &mut FilterState, pod: &Pod) -> PreFilter {
        if pod.node_affinity.is_none() && self.added_required.is_none() && pod.node_selector.is_none() {
            return PreFilter::Skip;
        }
        match pod.node_affinity.as_deref().and_then(named_nodes) {
            None => PreFilter::All,
            Some(names) if names.is_empty() => PreFilter::Reject(Status::unresolvable("pod affinity terms conflict")),
            Some(names) => PreFilter::Nodes(names),
        }
    }

    fn filter(&self, _cluster: &Snapshot, _state: &FilterState, pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        if self.added_required.as_ref().is_some_and(|terms| !terms.iter().any(|t| t.matches(&node.node))) {
            return Err(Status::unresolvable("node(s) didn't match scheduler-enforced node affinity"));
        }
        if pod.may_use(&node.node) {
            return Ok(());
        }
        Err(Status::unresolvable("node(s) didn't match Pod's node affinity/selector"))
    }

    fn scores(&self) -> bool {
        true
    }

    fn pre_score(&self, _cluster: &Snapshot, _state: &mut ScoreState, pod: &Pod, _nodes: &[usize]) -> bool {
        !(pod.preferred_nodes.is_empty() && self.added_preferred.is_empty())
    }

    fn score(&self, _cluster: &Snapshot, _state: &ScoreState, pod: &Pod, node: &NodeInfo) -> i64 {
        worth(&pod.preferred_nodes, node) + worth(&self.added_preferred, node)
    }

    fn normalize(&self, _cluster: &Snapshot, _state: &ScoreState, _nodes: &[usize], scores: &mut [i64]) {
        default_normalize(scores, false);
    }
}
