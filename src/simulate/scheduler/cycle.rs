//! One scheduling cycle: filter, score, and what is said when no node is left.
//! upstream: pkg/scheduler/schedule_one.go

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::api::{Pod, PodShape};
use super::framework::{Code, CycleState, FilterState, PreFilter, Status};
use super::plugins::dynamic_resources::after_failure;
use super::preemption::{NEVER, Preemption, failure, preempt};
use super::profile::{Entry, Profile};
use super::snapshot::{Key, NodeInfo, Snapshot};

/// The plugin of device claims.
const DEVICES: &str = "DynamicResources";

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
    /// Rejected nodes by index, in order of the nodes.
    pub infeasible: Vec<(usize, Rejection)>,
    /// The plugin that rejected the pod before any node was looked at, and its reason.
    pub prefilter: Option<(&'static str, String)>,
    /// Nodes that can take it, in the order found.
    pub feasible: Vec<usize>,
    /// Their scores, in the same order; empty when only one is feasible, or when they are not kept.
    pub scores: Vec<Score>,
    /// The nodes with the highest score.
    pub top: Vec<usize>,
    /// The sentence of the `FailedScheduling` event, when no node can take it.
    pub message: Option<String>,
    /// What preemption decided.
    pub preemption: Option<Preemption>,
    /// Why the attempt ended without an answer: something is wrong with an object.
    pub error: Option<String>,
    /// The claim that gives up its devices.
    pub deallocate: Option<Key>,
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
    /// The plugins that filter and do not skip this pod.
    active: Vec<&'a Entry>,
    /// How many of the first of them are local, and may answer from memory.
    local: usize,
}

impl Cycle<'_> {
    /// Runs the filters on a node, the first rejection counts. Room that was made for others that matter as much has to
    /// stay free. upstream: RunFilterPluginsWithNominatedPods
    pub fn filter(&self, state: &FilterState, node: &NodeInfo) -> Result<(), Rejection> {
        let other = |p: &Pod| p.priority >= self.pod.priority && (p.name != self.pod.name || p.namespace != self.pod.namespace);
        let mut waiting = self.cluster.nominated.iter().filter(|(i, p)| *i == node.index && other(p)).peekable();
        if waiting.peek().is_some() {
            let (mut node, mut state) = (node.clone(), state.clone());
            for (_, pod) in waiting {
                node.add_pod(pod);
                self.update(&mut state, pod, &node, 1);
            }
            self.ask(&self.active, &state, &node)?;
        }
        self.ask(&self.active, state, node)
    }

    /// Whether the filters let a node pass that is as the snapshot has it.
    fn passes(&self, local: &mut Local, node: &NodeInfo) -> bool {
        if !self.cluster.nominated.is_empty() {
            return self.filter(&self.state.filter, node).is_ok();
        }
        let (near, far) = self.active.split_at(self.local);
        if !near.is_empty() {
            let verdict = &mut local.verdicts[node.index];
            if *verdict == Verdict::Unknown {
                *verdict = if self.ask(near, &self.state.filter, node).is_ok() { Verdict::Passes } else { Verdict::Fails };
            }
            if *verdict == Verdict::Fails {
                return false;
            }
        }
        far.is_empty() || self.ask(far, &self.state.filter, node).is_ok()
    }

    fn ask(&self, entries: &[&Entry], state: &FilterState, node: &NodeInfo) -> Result<(), Rejection> {
        for entry in entries {
            if let Err(status) = entry.plugin.filter(self.cluster, state, self.pod, node) {
                return Err(Rejection { plugin: entry.plugin.name(), status });
            }
        }
        Ok(())
    }

    /// Tells the plugins that a pod came to a node or left it.
    pub fn update(&self, state: &mut FilterState, other: &Pod, node: &NodeInfo, by: i64) {
        for entry in &self.active {
            entry.plugin.update(self.cluster, state, self.pod, other, node, by);
        }
    }
}

/// What was counted for pods of earlier cycles: pods of one shape count the same, so that only what happened since is
/// added. Bounded: the shapes seen longest ago are forgotten.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    kept: FxHashMap<usize, Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    /// Held so that its address stays its own.
    shape: Arc<PodShape>,
    /// How many of the snapshot's events are counted.
    position: usize,
    state: CycleState,
    local: Local,
}

/// What the local filters say about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Unknown,
    Passes,
    Fails,
}

/// What plugins that look at nothing but the pod's shape and one node say, until the node changes.
#[derive(Clone, Debug, Default)]
struct Local {
    /// How many edits of nodes were made when this began.
    edits: usize,
    /// By node.
    verdicts: Vec<Verdict>,
    /// Whether a node's scores are known.
    scored: Vec<bool>,
    /// By plugin the raw scores by node.
    scores: Vec<Vec<i32>>,
}

impl Local {
    fn fit(&mut self, nodes: usize, plugins: usize, edits: usize) {
        if self.verdicts.len() != nodes || self.scores.len() != plugins || self.edits != edits {
            let scores = vec![vec![0; nodes]; plugins];
            *self = Self { edits, verdicts: vec![Verdict::Unknown; nodes], scored: vec![false; nodes], scores };
        }
    }

    fn forget(&mut self, node: usize) {
        self.verdicts[node] = Verdict::Unknown;
        self.scored[node] = false;
    }
}

/// How many shapes are remembered, and how many nodes of all of them together.
const REMEMBERED: usize = 64;
const REMEMBERED_NODES: usize = 10_000_000;
const MOST_REMEMBERED: usize = 1_000;

impl Memory {
    /// The state of a pod's plugins at the start of its cycle.
    fn recall(&mut self, cluster: &Snapshot, profile: &Profile, pod: &Pod) -> (CycleState, Local) {
        let now = cluster.events.len();
        let mut kept = self.kept.remove(&(Arc::as_ptr(&pod.shape) as usize));
        let mut local = kept.as_mut().map(|k| std::mem::take(&mut k.local)).unwrap_or_default();
        local.fit(cluster.nodes.len(), profile.plugins.iter().filter(|e| e.scores_locally()).count(), cluster.edits);
        for event in kept.as_ref().and_then(|k| cluster.events.get(k.position..)).unwrap_or_default() {
            local.forget(event.node as usize);
        }
        // Far behind, counting anew is cheaper.
        if let Some(mut kept) = kept.filter(|k| now - k.position <= cluster.running + 16) {
            let counting: Vec<&Entry> = profile.plugins.iter().filter(|e| e.plugin.counts()).collect();
            for event in &cluster.events[kept.position..] {
                let node = &cluster.nodes[event.node as usize];
                for entry in &counting {
                    entry.plugin.follow(cluster, &mut kept.state, pod, &event.pod, node, event.by);
                }
            }
            return (kept.state, local);
        }
        let mut state = CycleState::default();
        for entry in &profile.plugins {
            entry.plugin.gather(cluster, &mut state.filter, pod);
        }
        (state, local)
    }

    fn keep(&mut self, cluster: &Snapshot, pod: &Pod, state: CycleState, local: Local) {
        if self.kept.len() >= REMEMBERED.max(REMEMBERED_NODES / cluster.nodes.len().max(1)).min(MOST_REMEMBERED)
            && let Some(oldest) = self.kept.iter().min_by_key(|(key, k)| (k.position, **key)).map(|(key, _)| *key)
        {
            self.kept.remove(&oldest);
        }
        let kept = Kept { shape: Arc::clone(&pod.shape), position: cluster.events.len(), state, local };
        self.kept.insert(Arc::as_ptr(&kept.shape) as usize, kept);
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
pub fn fit_error<'a>(nodes: usize, reasons: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
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
/// the node that preemption made room on. With `detail` the scores of all plugins are kept.
pub fn schedule(
    cluster: &Snapshot,
    profile: &Profile,
    pod: &Pod,
    start: &mut usize,
    nominated: Option<usize>,
    memory: &mut Memory,
    detail: bool,
) -> Outcome {
    if cluster.nodes.is_empty() {
        return Outcome { message: Some("no nodes available to schedule pods".to_owned()), ..Outcome::default() };
    }
    let (state, mut local) = memory.recall(cluster, profile, pod);
    let mut cycle = Cycle { cluster, profile, pod, state, active: Vec::new(), local: 0 };
    let out = run(&mut cycle, &mut local, start, nominated, detail);
    memory.keep(cluster, pod, cycle.state, local);
    out
}

fn run<'a>(cycle: &mut Cycle<'a>, local: &mut Local, start: &mut usize, nominated: Option<usize>, detail: bool) -> Outcome {
    let (cluster, profile, pod): (&'a Snapshot, &'a Profile, &'a Pod) = (cycle.cluster, cycle.profile, cycle.pod);
    let total = cluster.nodes.len();
    let mut out = Outcome::default();
    let mut skip: Vec<&'static str> = Vec::new();
    let mut allowed: Option<BTreeSet<String>> = None;
    let mut limiting: Vec<&'static str> = Vec::new();
    for entry in profile.plugins.iter().filter(|e| e.pre_filters) {
        let name = entry.plugin.name();
        let rejected = match entry.plugin.pre_filter(cluster, &mut cycle.state.filter, pod) {
            PreFilter::All => continue,
            PreFilter::Skip => {
                skip.push(name);
                continue;
            }
            PreFilter::Reject(status) => status.reasons.iter().collect::<Vec<_>>().join(", "),
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
        // Mostly the cycle ends before device claims were looked at, which is what the last words are about.
        let devices = profile.plugins.iter().any(|e| e.plugin.name() == DEVICES);
        let unhelpful = || {
            if pod.never_preempts {
                return format!("preemption: {NEVER}");
            }
            format!("preemption: 0/{total} nodes are available: {total} Preemption is not helpful for scheduling.")
        };
        let tail = match (devices, name == DEVICES, profile.preemption) {
            (true, false, _) => " not found".to_owned(),
            (true, true, true) => format!(" no new claims to deallocate, {}", unhelpful()),
            (true, true, false) => " no new claims to deallocate".to_owned(),
            (false, _, true) => format!(" {}", unhelpful()),
            (false, _, false) => String::new(),
        };
        out.message = Some(format!("0/{total} nodes are available: {rejected}.{tail}"));
        out.prefilter = Some((name, rejected));
        return out;
    }
    cycle.active = profile.plugins.iter().filter(|e| e.filters && !skip.contains(&e.plugin.name())).collect();
    // The node that a pod names is no part of its shape.
    if pod.node_name.is_empty() {
        cycle.local = cycle.active.iter().take_while(|e| e.plugin.is_local()).count();
    }
    if let Some(names) = &allowed {
        let status = Status::told(format!("node(s) didn't satisfy plugin(s) [{}]", limiting.join(" ")));
        for (i, _) in cluster.nodes.iter().enumerate().filter(|(_, n)| !names.contains(&n.node.name)) {
            out.infeasible.push((i, Rejection { plugin: "", status: status.clone() }));
        }
    }
    if let Some(i) = nominated
        && !out.infeasible.iter().any(|(j, _)| *j == i)
        && cycle.filter(&cycle.state.filter, &cluster.nodes[i]).is_ok()
    {
        out.feasible.push(i);
    }
    if out.feasible.is_empty() {
        let rejected = search(cycle, local, allowed.as_ref(), &mut out, start);
        if detail || out.feasible.is_empty() || !pod.device_claims.is_empty() {
            let why = |i: usize| cycle.filter(&cycle.state.filter, &cluster.nodes[i]).err().map(|rejection| (i, rejection));
            out.infeasible.extend(rejected.into_iter().filter_map(why));
        }
        if let Some((_, wrong)) = out.infeasible.iter().find(|(_, r)| r.status.code == Code::Error) {
            let error = failure(wrong);
            return Outcome { message: Some(error.clone()), error: Some(error), ..Outcome::default() };
        }
    }
    if detail || out.feasible.is_empty() {
        out.infeasible.sort_by_key(|(i, _)| *i);
    }
    if out.feasible.is_empty() {
        let reasons = out.infeasible.iter().flat_map(|(_, r)| r.status.reasons.iter());
        let mut message = fit_error(total, reasons);
        let preemption = if profile.preemption { Some(preempt(cycle, &out.infeasible)) } else { None };
        let mut devices = None;
        if profile.plugins.iter().any(|e| e.plugin.name() == DEVICES) {
            let refused: Vec<(usize, &str)> =
                out.infeasible.iter().flat_map(|(i, r)| r.status.reasons.iter().map(move |why| (*i, why))).collect();
            let (told, claim) = after_failure(cluster, &cycle.state.filter, pod, &refused);
            devices = Some(told);
            out.deallocate = claim;
        }
        let refused = match &preemption {
            Some(Preemption::Refused(text) | Preemption::Failed(text)) => Some(format!("preemption: {text}")),
            _ => None,
        };
        // What is wrong with an object is told alone.
        let devices = devices.filter(|_| !matches!(preemption, Some(Preemption::Failed(_))));
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
    score(cycle, local, &mut out, detail);
    out
}

/// Looks for nodes that fit; the answer is those that do not.
fn search(cycle: &Cycle<'_>, local: &mut Local, allowed: Option<&BTreeSet<String>>, out: &mut Outcome, start: &mut usize) -> Vec<usize> {
    let total = cycle.cluster.nodes.len();
    let named: Option<Vec<usize>> = allowed.map(|names| {
        let mut list: Vec<usize> = names.iter().filter_map(|n| cycle.cluster.find(n)).collect();
        let len = list.len().max(1);
        list.rotate_left(*start % len);
        list
    });
    let count = named.as_ref().map_or(total, Vec::len);
    let percentage = cycle.profile.percentage_of_nodes_to_score;
    out.nodes_to_find = num_feasible_nodes_to_find(percentage, total as i64) as usize;
    let mut limit = num_feasible_nodes_to_find(percentage, count as i64) as usize;
    if !cycle.profile.plugins.iter().any(|e| e.weight > 0 && e.plugin.scores()) {
        // Without scores the first node is as good as any.
        (out.nodes_to_find, limit) = (1, 1);
    }
    let mut rejected = Vec::new();
    for place in 0..count {
        let i = named.as_ref().map_or_else(|| (*start + place) % total, |list| list[place]);
        match cycle.passes(local, &cycle.cluster.nodes[i]) {
            // The search only ends at a node too many: those rejected before it are still looked at.
            true if out.feasible.len() >= limit => break,
            true => out.feasible.push(i),
            false => rejected.push(i),
        }
    }
    out.evaluated = out.feasible.len() + rejected.len();
    *start = (*start + out.evaluated) % total;
    rejected
}

fn score(cycle: &mut Cycle<'_>, local: &mut Local, out: &mut Outcome, detail: bool) {
    if let [only] = out.feasible.as_slice() {
        out.top = vec![*only];
        return;
    }
    let cluster = cycle.cluster;
    let nodes = out.feasible.as_slice();
    let mut totals = vec![0_i64; nodes.len()];
    let mut scores = vec![Score::default(); if detail { nodes.len() } else { 0 }];
    let mut raw: Vec<i64> = Vec::with_capacity(nodes.len());
    let mut columns = 0;
    let mut entries: Vec<(&Entry, Option<usize>)> = Vec::new();
    for entry in cycle.profile.plugins.iter().filter(|e| e.weight > 0 && e.plugin.scores()) {
        let column = entry.scores_locally().then_some(columns);
        columns += usize::from(column.is_some());
        if entry.plugin.pre_score(cluster, &mut cycle.state.score, cycle.pod, nodes) {
            entries.push((entry, column));
        }
    }
    let (state, pod) = (&cycle.state.score, cycle.pod);
    for node in nodes {
        if std::mem::replace(&mut local.scored[*node], true) {
            continue;
        }
        for (entry, column) in &entries {
            if let Some(column) = column {
                // Raw scores are at most 100 times the number of what is counted.
                local.scores[*column][*node] = entry.plugin.score(cluster, state, pod, &cluster.nodes[*node]) as i32;
            }
        }
    }
    for (entry, column) in entries {
        let plugin = &entry.plugin;
        raw.clear();
        match column {
            Some(column) => {
                let known = &local.scores[column];
                raw.extend(nodes.iter().map(|n| i64::from(known[*n])));
            }
            None => plugin.score_all(cluster, state, pod, nodes, &mut raw),
        }
        plugin.normalize(cluster, state, nodes, &mut raw);
        totals.iter_mut().zip(&raw).for_each(|(total, raw)| *total += raw * entry.weight);
        for ((score, raw), total) in scores.iter_mut().zip(&raw).zip(&totals) {
            score.plugins.push((plugin.name(), raw * entry.weight));
            score.total = *total;
        }
    }
    let best = totals.iter().copied().max().unwrap_or(0);
    out.top = out.feasible.iter().zip(&totals).filter(|(_, total)| **total == best).map(|(i, _)| *i).collect();
    out.scores = scores;
}

/// What all plugins say about a pod and every node.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// The plugin that rejected the pod before any node was looked at, and its reason.
    pub prefilter: Option<(&'static str, String)>,
    /// By node: all rejections, not only the first.
    pub rejections: Vec<Vec<Rejection>>,
}

impl Judgement {
    /// The nodes that nobody rejects.
    pub fn feasible(&self) -> impl Iterator<Item = usize> {
        self.rejections.iter().enumerate().filter(|(_, r)| r.is_empty()).map(|(i, _)| i)
    }
}

/// Asks all plugins about all nodes, as the scheduler itself never does: for explanations.
pub fn judge(cluster: &Snapshot, profile: &Profile, pod: &Pod) -> Judgement {
    let mut state = FilterState::default();
    let mut out = Judgement::default();
    let mut skip: Vec<&'static str> = Vec::new();
    let mut named: Vec<(&'static str, BTreeSet<String>)> = Vec::new();
    for entry in &profile.plugins {
        entry.plugin.gather(cluster, &mut state, pod);
    }
    for entry in profile.plugins.iter().filter(|e| e.pre_filters) {
        match entry.plugin.pre_filter(cluster, &mut state, pod) {
            PreFilter::All => {}
            PreFilter::Skip => skip.push(entry.plugin.name()),
            PreFilter::Nodes(names) => named.push((entry.plugin.name(), names)),
            PreFilter::Reject(status) => {
                out.prefilter = Some((entry.plugin.name(), status.reasons.iter().collect::<Vec<_>>().join(", ")));
                return out;
            }
        }
    }
    for node in &cluster.nodes {
        let mut all = Vec::new();
        for (plugin, names) in &named {
            if !names.contains(&node.node.name) {
                all.push(Rejection { plugin, status: Status::told(format!("node(s) didn't satisfy plugin(s) [{plugin}]")) });
            }
        }
        for entry in profile.plugins.iter().filter(|e| e.filters && !skip.contains(&e.plugin.name())) {
            let plugin = entry.plugin.name();
            if let Err(status) = entry.plugin.filter(cluster, &state, pod, node)
                && !all.iter().any(|r: &Rejection| r.plugin == plugin)
            {
                all.push(Rejection { plugin, status });
            }
        }
        out.rejections.push(all);
    }
    out
}
