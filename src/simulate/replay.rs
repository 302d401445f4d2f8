//! The whole trace of scheduling a set of pods: every cycle with its rejections and scores, in the form that recordings
//! of the real scheduler have, so that both can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::{Map, Value, json};

use super::expand::{Expanded, expand};
use super::scheduler::api::Pod;
use super::scheduler::config;
use super::scheduler::cycle::{MIN_FEASIBLE_NODES_TO_FIND, Memory, Outcome, schedule};
use super::scheduler::json::text;
use super::scheduler::plugins::{dynamic_resources, volume_binding};
use super::scheduler::preemption::Preemption;
use super::scheduler::profile::Profiles;
use super::scheduler::snapshot::Snapshot;
use crate::source::FileId;
use crate::yaml;

/// How often pending pods are tried again.
const MAX_ROUNDS: usize = 6;

/// When pods come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// One after the other, in order.
    Sequential,
    /// All are waiting before the first is placed: priority first.
    Batch,
}

/// How much of a run is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Every attempt with all scores.
    All,
    /// Attempts that failed, and of those of one shape only the nodes of the last that was looked at.
    Failures,
}

/// One attempt to place a pod.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Which pod, as an index into [`Run::pods`].
    pub pod: usize,
    /// From 1.
    pub number: usize,
    /// Whether a scheduling gate kept it from being tried.
    pub gated: bool,
    /// What was found.
    pub outcome: Outcome,
    /// The node chosen.
    pub chosen: Option<usize>,
    /// The node that preemption had made room on, when it was taken.
    pub nominated: Option<usize>,
    /// Where the search for nodes began and where the next one begins.
    pub search: (usize, usize),
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The cluster at the end.
    pub cluster: Snapshot,
    /// Pods that had no node, in order of arrival.
    pub pods: Vec<Arc<Pod>>,
    /// All attempts in order.
    pub attempts: Vec<Attempt>,
    /// The node of each pod; `None` when it stays pending.
    pub placement: Vec<Option<usize>>,
    /// Pods that had to go.
    pub victims: BTreeSet<(String, String)>,
    /// Whether some pod had several equally good nodes.
    pub free: bool,
    keep: Keep,
    memory: Memory,
    /// Pods of these shapes found no node at this state of the cluster (its number of events): in which attempt, and what
    /// they were told.
    failed: FxHashMap<usize, (usize, usize, Option<String>)>,
}

/// Places all pods. `choose` picks one of the nodes with the highest score (it is given their indices, never none).
pub fn simulate(
    expanded: Expanded,
    profiles: &Profiles,
    arrival: Arrival,
    keep: Keep,
    mut choose: impl FnMut(&Snapshot, &[usize]) -> usize,
) -> Run {
    let mut cluster = Snapshot::new(expanded.nodes, expanded.listers);
    let (bound, mut pods): (Vec<_>, Vec<_>) = expanded.pods.into_iter().partition(|p| !p.node_name.is_empty());
    for pod in &bound {
        cluster.add_pod(&pod.node_name, pod);
    }
    // Room counts as taken only for pods that wait in the queue of this scheduler.
    let queued = |p: &&Arc<Pod>| !p.nominated.is_empty() && p.gates.is_empty() && profiles.get(&p.scheduler_name).is_some();
    pods.iter().filter(queued).for_each(|p| cluster.nominate(p));
    if arrival == Arrival::Batch {
        pods.sort_by_key(|p| std::cmp::Reverse(p.priority));
    }
    let mut run = Run {
        cluster,
        placement: vec![None; pods.len()],
        pods,
        attempts: Vec::new(),
        victims: BTreeSet::new(),
        free: false,
        keep,
        memory: Memory::default(),
        failed: FxHashMap::default(),
    };
    let mut numbers = vec![0; run.pods.len()];
    let mut start = 0;
    let mut queue: Vec<usize> = (0..run.pods.len()).collect();
    for _ in 0..=MAX_ROUNDS {
        let mut progress = false;
        for i in std::mem::take(&mut queue) {
            let placed = attempt(&mut run, profiles, i, &mut numbers[i], &mut start, &mut choose);
            progress |= placed;
            if !placed && run.pods[i].gates.is_empty() {
                queue.push(i);
            }
        }
        if !progress || queue.is_empty() {
            break;
        }
    }
    run
}

impl Run {
    /// Places one more pod; `None` when it stays pending, its last attempt then says why.
    pub fn place(&mut self, profiles: &Profiles, pod: Arc<Pod>) -> Option<usize> {
        self.pods.push(pod);
        self.placement.push(None);
        let (i, mut number, mut start) = (self.pods.len() - 1, 0, 0);
        attempt(self, profiles, i, &mut number, &mut start, &mut first_by_name);
        self.placement[i]
    }

    /// Places a pod that was evicted anew, or one that came with the cluster.
    pub fn place_again(&mut self, profiles: &Profiles, pod: Arc<Pod>) -> Option<usize> {
        let known = |i: &usize| self.placement[*i].is_none() && self.pods[*i].name == pod.name && self.pods[*i].namespace == pod.namespace;
        let Some(i) = (0..self.pods.len()).find(known) else { return self.place(profiles, pod) };
        self.pods[i] = pod;
        let (mut number, mut start) = (0, 0);
        attempt(self, profiles, i, &mut number, &mut start, &mut first_by_name);
        self.placement[i]
    }

    /// Takes a running pod away.
    pub fn evict(&mut self, node: usize, pod: &Arc<Pod>) {
        self.cluster.remove(node, pod);
        dynamic_resources::release(&mut self.cluster.listers, pod);
        for (other, place) in self.pods.iter().zip(&mut self.placement) {
            if other.name == pod.name && other.namespace == pod.namespace {
                *place = None;
            }
        }
    }

    /// The last attempt of a pod.
    pub fn last_attempt(&self, pod: usize) -> Option<&Attempt> {
        self.attempts.iter().rev().find(|a| a.pod == pod)
    }
}

fn attempt(
    run: &mut Run,
    profiles: &Profiles,
    i: usize,
    number: &mut usize,
    start: &mut usize,
    choose: &mut impl FnMut(&Snapshot, &[usize]) -> usize,
) -> bool {
    let pod = Arc::clone(&run.pods[i]);
    // A pod that names a scheduler nobody runs waits for ever.
    let Some(profile) = profiles.get(&pod.scheduler_name) else { return false };
    let mut nominated = if pod.nominated.is_empty() { None } else { run.cluster.find(&pod.nominated) };
    // A pod that preempted is tried again at once; each time pods are gone, so this ends.
    loop {
        *number += 1;
        let mut this = Attempt {
            pod: i,
            number: *number,
            gated: !pod.gates.is_empty(),
            outcome: Outcome::default(),
            chosen: None,
            nominated: None,
            search: (*start, *start),
        };
        if this.gated {
            run.attempts.push(this);
            return false;
        }
        let shape = Arc::as_ptr(&pod.shape) as usize;
        let lean = run.keep == Keep::Failures;
        if let Some((.., message)) = run
            .failed
            .get(&shape)
            .filter(|(at, ..)| lean && *at == run.cluster.events.len() && pod.volumes.is_empty() && pod.device_claims.is_empty())
        {
            this.outcome.message.clone_from(message);
            run.attempts.push(this);
            return false;
        }
        this.outcome = schedule(&run.cluster, profile, &pod, start, nominated, &mut run.memory, !lean);
        this.search.1 = *start;
        if !this.outcome.top.is_empty() {
            let node = choose(&run.cluster, &this.outcome.top);
            this.chosen = Some(node);
            this.nominated = nominated.filter(|n| *n == node);
            let taken = Arc::clone(&run.cluster.nodes[node].node);
            volume_binding::reserve(&mut run.cluster.listers, &pod, &taken);
            dynamic_resources::reserve(&mut run.cluster.listers, &pod, &taken);
            run.cluster.place(node, &pod);
            run.placement[i] = Some(node);
            run.free |= this.outcome.top.len() > 1;
            if !lean {
                run.attempts.push(this);
            }
            return true;
        }
        let preempted = match &this.outcome.preemption {
            Some(Preemption::Victims { node, pods }) => Some((*node, pods.clone())),
            _ => None,
        };
        if let Some(claim) = &this.outcome.deallocate {
            dynamic_resources::deallocate(&mut run.cluster.listers, claim);
        }
        if preempted.is_none() {
            let failed = (run.cluster.events.len(), run.attempts.len(), this.outcome.message.clone());
            // Of a shape that fails again and again only the last attempt is kept whole.
            if let Some((_, before, _)) = run.failed.insert(shape, failed).filter(|_| lean)
                && let Some(before) = run.attempts.get_mut(before)
            {
                before.outcome.infeasible = Vec::new();
            }
        }
        run.attempts.push(this);
        let Some((node, victims)) = preempted else { return false };
        for victim in victims {
            run.cluster.remove(node, &victim);
            dynamic_resources::release(&mut run.cluster.listers, &victim);
            run.victims.insert((victim.namespace.clone(), victim.name.clone()));
            for (pod, place) in run.pods.iter().zip(&mut run.placement) {
                if pod.name == victim.name && pod.namespace == victim.namespace {
                    *place = None;
                }
            }
        }
        nominated = Some(node);
    }
}

/// The lexicographically first node: the choice of the recordings.
pub fn first_by_name(cluster: &Snapshot, top: &[usize]) -> usize {
    top.iter().copied().min_by_key(|i| cluster.rank(*i)).unwrap_or(0)
}

/// The run in the form of the recordings.
pub fn to_json(run: &Run, arrival: Arrival) -> Value {
    let node_name = |i: usize| run.cluster.nodes[i].node.name.clone();
    let names = |list: &[usize]| {
        let mut names: Vec<String> = list.iter().map(|i| node_name(*i)).collect();
        names.sort();
        Value::from(names)
    };
    let large = run.cluster.nodes.len() >= MIN_FEASIBLE_NODES_TO_FIND as usize - 10;
    let mut ties = false;
    let mut attempts = Vec::new();
    for attempt in &run.attempts {
        let found = &attempt.outcome;
        let mut out = Map::new();
        out.insert("pod".to_owned(), run.pods[attempt.pod].name.as_str().into());
        if attempt.number > 1 {
            out.insert("attempt".to_owned(), attempt.number.into());
        }
        if attempt.gated {
            out.insert("gated".to_owned(), true.into());
        }
        if let Some((plugin, reason)) = &found.prefilter {
            out.insert("prefilter".to_owned(), format!("{plugin}: {reason}").into());
        }
        if large && found.prefilter.is_none() && !attempt.gated {
            out.insert("start_index".to_owned(), attempt.search.0.into());
            out.insert("nodes_to_find".to_owned(), found.nodes_to_find.into());
            out.insert("evaluated".to_owned(), found.evaluated.into());
            out.insert("next_start_index".to_owned(), attempt.search.1.into());
            if found.feasible.is_empty() {
                let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
                found.infeasible.iter().flat_map(|(_, r)| r.status.reasons.iter()).for_each(|r| *reasons.entry(r).or_insert(0) += 1);
                out.insert("reasons".to_owned(), json!(reasons));
            }
        } else if !found.infeasible.is_empty() {
            let reasons: BTreeMap<String, Vec<&str>> =
                found.infeasible.iter().map(|(i, r)| (node_name(*i), r.status.reasons.iter().collect())).collect();
            out.insert("infeasible".to_owned(), json!(reasons));
            let plugins: BTreeMap<String, &str> =
                found.infeasible.iter().filter(|(_, r)| !r.plugin.is_empty()).map(|(i, r)| (node_name(*i), r.plugin)).collect();
            if !plugins.is_empty() {
                out.insert("plugin".to_owned(), json!(plugins));
            }
        }
        if let Some(error) = &found.error {
            out.insert("error".to_owned(), error.as_str().into());
        }
        if !found.feasible.is_empty() {
            let feasible = if large { found.feasible.iter().map(|i| node_name(*i)).collect() } else { names(&found.feasible) };
            out.insert("feasible".to_owned(), feasible);
            out.insert("top".to_owned(), names(&found.top));
        }
        if !found.scores.is_empty() {
            let mut scores = Map::new();
            for (i, score) in found.feasible.iter().zip(&found.scores).filter(|(i, _)| !large || attempt.chosen == Some(**i)) {
                let mut row: Map<String, Value> = score.plugins.iter().map(|(p, s)| ((*p).to_owned(), (*s).into())).collect();
                row.insert("total".to_owned(), score.total.into());
                scores.insert(node_name(*i), Value::Object(row));
            }
            out.insert("scores".to_owned(), Value::Object(scores));
        }
        ties |= found.top.len() > 1;
        if let Some(chosen) = attempt.chosen {
            out.insert("chosen".to_owned(), node_name(chosen).into());
        }
        if let Some(message) = found.message.as_ref().filter(|_| found.error.is_none()) {
            out.insert("message".to_owned(), message.as_str().into());
        }
        if let Some(Preemption::Victims { node, pods }) = &found.preemption {
            out.insert("preempt_node".to_owned(), node_name(*node).into());
            out.insert("victims".to_owned(), pods.iter().map(|p| Value::from(p.name.as_str())).collect());
        }
        if let Some(node) = attempt.nominated {
            out.insert("nominated_first".to_owned(), node_name(node).into());
        }
        attempts.push(Value::Object(out));
    }
    let mut placement = Map::new();
    let mut pending = Vec::new();
    let mut per_node: BTreeMap<String, usize> = BTreeMap::new();
    for (pod, node) in run.pods.iter().zip(&run.placement) {
        match node {
            Some(node) => {
                placement.insert(pod.name.clone(), node_name(*node).into());
                *per_node.entry(node_name(*node)).or_insert(0) += 1;
            }
            // A pod that another drove away is gone, not waiting.
            None if run.victims.contains(&(pod.namespace.clone(), pod.name.clone())) => {}
            None => pending.push(pod.name.clone()),
        }
    }
    let arrival = if arrival == Arrival::Batch { "batch" } else { "sequential" };
    let mut out = json!({"arrival": arrival, "attempts": attempts, "placement": placement, "ties": ties});
    if !pending.is_empty() {
        out["pending"] = pending.into();
    }
    if !per_node.is_empty() {
        out["per_node"] = json!(per_node);
    }
    out
}

/// Runs objects that are already read. A `KubeSchedulerConfiguration` among them configures the scheduler; when it is
/// refused, the answer has a `config_error`.
pub fn run_objects(objects: &[Value], arrival: Arrival) -> Value {
    let configuration = objects.iter().find(|o| text(o, &["kind"]) == "KubeSchedulerConfiguration");
    let profiles = match configuration.map(config::profiles) {
        None => Profiles::default(),
        Some(Ok(profiles)) => profiles,
        Some(Err(error)) => {
            let arrival = if arrival == Arrival::Batch { "batch" } else { "sequential" };
            return json!({"arrival": arrival, "config_error": error, "attempts": null, "placement": {}, "ties": false});
        }
    };
    to_json(&simulate(expand(objects), &profiles, arrival, Keep::All, first_by_name), arrival)
}

/// Runs the documents of a YAML text. A comment `# param arrival=batch` lets all pods wait before the first is placed.
/// A text that is not YAML answers `{"error": …}`.
pub fn run(input: &str) -> Value {
    let mut objects = Vec::new();
    for document in yaml::parse(input, FileId(0)) {
        if let Some(error) = document.error {
            return json!({"error": error.message});
        }
        objects.extend(document.root.map(|root| root.to_json()));
    }
    let batch = input.lines().any(|line| line.trim() == "# param arrival=batch");
    run_objects(&objects, if batch { Arrival::Batch } else { Arrival::Sequential })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(got: &Value, want: &Value) -> Vec<String> {
        let keys = ["config_error", "arrival", "attempts", "placement", "pending", "per_node", "ties"];
        let mut out = Vec::new();
        let attempts = |v: &Value| v["attempts"].as_array().cloned().unwrap_or_default();
        if let Some((got, want)) = attempts(got).iter().zip(&attempts(want)).find(|(g, w)| g != w) {
            out.push(format!("first attempt that differs: got {got} want {want}"));
        }
        for key in keys {
            if got.get(key) != want.get(key) {
                out.push(key.to_owned());
            }
        }
        out
    }

    /// Compares with recordings of the real scheduler when the folder that holds them is named.
    #[test]
    fn recordings() {
        let Ok(root) = std::env::var("KVAL_SIMULATION") else { return };
        let verbose = std::env::var("KVAL_VERBOSE").unwrap_or_default();
        for group in ["scheduling-filter", "scheduling-score", "scheduling-sequence", "scheduler-config", "scheduling-large"] {
            let (mut passed, mut total) = (0, 0);
            let mut folders: Vec<_> =
                std::fs::read_dir(format!("{root}/{group}")).expect("the group").flatten().map(|e| e.path()).collect();
            folders.sort();
            for folder in folders {
                let read = |name: &str| {
                    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|_| {
                        let packed = std::fs::File::open(folder.join(format!("{name}.gz"))).expect("a file");
                        std::io::read_to_string(flate2::read::GzDecoder::new(packed)).expect("text")
                    })
                };
                let want: Value = serde_json::from_str(&read("expected.json")).expect("JSON");
                let got = run(&read("input.yaml"));
                let wrong = differences(&got, &want);
                total += 1;
                passed += usize::from(wrong.is_empty());
                if !wrong.is_empty() && !verbose.is_empty() {
                    eprintln!("-- {}\n   {}", folder.display(), wrong.join("\n   "));
                }
            }
            eprintln!("{group}: {passed}/{total}");
        }
    }
}
