//! Taints keep pods away (`NoSchedule`, `NoExecute`) or make a node less liked (`PreferNoSchedule`).

use crate::simulate::scheduler::api::{Pod, Taint};
use crate::simulate::scheduler::framework::{FilterState, Plugin, ScoreState, Status, default_normalize};
use crate::simulate::scheduler::selector::{tolerates, untolerated};
use crate::simulate::scheduler::snapshot::{NodeInfo, Snapshot};

/// upstream: plugins/tainttoleration
pub struct TaintToleration;

/// The effects that keep a pod off a node.
pub const DO_NOT_SCHEDULE: [&str; 2] = ["NoSchedule", "NoExecute"];

impl Plugin for TaintToleration {
    fn name(&self) -> &'static str {
        "TaintToleration"
    }

    fn is_local(&self) -> bool {
        true
    }

    fn filter(&self, _cluster: &Snapshot, _state: &FilterState, pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        match untolerated(&node.node.taints, &pod.tolerations, &DO_NOT_SCHEDULE) {
            None => Ok(()),
            Some(_) => Err(Status::unresolvable("node(s) had untolerated taint(s)")),
        }
    }

    fn scores(&self) -> bool {
        true
    }

    fn score(&self, _cluster: &Snapshot, _state: &ScoreState, pod: &Pod, node: &NodeInfo) -> i64 {
        let disliked = |t: &&Taint| {
            let relevant = pod.tolerations.iter().filter(|x| x.effect.is_empty() || x.effect == "PreferNoSchedule");
            t.effect == "PreferNoSchedule" && !relevant.into_iter().any(|x| tolerates(x, t))
        };
        node.node.taints.iter().filter(disliked).count() as i64
    }

    fn normalize(&self, _cluster: &Snapshot, _state: &ScoreState, _nodes: &[usize], scores: &mut [i64]) {
        default_normalize(scores, true);
    }
}
