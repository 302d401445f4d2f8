//! Whether a node has room, how much is left over, and whether CPU and memory are used evenly.

use std::collections::BTreeSet;

use crate::simulate::scheduler::api::Pod;
use crate::simulate::scheduler::framework::{Code, FilterState, MAX_NODE_SCORE, Plugin, Reasons, ScoreState, Status};
use crate::simulate::scheduler::resource::{Resource, is_scalar};
use crate::simulate::scheduler::snapshot::{NodeInfo, Snapshot};

/// How the room that is left is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Much room is good.
    LeastAllocated,
    /// Little room is good.
    MostAllocated,
    /// A line through points of (utilization, score), the score already scaled to 0..=100.
    RequestedToCapacityRatio(Vec<(i64, i64)>),
}

/// upstream: plugins/noderesources/fit.go
pub struct Fit {
    /// How it scores.
    pub strategy: Strategy,
    /// The resources scored and their weights.
    pub resources: Vec<(String, i64)>,
    /// Extended resources that are not checked.
    pub ignored: BTreeSet<String>,
    /// Groups (before the `/`) of extended resources that are not checked.
    pub ignored_groups: BTreeSet<String>,
}

impl Default for Fit {
    fn default() -> Self {
        Self {
            strategy: Strategy::LeastAllocated,
            resources: vec![("cpu".to_owned(), 1), ("memory".to_owned(), 1)],
            ignored: BTreeSet::new(),
            ignored_groups: BTreeSet::new(),
        }
    }
}

fn get(amounts: &Resource, name: &str) -> i64 {
    match name {
        "cpu" => amounts.milli_cpu,
        "memory" => amounts.memory,
        "ephemeral-storage" => amounts.ephemeral_storage,
        other => amounts.scalar.get(other).copied().unwrap_or(0),
    }
}

/// Of one resource: asked for with the pod, asked for without it, and there. One that does not count is all 0.
fn amounts(name: &str, wanted: &Resource, used: &Resource, node: &NodeInfo) -> (i64, i64, i64) {
    let ask = get(wanted, name);
    let there = get(&node.node.allocatable, name);
    if (ask == 0 && is_scalar(name)) || there == 0 {
        return (0, 0, 0);
    }
    // Only CPU and memory have a version with defaults.
    let used = if matches!(name, "cpu" | "memory") { get(used, name) } else { get(&node.requested, name) };
    (used + ask, used, there)
}

/// upstream: plugins/helper/shape_score.go
fn broken_linear(shape: &[(i64, i64)], x: i64) -> i64 {
    for (i, (at, score)) in shape.iter().enumerate() {
        if x <= *at {
            let Some((before, from)) = i.checked_sub(1).map(|j| shape[j]) else { return *score };
            return from + (score - from) * (x - before) / (at - before);
        }
    }
    shape.last().map_or(0, |(_, score)| *score)
}

impl Plugin for Fit {
    fn name(&self) -> &'static str {
        "NodeResourcesFit"
    }

    fn is_local(&self) -> bool {
        true
    }

    fn filter(&self, _cluster: &Snapshot, _state: &FilterState, pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        let there = &node.node.allocatable;
        let (ask, used) = (&pod.requests, &node.requested);
        let full = node.pods.len() as i64 + 1 > there.allowed_pod_number;
        let fits = |ask: i64, there: i64, used: i64| ask <= 0 || ask <= there - used;
        if !full
            && fits(ask.milli_cpu, there.milli_cpu, used.milli_cpu)
            && fits(ask.memory, there.memory, used.memory)
            && fits(ask.ephemeral_storage, there.ephemeral_storage, used.ephemeral_storage)
            && ask.scalar.is_empty()
        {
            return Ok(());
        }
        let mut code = Code::Unschedulable;
        let mut reasons: Vec<String> = Vec::new();
        if full {
            reasons.push("Too many pods".to_owned());
        }
        let scalars = ask.scalar.keys().filter(|name| {
            let group = name.split('/').next().unwrap_or("");
            !(name.contains('/') && (self.ignored.contains(*name) || self.ignored_groups.contains(group)))
        });
        for name in ["cpu", "memory", "ephemeral-storage"].into_iter().chain(scalars.map(String::as_str)) {
            let (ask, has) = (get(ask, name), get(there, name));
            if !fits(ask, has, get(used, name)) {
                reasons.push(format!("Insufficient {name}"));
                if ask > has {
                    code = Code::UnschedulableAndUnresolvable;
                }
            }
        }
        let reasons = match reasons.as_slice() {
            [] => return Ok(()),
            [one] if one == "Too many pods" => Reasons::One("Too many pods"),
            [one] if one == "Insufficient cpu" => Reasons::One("Insufficient cpu"),
            [one] if one == "Insufficient memory" => Reasons::One("Insufficient memory"),
            _ => Reasons::Many(reasons),
        };
        Err(Status { code, reasons })
    }

    fn scores(&self) -> bool {
        true
    }

    fn score(&self, _cluster: &Snapshot, _state: &ScoreState, pod: &Pod, node: &NodeInfo) -> i64 {
        let (mut sum, mut weights) = (0, 0);
        for (name, weight) in &self.resources {
            let (requested, _, there) = amounts(name, &pod.incoming, &node.non_zero, node);
            if there == 0 {
                continue;
            }
            let score = match &self.strategy {
                Strategy::LeastAllocated if requested > there => 0,
                Strategy::LeastAllocated => (there - requested) * MAX_NODE_SCORE / there,
                Strategy::MostAllocated => requested.min(there) * MAX_NODE_SCORE / there,
                Strategy::RequestedToCapacityRatio(shape) if requested > there => broken_linear(shape, 100),
                Strategy::RequestedToCapacityRatio(shape) => broken_linear(shape, requested * 100 / there),
            };
            // With a shape, a resource that scores nothing does not count.
            if matches!(self.strategy, Strategy::RequestedToCapacityRatio(_)) && score <= 0 {
                continue;
            }
            sum += score * weight;
            weights += weight;
        }
        if weights == 0 {
            return 0;
        }
        if matches!(self.strategy, Strategy::RequestedToCapacityRatio(_)) {
            return (sum as f64 / weights as f64).round() as i64;
        }
        sum / weights
    }
}

/// upstream: plugins/noderesources/balanced_allocation.go
pub struct BalancedAllocation {
    /// The resources compared.
    pub resources: Vec<(String, i64)>,
}

impl Default for BalancedAllocation {
    fn default() -> Self {
        Self { resources: Fit::default().resources }
    }
}

/// upstream: balancedResourceScorer
fn balance(amounts: impl Iterator<Item = (i64, i64)> + Clone) -> i64 {
    let mut fractions = amounts.filter(|(_, there)| *there != 0).map(|(used, there)| (used as f64 / there as f64).min(1.0));
    let std = match (fractions.next(), fractions.next(), fractions.clone().next()) {
        (Some(a), Some(b), None) => ((a - b) / 2.0).abs(),
        (Some(a), Some(b), Some(_)) => {
            let all: Vec<f64> = [a, b].into_iter().chain(fractions).collect();
            let mean = all.iter().fold(0.0, |a, f| a + f) / all.len() as f64;
            let sum = all.iter().fold(0.0, |a, f| a + (f - mean) * (f - mean));
            (sum / all.len() as f64).sqrt()
        }
        _ => 0.0,
    };
    ((1.0 - std) * MAX_NODE_SCORE as f64) as i64
}

impl Plugin for BalancedAllocation {
    fn name(&self) -> &'static str {
        "NodeResourcesBalancedAllocation"
    }

    fn is_local(&self) -> bool {
        true
    }

    fn scores(&self) -> bool {
        true
    }

    fn pre_score(&self, _cluster: &Snapshot, _state: &mut ScoreState, pod: &Pod, _nodes: &[usize]) -> bool {
        self.resources.iter().any(|(name, _)| get(&pod.requests, name) != 0)
    }

    fn score(&self, _cluster: &Snapshot, _state: &ScoreState, pod: &Pod, node: &NodeInfo) -> i64 {
        let each = self.resources.iter().map(|(name, _)| amounts(name, &pod.requests, &node.requested, node));
        let with = balance(each.clone().map(|(requested, _, there)| (requested, there)));
        let without = balance(each.map(|(_, used, there)| (used, there)));
        MAX_NODE_SCORE / 2 + (MAX_NODE_SCORE / 2 + with - without) / 2
    }
}
