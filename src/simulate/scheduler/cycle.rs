//! One scheduling cycle: filter, score, and what is said when no node is left.
//! upstream: pkg/scheduler/schedule_one.go

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::api::Pod;
use super::framework::{CycleState, PreFilter, Status};
use super::preemption::{Preemption, preempt};
use super::profile::{Entry, Profile};
use super::snapshot::{NodeInfo, Snapshot};

/// Clusters below this size are always searched whole.
pub const MIN_FEASIBLE_NODES_TO_FIND: i64 = 100;

/// A node that was rejected: by which plugin and why. The plugin is empty when the node was not looked at.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// The first plugin that said no.
    pub plugin: &'static str,
    /// What it said.
    pub status: Status,
}

/// The scores of one node: plugin and weighted score in order, and their sum.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// By plugin; those that skipped are absent.
    pub plugins: Vec<(&'static str, i64)>,
    /// The sum.
    pub total: i64,
}

/// What a cycle found.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Rejected nodes by index.
    pub infeasible: BTreeMap<usize, Rejection>,
    /// The plugin that rejected the pod before any node was looked at, and its reason.
    pub prefilter: Option<(&'static str, String)>,
    /// Nodes that can take it, in the order found.
    pub feasible: Vec<usize>,
    /// Their scores, in the same order; empty when only one is feasible.
    pub scores: Vec<Score>,
    /// The nodes with the highest score.
    pub top: Vec<usize>,
    /// The sentence of the `FailedScheduling` event, when no node can take it.
    pub message: Option<String>,
    /// What preemption decided.
    pub preemption: Option<Preemption>,
    /// How many nodes the search looked for, and how many it looked at.
    pub nodes_to_find: usize,
    /// Nodes looked at.
    pub evaluated: usize,
}

/// A profile prepared for one pod: which plugins skip.
pub struct Cycle<'a> {
    /// The cluster.
    pub cluster: &'a Snapshot,
    /// The plugins.
    pub profile: &'a Profile,
    /// The pod.
    pub pod: &'a Pod,
    /// What plugins keep.
    pub state: CycleState,
    skip: BTreeSet<&'static str>,
}

impl Cycle<'_> {
    fn filters(&self) -> impl Iterator<Item = &Entry> {
        self.profile.plugins.iter().filter(|e| e.filters && !self.skip.contains(e.plugin.name()))
    }

    /// Runs the filters on a node, the first rejection counts.
    pub fn filter(&self, state: &CycleState, node: &NodeInfo) -> Result<(), Rejection> {
        for entry in self.filters() {
            let plugin = entry.plugin.name();
            entry.plugin.filter(self.cluster, state, self.pod, node).map_err(|status| Rejection { plugin, status })?;
        }
        Ok(())
    }

    /// Tells the plugins that a pod came to a node or left it.
    pub fn update(&self, state: &mut CycleState, other: &Pod, node: &NodeInfo, by: i64) {
        for entry in self.filters() {
            entry.plugin.update(self.cluster, state, self.pod, other, node, by);
        }
    }
}

/// upstream: schedule_one.go numFeasibleNodesToFind
pub fn num_feasible_nodes_to_find(percentage: i64, nodes: i64) -> i64 {
    if nodes < MIN_FEASIBLE_NODES_TO_FIND {
        return nodes;
    }
    let percentage = if percentage == 0 { (50 - nodes / 125).max(5) } else { percentage };
    (nodes * percentage / 100).max(MIN_FEASIBLE_NODES_TO_FIND).min(nodes)
}

/// `0/3 nodes are available: 2 Insufficient cpu, 1 …`. upstream: framework/types.go FitError.Error
pub fn fit_error<'a>(nodes: usize, reasons: impl Iterator<Item = &'a String>) -> String {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    reasons.for_each(|r| *counts.entry(r).or_insert(0) += 1);
    let mut texts: Vec<String> = counts.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    texts.sort();
    let mut out = format!("0/{nodes} nodes are available:");
    if !texts.is_empty() {
        let _ = write!(out, " {}.", texts.join(", "));
    }
    out
}

/// Runs one cycle for a pod. `start` is where the search through the nodes begins, and is moved on. `nominated` is
/// the node that preemption made room on.
pub fn schedule(cluster: &Snapshot, profile: &Profile, pod: &Pod, start: &mut usize, nominated: Option<usize>) -> Outcome {
    let total = cluster.nodes.len();
    let mut out = Outcome::default();
    if total == 0 {
        out.message = Some("no nodes available to schedule pods".to_owned());
        return out;
    }
    let mut cycle = Cycle { cluster, profile, pod, state: CycleState::default(), skip: BTreeSet::new() };
    let mut allowed: Option<BTreeSet<String>> = None;
    let mut limiting: Vec<&'static str> = Vec::new();
    for entry in profile.plugins.iter().filter(|e| e.pre_filters) {
        let name = entry.plugin.name();
        let rejected = match entry.plugin.pre_filter(cluster, &mut cycle.state, pod) {
            PreFilter::All => continue,
            PreFilter::Skip => {
                cycle.skip.insert(name);
                continue;
            }
            PreFilter::Reject(status) => status.reasons.join(", "),
            PreFilter::Nodes(names) => {
                limiting.push(name);
                let both = allowed.as_ref().map_or_else(|| names.clone(), |a| a & &names);
                let empty = both.is_empty();
                allowed = Some(both);
                if !empty {
                    continue;
                }
                match limiting.as_slice() {
                    [one] => format!("node(s) didn't satisfy plugin {one}"),
                    many => format!("node(s) didn't satisfy plugin(s) [{}] simultaneously", many.join(" ")),
                }
            }
        };
        // The cycle ends before device claims were looked at, which is what the last words are about.
        let tail = if profile.plugins.iter().any(|e| e.plugin.name() == "DynamicResources") {
            " not found".to_owned()
        } else if profile.preemption {
            format!(" preemption: 0/{total} nodes are available: {total} Preemption is not helpful for scheduling.")
        } else {
            String::new()
        };
        out.message = Some(format!("0/{total} nodes are available: {rejected}.{tail}"));
        out.prefilter = Some((name, rejected));
        return out;
    }
    if let Some(names) = &allowed {
        let status = Status::unresolvable(format!("node(s) didn't satisfy plugin(s) [{}]", limiting.join(" ")));
        for (i, _) in cluster.nodes.iter().enumerate().filter(|(_, n)| !names.contains(&n.node.name)) {
            out.infeasible.insert(i, Rejection { plugin: "", status: status.clone() });
        }
    }
    if let Some(i) = nominated
        && !out.infeasible.contains_key(&i)
        && cycle.filter(&cycle.state, &cluster.nodes[i]).is_ok()
    {
        out.feasible.push(i);
    }
    if out.feasible.is_empty() {
        search(&cycle, allowed.as_ref(), &mut out, start);
    }
    if out.feasible.is_empty() {
        let reasons = out.infeasible.values().flat_map(|r| &r.status.reasons);
        let mut message = fit_error(total, reasons);
        let preemption = if profile.preemption { Some(preempt(&cycle, &out.infeasible)) } else { None };
        let devices = profile.plugins.iter().any(|e| e.plugin.name() == "DynamicResources").then_some("no new claims to deallocate");
        let refused = match &preemption {
            Some(Preemption::Refused(text)) => Some(format!("preemption: {text}")),
            _ => None,
        };
        if !matches!(preemption, Some(Preemption::Victims { .. })) {
            let words: Vec<&str> = devices.into_iter().chain(refused.as_deref()).collect();
            if !words.is_empty() {
                let _ = write!(message, " {}", words.join(", "));
            }
        }
        out.message = Some(message);
        out.preemption = preemption;
        return out;
    }
    score(&mut cycle, &mut out);
    out
}

fn search(cycle: &Cycle<'_>, allowed: Option<&BTreeSet<String>>, out: &mut Outcome, start: &mut usize) {
    let total = cycle.cluster.nodes.len();
    let candidates: Vec<usize> = match allowed {
        None => (0..total).map(|i| (*start + i) % total).collect(),
        Some(names) => {
            let mut list: Vec<usize> = names.iter().filter_map(|n| cycle.cluster.find(n)).collect();
            let len = list.len().max(1);
            list.rotate_left(*start % len);
            list
        }
    };
    let percentage = cycle.profile.percentage_of_nodes_to_score;
    out.nodes_to_find = num_feasible_nodes_to_find(percentage, total as i64) as usize;
    let mut limit = num_feasible_nodes_to_find(percentage, candidates.len() as i64) as usize;
    if !cycle.profile.plugins.iter().any(|e| e.weight > 0 && e.plugin.scores()) {
        // Without scores the first node is as good as any.
        (out.nodes_to_find, limit) = (1, 1);
    }
    let mut rejected = 0;
    for i in candidates {
        match cycle.filter(&cycle.state, &cycle.cluster.nodes[i]) {
            // The search only ends at a node too many: those rejected before it are still looked at.
            Ok(()) if out.feasible.len() >= limit => break,
            Ok(()) => out.feasible.push(i),
            Err(rejection) => {
                rejected += 1;
                out.infeasible.insert(i, rejection);
            }
        }
    }
    out.evaluated = out.feasible.len() + rejected;
    *start = (*start + out.evaluated) % total;
}

fn score(cycle: &mut Cycle<'_>, out: &mut Outcome) {
    if let [only] = out.feasible.as_slice() {
        out.top = vec![*only];
        return;
    }
    let nodes: Vec<&NodeInfo> = out.feasible.iter().map(|i| &cycle.cluster.nodes[*i]).collect();
    let mut scores = vec![Score::default(); nodes.len()];
    for entry in cycle.profile.plugins.iter().filter(|e| e.weight > 0 && e.plugin.scores()) {
        let plugin = &entry.plugin;
        if !plugin.pre_score(cycle.cluster, &mut cycle.state, cycle.pod, &nodes) {
            continue;
        }
        let mut raw: Vec<i64> = nodes.iter().map(|n| plugin.score(cycle.cluster, &cycle.state, cycle.pod, n)).collect();
        plugin.normalize(&cycle.state, &nodes, &mut raw);
        for (score, raw) in scores.iter_mut().zip(raw) {
            score.plugins.push((plugin.name(), raw * entry.weight));
            score.total += raw * entry.weight;
        }
    }
    let best = scores.iter().map(|s| s.total).max().unwrap_or(0);
    out.top = out.feasible.iter().zip(&scores).filter(|(_, s)| s.total == best).map(|(i, _)| *i).collect();
    out.scores = scores;
}
