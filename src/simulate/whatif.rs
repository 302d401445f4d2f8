//! What if: nodes drained, cordoned, lost, added or tainted, workloads scaled, more replicas, other scheduler profiles.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Block};
use super::cluster::parse_argument;
use super::controllers::disruption;
use super::nodes::taint_eviction::{Stay, stay};
use super::picture;
use super::piece::Piece;
use super::piece::spec_mut;
use super::placement::Setting;
use super::present::pending;
use super::replay::{Keep, Run};
use super::scheduler::api::{MIRROR, Node, Pod, PodShape, Taint};
use super::scheduler::json::{at, list, name, namespace, text};
use super::scheduler::profile::Profiles;
use super::scheduler::selector::Selector;

/// A change of the cluster or of what runs on it, made before anything is placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The node takes no new pods.
    Cordon(String),
    /// The node is gone; what ran there has to go elsewhere.
    RemoveNode(String),
    /// All nodes of a zone are gone.
    LoseZone(String),
    /// More nodes, as `3x4cpu,16Gi`.
    AddNodes(String),
    /// A workload (`deploy/web`) has so many replicas.
    Scale(String, i64),
    /// A node gets a taint (`NODE`, `key=value:Effect`).
    Taint(String, String),
}

/// Reads the value of the flag of a change: `cordon`, `remove-node`, `lose-zone`, `add-nodes`, `scale` or `taint`.
pub fn parse_change(flag: &str, value: &str) -> Result<Change, String> {
    let own = value.to_owned();
    Ok(match flag {
        "cordon" => Change::Cordon(own),
        "remove-node" => Change::RemoveNode(own),
        "lose-zone" => Change::LoseZone(own),
        "add-nodes" => {
            parse_argument(value)?;
            Change::AddNodes(own)
        }
        "scale" => {
            let (workload, replicas) = value.rsplit_once('=').ok_or_else(|| format!("{value:?} is not of the form deploy/web=5"))?;
            let replicas = replicas.parse::<i64>().ok().filter(|n| (0..=20_000).contains(n));
            let replicas = replicas.ok_or_else(|| format!("{value:?}: the number of replicas must be between 0 and 20000"))?;
            Change::Scale(workload.to_owned(), replicas)
        }
        _ => {
            let (node, taint) = value.split_once('=').ok_or_else(|| format!("{value:?} is not of the form NODE=key=value:Effect"))?;
            super::cluster::parse_taint(taint).ok_or_else(|| format!("{taint:?} is not of the form key[=value]:Effect"))?;
            Change::Taint(node.to_owned(), taint.to_owned())
        }
    })
}

fn is_node(object: &Piece) -> bool {
    object.kind() == "Node"
}

fn zone(node: &Value) -> &str {
    let labels = at(node, &["metadata", "labels"]);
    match text(labels, &["topology.kubernetes.io/zone"]) {
        "" => text(labels, &["failure-domain.beta.kubernetes.io/zone"]),
        zone => zone,
    }
}

/// Whether `deploy/web` or `Deployment/web` names an object.
fn is_named(object: &Piece, wanted: &str) -> bool {
    let (kind, wanted_name) = wanted.split_once('/').unwrap_or(("", wanted));
    if object.name() != wanted_name {
        return false;
    }
    let own = object.kind().to_lowercase();
    let short = match own.as_str() {
        "statefulset" => "sts",
        "replicaset" => "rs",
        "replicationcontroller" => "rc",
        _ => "",
    };
    let kind = kind.to_lowercase();
    let kind = kind.strip_suffix('s').filter(|k| *k != "st" && *k != "r").unwrap_or(&kind);
    kind.is_empty() || own.starts_with(kind) || (!short.is_empty() && short == kind)
}

/// Makes the changes in the objects of a cluster and of the user; the answer tells what they did by themselves.
pub fn change(cluster: &mut Vec<Piece>, objects: &mut [Piece], changes: &[Change]) -> Result<Vec<String>, String> {
    let mut told = Vec::new();
    for change in changes {
        let known: BTreeSet<String> = cluster.iter().filter(|o| is_node(o)).map(|o| o.name().into_owned()).collect();
        let check = |node: &String| {
            let all = || cluster_order(cluster);
            if known.contains(node) { Ok(()) } else { Err(format!("there is no node {node:?}; there are {}", shorten(&all()))) }
        };
        match change {
            Change::Cordon(node) => {
                check(node)?;
                for object in cluster.iter_mut().filter(|o| is_node(o) && o.name() == *node) {
                    edit_spec(object, |spec| {
                        spec.insert("unschedulable".to_owned(), true.into());
                    });
                }
            }
            Change::RemoveNode(node) => {
                check(node)?;
                told.extend(lose(cluster, &BTreeSet::from([node.clone()])));
            }
            Change::LoseZone(lost) => {
                let nodes: Vec<String> =
                    cluster.iter().filter(|o| is_node(o) && zone(o.value()) == lost).map(|o| o.name().into_owned()).collect();
                if nodes.is_empty() {
                    let mut zones: Vec<String> = cluster.iter().filter(|o| is_node(o)).map(|o| zone(o.value()).to_owned()).collect();
                    zones.sort();
                    zones.dedup();
                    zones.retain(|z| !z.is_empty());
                    let there = if zones.is_empty() { "no node has one".to_owned() } else { format!("there are {}", shorten(&zones)) };
                    return Err(format!("no node is in the zone {lost:?}; {there}"));
                }
                told.push(format!("zone {lost} is lost: {}", shorten(&nodes)));
                told.extend(lose(cluster, &nodes.into_iter().collect()));
            }
            Change::AddNodes(argument) => {
                let mut more = parse_argument(argument)?;
                let mut number = 0;
                for node in &mut more {
                    number += 1;
                    while known.contains(&format!("new-{number}")) {
                        number += 1;
                    }
                    let new = format!("new-{number}");
                    node["metadata"]["name"] = new.as_str().into();
                    node["metadata"]["labels"]["kubernetes.io/hostname"] = new.into();
                }
                cluster.extend(more.into_iter().map(Piece::from));
            }
            Change::Scale(workload, replicas) => {
                let mut found = false;
                for object in cluster.iter_mut().chain(objects.iter_mut()).filter(|o| is_named(o, workload)) {
                    found = true;
                    edit_spec(object, |spec| {
                        spec.insert("replicas".to_owned(), (*replicas).into());
                    });
                }
                if !found {
                    let scales = |o: &&Piece| matches!(o.kind(), "Deployment" | "ReplicaSet" | "ReplicationController" | "StatefulSet");
                    let own = |o: &Piece| format!("{}/{}", o.kind(), o.name());
                    let there: Vec<String> = objects.iter().chain(cluster.iter()).filter(scales).map(own).collect();
                    return Err(format!("there is no workload {workload:?} to scale; there are {}", shorten(&there)));
                }
            }
            Change::Taint(node, taint) => {
                check(node)?;
                let taint = super::cluster::parse_taint(taint).ok_or_else(|| format!("{taint:?} is not a taint"))?;
                for object in cluster.iter_mut().filter(|o| is_node(o) && o.name() == *node) {
                    edit_spec(object, |spec| match spec.get_mut("taints").and_then(Value::as_array_mut) {
                        Some(taints) => taints.push(taint.clone()),
                        None => {
                            spec.insert("taints".to_owned(), json!([taint]));
                        }
                    });
                }
                told.extend(evict_tainted(cluster, node));
            }
        }
    }
    Ok(told)
}

/// The names of the nodes as they come.
fn cluster_order(cluster: &[Piece]) -> Vec<String> {
    cluster.iter().filter(|o| is_node(o)).map(|o| o.name().into_owned()).collect()
}

pub(super) fn shorten(names: &[String]) -> String {
    match names.len() {
        0 => "none".to_owned(),
        n if n > 12 => format!("{} and {} more", names[..12].join(", "), n - 12),
        _ => names.join(", "),
    }
}

fn edit_spec(object: &mut Piece, edit: impl FnOnce(&mut Map<String, Value>)) {
    if let Some(spec) = spec_mut(object) {
        edit(spec);
    }
}

fn controller(pod: &Value) -> Option<&Value> {
    list(pod, &["metadata", "ownerReferences"]).iter().find(|o| at(o, &["controller"]).as_bool() == Some(true))
}

/// The namespace and name of a pod.
fn full_name(pod: &Piece) -> String {
    format!("{}/{}", namespace(pod.value()), pod.name())
}

/// Takes pods off their nodes: those with a controller come back as pending ones, the others are gone.
fn unbind(cluster: &mut Vec<Piece>, leaves: impl Fn(&Piece) -> bool) -> Vec<String> {
    let mut told = Vec::new();
    let gone = |pod: &Piece, why: &str| format!("pod {} is gone: {why}", full_name(pod));
    cluster.retain_mut(|object| {
        if object.kind() != "Pod" || !leaves(object) {
            return true;
        }
        match controller(object.value()).map(|o| text(o, &["kind"]).to_owned()).as_deref() {
            None => {
                told.push(gone(object, "no controller makes another"));
                false
            }
            // Those of a node itself are gone with it.
            Some("DaemonSet" | "Node") => false,
            Some(_) => {
                if let Some(spec) = spec_mut(object) {
                    spec.remove("nodeName");
                }
                if let Some(map) = object.value_mut().as_object_mut() {
                    map.remove("status");
                }
                true
            }
        }
    });
    told
}

fn lose(cluster: &mut Vec<Piece>, nodes: &BTreeSet<String>) -> Vec<String> {
    cluster.retain(|o| !(is_node(o) && nodes.contains(o.name().as_ref())));
    unbind(cluster, |pod| nodes.contains(pod.node()))
}

/// Pods that do not tolerate the `NoExecute` taints of a node leave it.
fn evict_tainted(cluster: &mut Vec<Piece>, node: &str) -> Vec<String> {
    let taints: Vec<Taint> = cluster
        .iter()
        .filter(|o| is_node(o) && o.name() == node)
        .flat_map(|o| list(o.value(), &["spec", "taints"]).iter().map(Taint::new))
        .collect();
    let tolerations =
        |pod: &Piece| list(pod.value(), &["spec", "tolerations"]).iter().map(super::scheduler::api::Toleration::new).collect::<Vec<_>>();
    // What the kubelet itself keeps comes back at once.
    let mirror = |pod: &Piece| !at(pod.value(), &["metadata", "annotations", MIRROR]).is_null();
    let there = |pod: &Piece| pod.kind() == "Pod" && pod.node() == node && !mirror(pod);
    let mut told = Vec::new();
    for pod in cluster.iter().filter(|o| there(o)) {
        match stay(&taints, &tolerations(pod)) {
            Stay::Leaves => told.push(format!("pod {} is evicted from {node} at once", full_name(pod))),
            Stay::Seconds(s) => told.push(format!("pod {} is evicted from {node} after {s} s", full_name(pod))),
            Stay::Forever => {}
        }
    }
    told.extend(unbind(cluster, |pod| there(pod) && stay(&taints, &tolerations(pod)) != Stay::Forever));
    told
}

/// How a drain treats pods that are not simply moved, as `kubectl drain`.
#[derive(Clone, Copy, Debug, Default)]
pub struct DrainFlags {
    /// Leave the pods of DaemonSets alone instead of refusing.
    pub ignore_daemon_sets: bool,
    /// Take pods with `emptyDir` volumes, whose data is lost.
    pub delete_empty_dir_data: bool,
    /// Take pods that no controller would make anew.
    pub force: bool,
}

/// One budget with the pods that are healthy.
struct Budget {
    namespace: String,
    name: String,
    selector: Selector,
    desired: i64,
    healthy: i64,
    /// Whether pods that are not ready may go whatever the budget says.
    any_unready: bool,
}

impl Budget {
    /// Whether it lets a pod go. upstream: pkg/registry/core/pod/storage/eviction.go
    fn allows(&self, pod: &Pod) -> bool {
        let unready = pod.unready && (self.any_unready || (self.healthy >= self.desired && self.desired > 0));
        unready || self.healthy > self.desired
    }

    fn covers(&self, pod: &PodShape) -> bool {
        self.namespace == pod.namespace && !self.selector.is_empty() && self.selector.matches(&pod.labels)
    }
}

fn budgets(run: &Run) -> Vec<Budget> {
    let unready: Vec<&Arc<Pod>> = run.cluster.nodes.iter().flat_map(|n| &n.pods).filter(|p| p.unready && !p.terminating).collect();
    run.cluster
        .listers
        .budgets
        .iter()
        .map(|b| {
            let mut budget = Budget {
                namespace: namespace(b),
                name: name(b),
                selector: Selector::new(at(b, &["spec", "selector"])),
                desired: 0,
                healthy: 0,
                any_unready: text(b, &["spec", "unhealthyPodEvictionPolicy"]) == "AlwaysAllow",
            };
            let covered = || run.cluster.placed.iter().filter(|p| budget.covers(&p.shape));
            let running = covered().map(|p| p.staying.len()).sum::<usize>() as i64;
            let unready = unready.iter().filter(|p| budget.covers(&p.shape)).count() as i64;
            let waiting =
                run.pods.iter().zip(&run.placement).filter(|(p, place)| place.is_none() && budget.covers(&p.shape)).count() as i64;
            budget.healthy = running - unready;
            let waiting = waiting + unready;
            budget.desired = disruption::desired(at(b, &["spec"]), budget.healthy + waiting);
            budget
        })
        .collect()
}

/// What a drain did.
#[derive(Clone, Debug, Default)]
pub struct Drained {
    /// Why nothing was done, as kubectl says it.
    pub refused: Vec<String>,
    /// Pod, node it left, and the node it went to, if any.
    pub moved: Vec<(String, String, Option<String>)>,
    /// Pods that a budget keeps, with the server's answer.
    pub blocked: Vec<(String, String)>,
    /// Pods that are not touched, or lost.
    pub notes: Vec<String>,
}

/// Drains nodes of a finished run: they are cordoned, and their pods evicted one by one as budgets allow; what a
/// controller makes anew is placed at once and then healthy.
pub fn drain(run: &mut Run, profiles: &Profiles, nodes: &[String], flags: DrainFlags) -> Result<Drained, String> {
    let mut out = Drained::default();
    let mut places = Vec::new();
    for node in nodes {
        let known = || run.cluster.nodes.iter().map(|n| n.node.name.clone()).collect::<Vec<_>>();
        places.push(run.cluster.find(node).ok_or_else(|| format!("there is no node {node:?}; there are {}", shorten(&known())))?);
    }
    let kind_of = |pod: &Pod| pod.owner.as_ref().map(|o| o.kind.clone());
    let full = |pod: &Pod| format!("{}/{}", pod.namespace, pod.name);
    let pods: Vec<(usize, Arc<Pod>)> =
        places.iter().flat_map(|p| run.cluster.nodes[*p].pods.iter().map(|pod| (*p, Arc::clone(pod))).collect::<Vec<_>>()).collect();
    // What the kubelet itself keeps is not touched.
    let pods: Vec<(usize, Arc<Pod>)> = pods.into_iter().filter(|(_, pod)| !pod.mirror).collect();
    let of = |wanted: &dyn Fn(&Pod) -> bool| pods.iter().filter(|(_, p)| wanted(p)).map(|(_, p)| full(p)).collect::<Vec<_>>();
    let daemons = of(&|p| kind_of(p).as_deref() == Some("DaemonSet"));
    let local = of(&|p| kind_of(p).as_deref() != Some("DaemonSet") && p.volumes.iter().any(|v| at(v, &["emptyDir"]).is_object()));
    let unmanaged = of(&|p| kind_of(p).is_none());
    for (found, allowed, what, note) in [
        (
            &daemons,
            flags.ignore_daemon_sets,
            "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)",
            "ignoring DaemonSet-managed Pods",
        ),
        (
            &local,
            flags.delete_empty_dir_data,
            "Pods with local storage (use --delete-emptydir-data to override)",
            "deleting Pods with local storage",
        ),
        (&unmanaged, flags.force, "Pods that declare no controller (use --force to override)", "deleting Pods that declare no controller"),
    ] {
        match (found.is_empty(), allowed) {
            (true, _) => {}
            (false, true) => out.notes.push(format!("{note}: {}", found.join(", "))),
            (false, false) => out.refused.push(format!("cannot delete {what}: {}", found.join(", "))),
        }
    }
    for place in &places {
        let node = Node { unschedulable: true, ..Node::clone(&run.cluster.nodes[*place].node) };
        run.cluster.set_node(*place, node);
    }
    if !out.refused.is_empty() {
        return Ok(out);
    }
    let mut budgets = budgets(run);
    for (place, pod) in pods.iter().filter(|(_, p)| kind_of(p).as_deref() != Some("DaemonSet")) {
        let own: Vec<usize> = (0..budgets.len()).filter(|i| budgets[*i].covers(pod)).collect();
        if own.len() > 1 {
            out.blocked.push((full(pod), disruption::SEVERAL.to_owned()));
            continue;
        }
        if let Some(budget) = own.first().map(|i| &budgets[*i]).filter(|b| !b.allows(pod)) {
            let detail = disruption::shortage(&budget.name, budget.desired, budget.healthy);
            out.blocked.push((full(pod), format!("{} {detail}", disruption::VIOLATES)));
            continue;
        }
        run.evict(*place, pod);
        own.iter().for_each(|i| budgets[*i].healthy -= i64::from(!pod.unready));
        let from = run.cluster.nodes[*place].node.name.clone();
        if kind_of(pod).is_none() {
            run.victims.insert((pod.namespace.clone(), pod.name.clone()));
            out.moved.push((full(pod), from, None));
            continue;
        }
        let new = Pod {
            node_name: String::new(),
            nominated: String::new(),
            terminating: false,
            unready: false,
            start_time: String::new(),
            ..Pod::clone(pod)
        };
        let to = run.place_again(profiles, Arc::new(new)).map(|n| run.cluster.nodes[n].node.name.clone());
        if to.is_some() {
            own.iter().for_each(|i| budgets[*i].healthy += 1);
        }
        out.moved.push((full(pod), from, to));
    }
    Ok(out)
}

/// More evicted pods than this are only counted.
const MAX_MOVED: usize = 200;

/// A drain as an answer.
pub fn drain_answer(setting: &Setting, run: &Run, nodes: &[String], drained: &Drained) -> Answer {
    let mut out = Answer::default();
    out.heading(&format!("Drain of {}", nodes.join(", ")));
    out.lines(drained.refused.iter().map(|e| format!("error: unable to drain: {e}")).collect());
    let lost = |(pod, from, to): &(String, String, Option<String>)| {
        vec![pod.clone(), from.clone(), to.clone().unwrap_or_else(|| "<pending>".to_owned())]
    };
    // Those that find no place are what matters where there are many.
    let mut moved: Vec<_> = drained.moved.iter().collect();
    if moved.len() > MAX_MOVED {
        moved.sort_by_key(|m| m.2.is_some());
    }
    out.table(&["EVICTED POD", "FROM", "TO"], moved.iter().take(MAX_MOVED).map(|m| lost(m)).collect());
    if moved.len() > MAX_MOVED {
        out.lines(vec![format!("and {} more evicted pods: --format json names each", moved.len() - MAX_MOVED)]);
    }
    out.lines(drained.notes.clone());
    out.table(&["BLOCKED POD", "WHY"], drained.blocked.iter().map(|(pod, why)| vec![pod.clone(), why.clone()]).collect());
    let after = setting.prediction(run);
    out.lines(pending(&after));
    let done = drained.refused.is_empty() && drained.blocked.is_empty();
    let verdict = match (done, drained.moved.iter().filter(|m| m.2.is_none()).count()) {
        (false, _) => "the drain does not finish".to_owned(),
        (true, 0) => format!("the drain finishes; {} pods find a place elsewhere", drained.moved.len()),
        (true, n) => format!("the drain finishes, but {n} of {} pods find no place elsewhere", drained.moved.len()),
    };
    out.lines(vec![verdict]);
    out.blocks.push(Block::Picture(picture::svg(&after)));
    out.json = json!({
        "nodes": nodes, "finishes": done, "refused": drained.refused,
        "evicted": drained.moved.iter().map(|(pod, from, to)| json!({"pod": pod, "from": from, "to": to})).collect::<Vec<_>>(),
        "blocked": drained.blocked.iter().map(|(pod, why)| json!({"pod": pod, "reason": why})).collect::<Vec<_>>(),
        "notes": drained.notes,
    });
    out
}

/// More workloads than this are not counted.
const MAX_COUNTED: usize = 50;
/// More replicas than this are not counted.
const MAX_MORE: usize = 20_000;

/// How many more pods of each workload of the user fit beside everything else, one workload at a time.
pub fn capacity(setting: &Setting, profiles: &Profiles, most: Option<usize>) -> Answer {
    let base = setting.run(profiles, Keep::Failures);
    let mut models: Vec<Arc<Pod>> = Vec::new();
    let mut seen: BTreeSet<(&str, &str, usize)> = BTreeSet::new();
    for pod in base.pods.iter().filter(|p| p.input >= setting.from_cluster && p.source.kind != "DaemonSet") {
        // Plain pods that are alike are counted once.
        let own = if pod.source.kind == "Pod" {
            ("Pod", "", Arc::as_ptr(&pod.shape) as usize)
        } else {
            (&*pod.source.kind, &*pod.source.name, 0)
        };
        if seen.insert(own) {
            models.push(Arc::clone(pod));
        }
    }
    let left_out = models.len().saturating_sub(MAX_COUNTED);
    models.truncate(MAX_COUNTED);
    let most = most.unwrap_or(MAX_MORE).min(MAX_MORE);
    let (mut rows, mut found) = (Vec::new(), Vec::new());
    for model in models {
        let waiting = base.pods.iter().zip(&base.placement).filter(|(p, place)| p.source == model.source && place.is_none()).count();
        let mut run = base.clone();
        let mut nodes: BTreeMap<usize, usize> = BTreeMap::new();
        let mut why = String::new();
        let mut n = 0;
        while n < most {
            let pod = Arc::new(model.named(format!("{}-more-{n}", model.source.name)));
            match run.place(profiles, pod) {
                Some(node) => *nodes.entry(node).or_insert(0) += 1,
                None => {
                    why = run.attempts.last().and_then(|a| a.outcome.message.clone()).unwrap_or_default();
                    break;
                }
            }
            n += 1;
        }
        let per: Vec<String> = nodes.iter().take(8).map(|(i, n)| format!("{}: {n}", run.cluster.nodes[*i].node.name)).collect();
        let per = per.join(", ") + &if nodes.len() > 8 { format!(", and {} more nodes", nodes.len() - 8) } else { String::new() };
        let workload = format!("{}/{}", model.source.kind, model.source.name);
        let count = if n == most { format!("{n} or more") } else { n.to_string() };
        rows.push(vec![workload.clone(), waiting.to_string(), count, per, why.clone()]);
        found.push(json!({"workload": workload, "pending": waiting, "moreReplicas": n, "limit": why}));
    }
    let mut out = Answer::default();
    out.heading("Capacity");
    out.table(&["WORKLOAD", "PENDING NOW", "MORE THAT FIT", "WHERE", "WHAT STOPS THE NEXT"], rows);
    if left_out > 0 {
        out.lines(vec![format!("{left_out} more workloads are not counted")]);
    }
    if found.is_empty() {
        out.lines(vec!["there is no workload whose replicas could be counted".to_owned()]);
    }
    out.json = json!({ "workloads": found });
    out
}

/// How many nodes of a kind (`4cpu,16Gi`) have to be added until nothing is pending; `None` when no number helps.
pub fn how_many_more_nodes(
    cluster: &[Piece],
    objects: &[Piece],
    namespace: &str,
    profiles: &Profiles,
    kind: &str,
) -> Result<Option<usize>, String> {
    let group = parse_argument(kind)?;
    const MOST: usize = 1_000;
    let waiting = |n: usize| -> Result<usize, String> {
        let mut all = cluster.to_vec();
        let more: Vec<String> = (0..n).map(|_| kind.to_owned()).collect();
        if n > 0 {
            change(&mut all, &mut [], &[Change::AddNodes(more.join("+"))])?;
        }
        let added = n * group.len();
        debug_assert_eq!(all.len(), cluster.len() + added);
        let run = Setting::new(&all, objects, namespace).run(profiles, Keep::Failures);
        Ok(run.placement.iter().filter(|p| p.is_none()).count() - run.victims.len().min(run.placement.len()))
    };
    if waiting(0)? == 0 {
        return Ok(Some(0));
    }
    let mut high = 1;
    while waiting(high)? > 0 {
        if high >= MOST {
            return Ok(None);
        }
        high = (high * 2).min(MOST);
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if waiting(middle)? > 0 { low = middle } else { high = middle }
    }
    Ok(Some(high * group.len()))
}

/// Places everything once with each profile and compares.
pub fn compare(setting: &Setting, profiles: Profiles) -> Answer {
    let mut rows = Vec::new();
    let mut found = Vec::new();
    for (scheduler, profile) in profiles.0 {
        let only = Profiles(vec![(scheduler.clone(), profile)]);
        let mut setting = setting.clone();
        for pod in &mut setting.expanded.pods {
            let shape =
                super::scheduler::api::PodShape { scheduler_name: scheduler.clone(), ..super::scheduler::api::PodShape::clone(&pod.shape) };
            Arc::make_mut(pod).shape = Arc::new(shape);
        }
        let run = setting.run(&only, Keep::Failures);
        let placed = run.placement.iter().flatten().count();
        let used = run.cluster.nodes.iter().filter(|n| !n.pods.is_empty());
        let shares: Vec<i64> = used.map(|n| n.requested.milli_cpu * 100 / n.node.allocatable.milli_cpu.max(1)).collect();
        let (least, most) = (shares.iter().min().copied().unwrap_or(0), shares.iter().max().copied().unwrap_or(0));
        rows.push(vec![
            scheduler.clone(),
            placed.to_string(),
            (run.placement.len() - placed).to_string(),
            format!("{}/{}", shares.len(), run.cluster.nodes.len()),
            format!("{least}% to {most}%"),
        ]);
        found.push(json!({"profile": scheduler, "placed": placed, "pending": run.placement.len() - placed, "nodesUsed": shares.len(),
            "cpuPercent": {"least": least, "most": most}}));
    }
    let mut out = Answer::default();
    out.heading("Scheduler profiles");
    out.table(&["PROFILE", "PLACED", "PENDING", "NODES USED", "CPU OF USED NODES"], rows);
    out.json = json!(found);
    out
}
