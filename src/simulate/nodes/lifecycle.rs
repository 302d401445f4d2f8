//! Nodes that stop reporting become unknown, get taints at a limited rate, and their pods go.
//! upstream: pkg/controller/nodelifecycle
//!
//! Time is counted in milliseconds. Where the real controllers run side by side and the order of two things at the same
//! instant is open, the choice here is fixed: what happens to nodes and pods first, then the pass that taints, then the
//! one that looks at heartbeats; nodes in the order of their names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::taint_eviction::Evictions;
use crate::simulate::scheduler::api::{Node, Taint, Toleration};
use crate::simulate::scheduler::json::{at, int, list, strings, text};

/// How often heartbeats are looked at.
const MONITOR_PERIOD: i64 = 5_000;
/// How often a node waiting for its taint is tried.
const TAINT_PERIOD: i64 = 100;
/// A node that was heard of is given so long.
const GRACE: i64 = 50_000;
/// A node that never reported is given so long.
const STARTUP_GRACE: i64 = 60_000;
/// Nodes tainted a second in a zone that works.
const RATE: f32 = 0.1;
/// Nodes tainted a second in a large zone that mostly fails.
const SECONDARY_RATE: f32 = 0.01;
/// A zone of at most so many nodes that mostly fails is not tainted at all.
const LARGE_ZONE: usize = 50;
/// The share of failed nodes from which a zone mostly fails.
const UNHEALTHY: f32 = 0.55;
/// Leases are renewed this often, first after [`FIRST_RENEWAL`].
const RENEWAL: i64 = 10_000;
const FIRST_RENEWAL: i64 = 2_500;

const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const NOT_READY: &str = "node.kubernetes.io/not-ready";

/// A node of a scenario.
#[derive(Clone, Debug, Default)]
pub struct NodePlan {
    /// Its name.
    pub name: String,
    /// Its labels; zone and region matter.
    pub labels: BTreeMap<String, String>,
    /// Taints from the beginning.
    pub taints: Vec<Taint>,
    /// Whether it is cordoned.
    pub unschedulable: bool,
    /// The times during which its kubelet reports, as half-open intervals.
    pub reports: Vec<(i64, i64)>,
}

/// A pod of a scenario.
#[derive(Clone, Debug, Default)]
pub struct PodPlan {
    /// Its name.
    pub name: String,
    /// Its node.
    pub node: String,
    /// When it comes.
    pub created: i64,
    /// What it tolerates.
    pub tolerations: Vec<Toleration>,
}

/// Something that is done to the cluster.
#[derive(Clone, Debug)]
pub enum Change {
    /// A node gets these taints and no other.
    Taints(String, Vec<Taint>),
    /// A pod gets these tolerations.
    Tolerations(String, Vec<Toleration>),
    /// The kubelet of a node reports this for its `Ready` condition.
    Ready(String, String),
}

/// What is to be played.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// Whether heartbeats are watched; without it only changes of taints matter.
    pub watch_nodes: bool,
    /// The nodes.
    pub nodes: Vec<NodePlan>,
    /// The pods.
    pub pods: Vec<PodPlan>,
    /// Changes with their times.
    pub changes: Vec<(i64, Change)>,
    /// When to stop.
    pub horizon: i64,
}

/// Seconds, also with a fraction, as milliseconds.
fn millis(value: &Value) -> i64 {
    (value.as_f64().unwrap_or(0.0) * 1000.0).round() as i64
}

impl Scenario {
    /// From the form of the recordings: `nodes`, `pods`, `events`, `horizon`, times in seconds.
    pub fn new(input: &Value) -> Self {
        let taints = |v: &Value| list(v, &["taints"]).iter().map(Taint::new).collect::<Vec<_>>();
        let tolerations = |v: &Value| list(v, &["tolerations"]).iter().map(Toleration::new).collect::<Vec<_>>();
        let nodes = list(input, &["nodes"]).iter().map(|n| {
            let mut labels = strings(n, &["labels"]);
            for (field, label) in [("zone", "topology.kubernetes.io/zone"), ("region", "topology.kubernetes.io/region")] {
                if !text(n, &[field]).is_empty() {
                    labels.insert(label.to_owned(), text(n, &[field]).to_owned());
                }
            }
            let reports = list(n, &["leaseRenewed"]).iter().filter_map(|i| Some((millis(i.get(0)?), millis(i.get(1)?)))).collect();
            let unschedulable = at(n, &["unschedulable"]).as_bool() == Some(true);
            NodePlan { name: text(n, &["name"]).to_owned(), labels, taints: taints(n), unschedulable, reports }
        });
        let pods = list(input, &["pods"]).iter().map(|p| PodPlan {
            name: text(p, &["name"]).to_owned(),
            node: text(p, &["node"]).to_owned(),
            created: millis(at(p, &["createdAt"])),
            tolerations: tolerations(p),
        });
        let change = |e: &Value| {
            let (node, pod) = (text(e, &["node"]).to_owned(), text(e, &["pod"]).to_owned());
            let change = if at(e, &["taints"]).is_array() {
                Change::Taints(node, taints(e))
            } else if at(e, &["tolerations"]).is_array() {
                Change::Tolerations(pod, tolerations(e))
            } else {
                Change::Ready(node, text(e, &["readyCondition"]).to_owned())
            };
            (millis(at(e, &["t"])), change)
        };
        Self {
            watch_nodes: at(input, &["nodeLifecycle"]).as_bool() == Some(true),
            nodes: nodes.collect(),
            pods: pods.collect(),
            changes: list(input, &["events"]).iter().map(change).collect(),
            horizon: int(input, &["horizon"]).unwrap_or(3600).saturating_mul(1000),
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// When, in milliseconds.
    pub at: i64,
    /// `taints`, `node-ready`, `pod-ready` or `pod-deleted`.
    pub what: &'static str,
    /// The node or the pod.
    pub name: String,
    /// The taints, status and reason, or status; empty for a deletion.
    pub value: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Ready {
    status: String,
    reason: &'static str,
    heartbeat: i64,
}

/// What the controller remembers of a node. upstream: nodeHealthData
#[derive(Clone, Debug)]
struct Health {
    probe: i64,
    ready: Option<Ready>,
    lease: Option<i64>,
}

#[derive(Debug)]
struct NodeState {
    name: String,
    zone: String,
    excluded: bool,
    unschedulable: bool,
    taints: Vec<Taint>,
    ready: Option<Ready>,
    /// What its kubelet would report.
    reported: String,
    lease: Option<i64>,
    health: Option<Health>,
}

#[derive(Debug)]
struct PodState {
    there: bool,
    ready: bool,
    tolerations: Vec<Toleration>,
}

/// A token bucket of one token; `None` never gives one. upstream: flowcontrol.NewTokenBucketRateLimiter
#[derive(Clone, Debug)]
struct Limiter {
    rate: Option<f32>,
    tokens: f64,
    last: i64,
}

impl Limiter {
    fn new(rate: Option<f32>, now: i64) -> Self {
        Self { rate, tokens: 1.0, last: now }
    }

    fn take(&mut self, now: i64) -> bool {
        let Some(rate) = self.rate else { return false };
        self.tokens = ((now - self.last) as f64 / 1000.0 * f64::from(rate) + self.tokens).min(1.0);
        self.last = now;
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ZoneState {
    Initial,
    Normal,
    Partial,
    Full,
}

/// A zone's nodes that wait for their taint. upstream: RateLimitedTimedQueue
#[derive(Debug)]
struct Zone {
    state: ZoneState,
    limiter: Limiter,
    queue: Vec<usize>,
    /// Nodes that are not added again until they were removed.
    known: BTreeSet<usize>,
}

impl Zone {
    fn add(&mut self, node: usize) {
        if self.known.insert(node) {
            self.queue.push(node);
        }
    }

    fn remove(&mut self, node: usize) {
        self.known.remove(&node);
        self.queue.retain(|n| *n != node);
    }

    fn swap_limiter(&mut self, rate: Option<f32>, now: i64) {
        if rate.is_some() && self.limiter.rate == rate {
            return;
        }
        let had = self.limiter.take(now);
        self.limiter = Limiter::new(rate, now);
        if !had {
            self.limiter.take(now);
        }
    }
}

fn executes(key: &str) -> Taint {
    Taint { key: key.to_owned(), value: String::new(), effect: "NoExecute".to_owned() }
}

/// Taints are the same when key and effect are. upstream: Taint.MatchTaint
fn same(a: &Taint, b: &Taint) -> bool {
    a.key == b.key && a.effect == b.effect
}

struct Play {
    now: i64,
    nodes: Vec<NodeState>,
    plans: Vec<PodPlan>,
    pods: Vec<PodState>,
    zones: BTreeMap<String, Zone>,
    evictions: Evictions,
    watch: bool,
    known: bool,
    rows: Vec<Row>,
}

impl Play {
    fn tell(&mut self, what: &'static str, name: String, value: String) {
        self.rows.push(Row { at: self.now, what, name, value });
    }

    fn pods_of(&self, node: usize) -> Vec<usize> {
        let on = |i: &usize| self.pods[*i].there && self.plans[*i].node == self.nodes[node].name;
        (0..self.pods.len()).filter(on).collect()
    }

    fn delete(&mut self, pod: usize) {
        if std::mem::take(&mut self.pods[pod].there) {
            self.evictions.cancel(pod);
            self.tell("pod-deleted", self.plans[pod].name.clone(), String::new());
        }
    }

    fn judge(&mut self, pod: usize, node: usize) {
        if self.evictions.judge(pod, &self.nodes[node].taints, &self.pods[pod].tolerations, self.now) {
            self.delete(pod);
        }
    }

    /// Gives a node other taints, and its pods what follows.
    fn set_taints(&mut self, node: usize, taints: Vec<Taint>) {
        if self.nodes[node].taints == taints {
            return;
        }
        let executing = |taints: &[Taint]| taints.iter().filter(|t| t.effect == "NoExecute").cloned().collect::<Vec<_>>();
        let (before, after) = (executing(&self.nodes[node].taints), executing(&taints));
        self.nodes[node].taints = taints;
        let mut shown: Vec<String> = self.nodes[node].taints.iter().map(|t| format!("{}:{}", t.key, t.effect)).collect();
        shown.sort();
        self.tell("taints", self.nodes[node].name.clone(), shown.join(","));
        if before == after {
            return;
        }
        for pod in self.pods_of(node) {
            if after.is_empty() {
                self.evictions.cancel(pod);
            } else {
                self.judge(pod, node);
            }
        }
    }

    fn add_taints(&mut self, node: usize, more: &[Taint]) {
        let mut taints = self.nodes[node].taints.clone();
        taints.extend(more.iter().filter(|m| !self.nodes[node].taints.iter().any(|t| same(t, m))).cloned());
        self.set_taints(node, taints);
    }

    fn remove_taints(&mut self, node: usize, less: &[Taint]) {
        let mut taints = self.nodes[node].taints.clone();
        taints.retain(|t| !less.iter().any(|l| same(t, l)));
        self.set_taints(node, taints);
    }

    fn set_ready(&mut self, node: usize, status: &str, reason: &'static str, heartbeat: i64) {
        let changed = self.nodes[node].ready.as_ref().is_none_or(|r| r.status != status || r.reason != reason);
        self.nodes[node].ready = Some(Ready { status: status.to_owned(), reason, heartbeat });
        if changed {
            self.tell("node-ready", self.nodes[node].name.clone(), format!("{status} {reason}"));
        }
    }

    fn kubelet_reports(&mut self, node: usize) {
        let status = self.nodes[node].reported.clone();
        if self.nodes[node].ready.as_ref().is_none_or(|r| r.status != status) {
            let reason = if status == "True" { "KubeletReady" } else { "KubeletNotReady" };
            self.set_ready(node, &status, reason, self.now);
        }
    }

    /// Conditions as `NoSchedule` taints. upstream: doNoScheduleTaintingPass
    fn taint_conditions(&mut self, node: usize) {
        let state = &self.nodes[node];
        let no_schedule = |key: &str| Taint { effect: "NoSchedule".to_owned(), ..executes(key) };
        let mut wanted = Vec::new();
        match state.ready.as_ref().map(|r| r.status.as_str()) {
            Some("False") => wanted.push(no_schedule(NOT_READY)),
            Some("Unknown") => wanted.push(no_schedule(UNREACHABLE)),
            _ => {}
        }
        if state.unschedulable {
            wanted.push(no_schedule("node.kubernetes.io/unschedulable"));
        }
        let managed =
            ["not-ready", "unreachable", "unschedulable", "network-unavailable", "memory-pressure", "disk-pressure", "pid-pressure"];
        let ours = |t: &&Taint| t.effect == "NoSchedule" && t.key.strip_prefix("node.kubernetes.io/").is_some_and(|k| managed.contains(&k));
        let gone: Vec<Taint> = state.taints.iter().filter(ours).filter(|t| !wanted.iter().any(|w| same(w, t))).cloned().collect();
        self.add_taints(node, &wanted);
        self.remove_taints(node, &gone);
    }

    fn mark_pods_not_ready(&mut self, pods: &[usize]) {
        for pod in pods {
            if std::mem::take(&mut self.pods[*pod].ready) {
                self.tell("pod-ready", self.plans[*pod].name.clone(), "False".to_owned());
            }
        }
    }

    fn create(&mut self, pod: usize) {
        self.pods[pod].there = true;
        let Some(node) = self.nodes.iter().position(|n| n.name == self.plans[pod].node) else { return };
        if self.nodes[node].taints.iter().any(|t| t.effect == "NoExecute") {
            self.judge(pod, node);
        }
        let healthy = self.nodes[node].health.as_ref().and_then(|h| h.ready.as_ref()).is_none_or(|r| r.status == "True");
        if !healthy && self.pods[pod].there {
            self.mark_pods_not_ready(&[pod]);
        }
    }

    fn apply(&mut self, change: &Change) {
        let node = |play: &Self, name: &str| play.nodes.iter().position(|n| n.name == *name);
        match change {
            Change::Taints(name, taints) => {
                if let Some(i) = node(self, name) {
                    self.set_taints(i, taints.clone());
                }
            }
            Change::Tolerations(name, tolerations) => {
                let Some(pod) = self.plans.iter().position(|p| p.name == *name).filter(|i| self.pods[*i].there) else { return };
                self.pods[pod].tolerations.clone_from(tolerations);
                if let Some(i) = node(self, &self.plans[pod].node)
                    && self.nodes[i].taints.iter().any(|t| t.effect == "NoExecute")
                {
                    self.judge(pod, i);
                }
            }
            Change::Ready(name, status) => {
                if let Some(i) = node(self, name) {
                    self.nodes[i].reported.clone_from(status);
                    self.kubelet_reports(i);
                    self.taint_conditions(i);
                }
            }
        }
    }

    fn mark_reachable(&mut self, node: usize) {
        self.remove_taints(node, &[executes(UNREACHABLE)]);
        self.remove_taints(node, &[executes(NOT_READY)]);
        if let Some(zone) = self.zones.get_mut(&self.nodes[node].zone) {
            zone.remove(node);
        }
    }

    /// upstream: doNoExecuteTaintingPass
    fn taint_pass(&mut self) {
        let keys: Vec<String> = self.zones.keys().cloned().collect();
        for key in keys {
            while let Some(zone) = self.zones.get_mut(&key)
                && let Some(node) = zone.queue.first().copied()
                && zone.limiter.take(self.now)
            {
                zone.queue.remove(0);
                match self.nodes[node].ready.as_ref().map(|r| r.status.as_str()) {
                    Some("False") => self.swap(node, NOT_READY, UNREACHABLE),
                    Some("Unknown") => self.swap(node, UNREACHABLE, NOT_READY),
                    _ => {}
                }
            }
        }
    }

    fn swap(&mut self, node: usize, to: &str, from: &str) {
        self.add_taints(node, &[executes(to)]);
        self.remove_taints(node, &[executes(from)]);
    }

    /// The status before and after the controller looked. upstream: tryUpdateNodeHealth
    fn look(&mut self, node: usize) -> (String, Option<String>) {
        let now = self.now;
        let state = &mut self.nodes[node];
        let current = state.ready.clone();
        let grace = if current.is_none() { STARTUP_GRACE } else { GRACE };
        let fresh = Health { probe: now, ready: current.clone(), lease: None };
        let health = match (state.health.take(), &current) {
            (None, None) => Health { probe: 0, ..fresh },
            (None, Some(_)) => fresh,
            (Some(old), current) => match (&old.ready, current) {
                (None, None) => old,
                (Some(a), Some(b)) if a.heartbeat == b.heartbeat => old,
                _ => fresh,
            },
        };
        let health = state.health.insert(health);
        if state.lease.is_some() && health.lease < state.lease {
            health.lease = state.lease;
            health.probe = now;
        }
        let observed = current.as_ref().map_or_else(|| "Unknown".to_owned(), |r| r.status.clone());
        if now > health.probe + grace {
            match &current {
                None => self.set_ready(node, "Unknown", "NodeStatusNeverUpdated", 0),
                Some(r) if r.status != "Unknown" => self.set_ready(node, "Unknown", "NodeStatusUnknown", r.heartbeat),
                Some(_) => {}
            }
        }
        let state = &mut self.nodes[node];
        if let Some(health) = &mut state.health {
            health.ready.clone_from(&state.ready);
        }
        (observed, state.ready.as_ref().map(|r| r.status.clone()))
    }

    /// upstream: monitorNodeHealth
    fn monitor(&mut self) {
        for i in 0..self.nodes.len() {
            let now = self.now;
            let zone =
                Zone { state: ZoneState::Initial, limiter: Limiter::new(Some(RATE), now), queue: Vec::new(), known: BTreeSet::new() };
            self.zones.entry(self.nodes[i].zone.clone()).or_insert(zone);
        }
        if !std::mem::replace(&mut self.known, true) {
            (0..self.nodes.len()).for_each(|i| self.mark_reachable(i));
        }
        let mut conditions: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for i in 0..self.nodes.len() {
            let (observed, current) = self.look(i);
            if !self.nodes[i].excluded {
                let entry = conditions.entry(self.nodes[i].zone.clone()).or_default();
                if current.as_deref() == Some("True") { entry.0 += 1 } else { entry.1 += 1 }
            }
            let Some(current) = current else { continue };
            match current.as_str() {
                "False" => self.fails(i, NOT_READY, UNREACHABLE),
                "Unknown" => self.fails(i, UNREACHABLE, NOT_READY),
                _ => self.mark_reachable(i),
            }
            if current != "True" && observed == "True" {
                let pods = self.pods_of(i);
                self.mark_pods_not_ready(&pods);
            }
            self.taint_conditions(i);
        }
        self.disruption(&conditions);
    }

    /// upstream: processTaintBaseEviction, markNodeForTainting
    fn fails(&mut self, node: usize, to: &str, from: &str) {
        let has = |key: &str| self.nodes[node].taints.iter().any(|t| same(t, &executes(key)));
        if has(from) {
            self.swap(node, to, from);
            return;
        }
        let tainted = has(to);
        if let Some(zone) = self.zones.get_mut(&self.nodes[node].zone) {
            if !tainted {
                zone.remove(node);
            }
            zone.add(node);
        }
    }

    /// upstream: handleDisruption
    fn disruption(&mut self, conditions: &BTreeMap<String, (usize, usize)>) {
        let state = |(ready, failed): (usize, usize)| match failed {
            _ if ready == 0 && failed > 0 => ZoneState::Full,
            _ if failed > 2 && failed as f32 / (failed + ready) as f32 >= UNHEALTHY => ZoneState::Partial,
            _ => ZoneState::Normal,
        };
        let rate = |state: ZoneState, size: usize| match state {
            ZoneState::Partial => (size > LARGE_ZONE).then_some(SECONDARY_RATE),
            _ => Some(RATE),
        };
        self.zones.retain(|key, _| conditions.contains_key(key));
        let all_are = conditions.values().all(|c| state(*c) == ZoneState::Full);
        let all_were = self.zones.values().all(|z| z.state == ZoneState::Full);
        if all_are && all_were {
            return;
        }
        let now = self.now;
        if all_are {
            (0..self.nodes.len()).for_each(|i| self.mark_reachable(i));
            for zone in self.zones.values_mut() {
                zone.swap_limiter(None, now);
                zone.state = ZoneState::Full;
            }
            return;
        }
        if all_were {
            self.nodes.iter_mut().filter_map(|n| n.health.as_mut()).for_each(|h| h.probe = now);
        }
        for (key, zone) in &mut self.zones {
            let Some(counts) = conditions.get(key) else { continue };
            let new = state(*counts);
            if zone.state != new || all_were {
                zone.swap_limiter(rate(new, counts.0 + counts.1), now);
                zone.state = new;
            }
        }
    }
}

/// The renewals of a node's lease.
fn renewals(plan: &NodePlan, horizon: i64) -> Vec<i64> {
    let inside = |t: &i64| plan.reports.iter().any(|(from, to)| from <= t && t < to);
    (0..=horizon / RENEWAL).map(|k| FIRST_RENEWAL + k * RENEWAL).filter(inside).collect()
}

/// Plays a scenario: what happens, in order of time, then kind, name and value.
pub fn run(scenario: &Scenario) -> Vec<Row> {
    let mut plans = scenario.nodes.clone();
    plans.sort_by(|a, b| a.name.cmp(&b.name));
    let node = |plan: &NodePlan| {
        // The scheduler's reading of zone and region is the same.
        let zone = Node::new(&serde_json::json!({"metadata": {"labels": plan.labels}})).zone_key();
        NodeState {
            name: plan.name.clone(),
            zone,
            excluded: plan.labels.contains_key("node.kubernetes.io/exclude-disruption"),
            unschedulable: plan.unschedulable,
            taints: Vec::new(),
            ready: None,
            reported: "True".to_owned(),
            lease: None,
            health: None,
        }
    };
    let pod = |p: &PodPlan| PodState { there: false, ready: true, tolerations: p.tolerations.clone() };
    let mut play = Play {
        now: 0,
        nodes: plans.iter().map(node).collect(),
        pods: scenario.pods.iter().map(pod).collect(),
        plans: scenario.pods.clone(),
        zones: BTreeMap::new(),
        evictions: Evictions::default(),
        watch: scenario.watch_nodes,
        known: false,
        rows: Vec::new(),
    };
    // What comes from outside, in order; of one instant in the order given.
    let mut renewing: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    if play.watch {
        for (i, plan) in plans.iter().enumerate() {
            renewals(plan, scenario.horizon).into_iter().for_each(|t| renewing.entry(t).or_default().push(i));
        }
    }
    let mut coming: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    scenario.pods.iter().enumerate().for_each(|(i, p)| coming.entry(p.created).or_default().push(i));
    let mut changes: BTreeMap<i64, Vec<&Change>> = BTreeMap::new();
    scenario.changes.iter().for_each(|(t, change)| changes.entry(*t).or_default().push(change));
    for (i, plan) in plans.iter().enumerate() {
        if play.watch && plan.reports.first().is_some_and(|(from, _)| *from == 0) {
            play.kubelet_reports(i);
        }
        play.set_taints(i, plan.taints.clone());
    }
    loop {
        let now = play.now;
        coming.remove(&now).into_iter().flatten().for_each(|pod| play.create(pod));
        changes.remove(&now).into_iter().flatten().for_each(|change| play.apply(change));
        for i in renewing.remove(&now).into_iter().flatten() {
            play.nodes[i].lease = Some(now);
            play.kubelet_reports(i);
            play.taint_conditions(i);
        }
        for pod in play.evictions.due(now) {
            play.delete(pod);
        }
        if play.watch {
            if now % TAINT_PERIOD == 0 {
                play.taint_pass();
            }
            if now % MONITOR_PERIOD == 0 {
                play.monitor();
            }
        }
        let ticks = [(TAINT_PERIOD, play.zones.values().any(|z| !z.queue.is_empty())), (MONITOR_PERIOD, play.watch)];
        let tick = ticks.iter().filter(|(_, on)| *on).map(|(period, _)| (now / period + 1) * period).min();
        let firsts = [coming.keys().next(), changes.keys().next(), renewing.keys().next()];
        let next = firsts.into_iter().flatten().copied().chain(play.evictions.next()).chain(tick).min();
        match next.filter(|t| *t <= scenario.horizon) {
            Some(t) => play.now = t.max(now),
            None => break,
        }
    }
    play.rows.sort();
    play.rows
}
