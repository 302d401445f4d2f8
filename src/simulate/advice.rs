//! What would have to change so that a pending pod fits: found by asking the scheduler again about a pod that wants less.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::captured::workload_of;
use super::present::gibibytes;
use super::replay::Run;
use super::scheduler::api::{Node, Pod, PodShape, Toleration};
use super::scheduler::cycle::judge;
use super::scheduler::plugins::dynamic_resources;
use super::scheduler::plugins::taint_toleration::DO_NOT_SCHEDULE;
use super::scheduler::profile::{Profile, Profiles};
use super::scheduler::resource::Resource;
use super::scheduler::selector::{Selector, tolerates};
use super::scheduler::snapshot::{NodeInfo, Snapshot};

/// More kinds of pods than this get no advice.
const MAX_SHAPES: usize = 20;
/// Asking about every node of larger clusters takes long.
const MAX_NODES: usize = 5_000;

/// One thing a pod may give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relax {
    Requests,
    Taints,
    NodeAffinity,
    PodAffinity,
    AntiAffinity,
    Spread,
    HostPorts,
    Devices,
}

const ALL: [Relax; 8] = [
    Relax::Requests,
    Relax::Taints,
    Relax::NodeAffinity,
    Relax::PodAffinity,
    Relax::AntiAffinity,
    Relax::Spread,
    Relax::HostPorts,
    Relax::Devices,
];

impl Relax {
    fn apply(self, shape: &mut PodShape) {
        match self {
            Self::Requests => {
                shape.requests = Resource::default();
                shape.non_zero = Resource::default();
                shape.incoming = Resource::default();
            }
            Self::Taints => {
                let any = Toleration { operator: "Exists".to_owned(), ..Toleration::new(&serde_json::Value::Null) };
                shape.tolerations.push(any);
            }
            Self::NodeAffinity => {
                shape.node_selector = None;
                shape.node_affinity = None;
            }
            Self::PodAffinity => shape.affinity.clear(),
            Self::AntiAffinity => {
                shape.anti_affinity.clear();
                // The pods that are there keep others like them away too; nothing else of this pod may read its labels.
                if shape.spread.is_empty() && shape.affinity.is_empty() {
                    shape.labels.clear();
                }
            }
            Self::Spread => shape.spread.retain(|c| !c.hard),
            Self::HostPorts => shape.host_ports.clear(),
            // They are the pod's own.
            Self::Devices => {}
        }
    }
}

fn relaxed(pod: &Pod, give_up: &[Relax]) -> Pod {
    let mut shape = PodShape::clone(&pod.shape);
    give_up.iter().for_each(|r| r.apply(&mut shape));
    let device_claims = if give_up.contains(&Relax::Devices) { Arc::new([]) } else { Arc::clone(&pod.device_claims) };
    Pod { shape: Arc::new(shape), device_claims, ..pod.clone() }
}

/// What keeps a pod from every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No node is as large as the pod asks for.
    TooLarge,
    /// The nodes that it may use are full.
    Full,
    /// Taints that it does not tolerate.
    Taints,
    /// Its node selector or required node affinity.
    NodeAffinity,
    /// Its required anti-affinity, or that of pods that are there.
    AntiAffinity,
    /// Its required pod affinity.
    PodAffinity,
    /// A topology spread constraint.
    Spread,
    /// A host port.
    HostPorts,
    /// A claim for devices.
    Devices,
    /// Several things together, or another.
    Other,
}

/// The thing that alone keeps a pod of a finished run from every node.
pub fn cause(run: &Run, profile: &Profile, pod: &Pod) -> Cause {
    let empty = Snapshot::new(run.cluster.nodes.iter().map(|n| Node::clone(&n.node)).collect(), run.cluster.listers.clone());
    let beside = [Relax::PodAffinity, Relax::AntiAffinity, Relax::Spread, Relax::HostPorts];
    let fits_empty = |give_up: &[Relax]| judge(&empty, profile, &relaxed(pod, give_up)).feasible().next().is_some();
    if !fits_empty(&beside) && fits_empty(&[&beside[..], &[Relax::Requests]].concat()) {
        return Cause::TooLarge;
    }
    let order = [
        (Relax::Requests, Cause::Full),
        (Relax::Taints, Cause::Taints),
        (Relax::NodeAffinity, Cause::NodeAffinity),
        (Relax::AntiAffinity, Cause::AntiAffinity),
        (Relax::PodAffinity, Cause::PodAffinity),
        (Relax::Spread, Cause::Spread),
        (Relax::HostPorts, Cause::HostPorts),
        (Relax::Devices, Cause::Devices),
    ];
    let alone = order.into_iter().find(|(relax, _)| !feasible(run, profile, &relaxed(pod, &[*relax])).is_empty());
    alone.map_or(Cause::Other, |(_, cause)| cause)
}

fn feasible<'a>(run: &'a Run, profile: &Profile, pod: &Pod) -> Vec<&'a NodeInfo> {
    judge(&run.cluster, profile, pod).feasible().map(|i| &run.cluster.nodes[i]).collect()
}

/// Resource, what is asked for, and what is free on a node; CPU in thousandths.
fn needs(pod: &Pod, node: &NodeInfo) -> Vec<(String, i64, i64)> {
    let (ask, there, used) = (&pod.requests, &node.node.allocatable, &node.requested);
    let mut out = vec![
        ("cpu".to_owned(), ask.milli_cpu, there.milli_cpu - used.milli_cpu),
        ("memory".to_owned(), ask.memory, there.memory - used.memory),
        ("ephemeral-storage".to_owned(), ask.ephemeral_storage, there.ephemeral_storage - used.ephemeral_storage),
    ];
    let amount = |r: &Resource, name: &String| r.scalar.get(name).copied().unwrap_or(0);
    out.extend(ask.scalar.iter().map(|(name, ask)| (name.clone(), *ask, amount(there, name) - amount(used, name))));
    out.retain(|(_, ask, free)| ask > free);
    out
}

fn shown(name: &str, amount: i64) -> String {
    match name {
        "cpu" => format!("{amount}m"),
        "memory" | "ephemeral-storage" => gibibytes(amount),
        _ => amount.to_string(),
    }
}

fn say_requests(pod: &Pod, nodes: &[&NodeInfo]) -> String {
    // The node where least has to be given up, as the share of what is asked for that is there.
    let share = |node: &&NodeInfo| needs(pod, node).iter().map(|(_, ask, free)| free.max(&0) * 1000 / ask.max(&1)).min().unwrap_or(1000);
    let Some(best) = nodes.iter().max_by(|a, b| share(a).cmp(&share(b)).then_with(|| b.node.name.cmp(&a.node.name))) else {
        return String::new();
    };
    let lacking = needs(pod, best);
    let used_up: Vec<&str> = lacking.iter().filter(|(_, _, free)| *free <= 0).map(|(name, ..)| name.as_str()).collect();
    if !used_up.is_empty() {
        let asked: Vec<String> = lacking.iter().map(|(name, ask, _)| format!("{name}: {}", shown(name, *ask))).collect();
        return format!(
            "add nodes, or free room for {}: {} is used up even on {}",
            asked.join(" and "),
            used_up.join(" and "),
            best.node.name
        );
    }
    let each: Vec<String> = lacking
        .iter()
        .map(|(name, ask, free)| format!("request at most {name}: {} (now {})", shown(name, *free), shown(name, *ask)))
        .collect();
    format!("{} to fit on {}", each.join(" and "), best.node.name)
}

fn say_taints(pod: &Pod, nodes: &[&NodeInfo]) -> String {
    let mut ways: BTreeSet<String> = BTreeSet::new();
    for node in nodes.iter().take(50) {
        let taints = node.node.taints.iter().filter(|t| DO_NOT_SCHEDULE.contains(&t.effect.as_str()));
        let open = taints.filter(|t| !pod.tolerations.iter().any(|x| tolerates(x, t)));
        let mut parts: Vec<String> = open
            .map(|t| if t.value.is_empty() { format!("{}:{}", t.key, t.effect) } else { format!("{}={}:{}", t.key, t.value, t.effect) })
            .collect();
        if node.node.unschedulable && !parts.iter().any(|p| p.starts_with("node.kubernetes.io/unschedulable:")) {
            ways.insert(format!("uncordon {}", node.node.name));
            continue;
        }
        parts.sort();
        ways.insert(format!("tolerate the taint {} (as on {})", parts.join(" and "), node.node.name));
    }
    ways.into_iter().take(3).collect::<Vec<_>>().join(", or ")
}

fn say_node_affinity(pod: &Pod, nodes: &[&NodeInfo]) -> String {
    let Some(node) = nodes.first() else { return String::new() };
    let mut missing: Vec<String> = Vec::new();
    if let Some(Selector::All(all)) = &pod.node_selector {
        let absent = all.iter().filter(|r| !r.matches(&node.node.labels));
        missing.extend(absent.map(|r| format!("{}={}", r.key, r.values.first().map_or("", String::as_str))));
    }
    let more = if nodes.len() > 1 { format!(" (or {} other nodes)", nodes.len() - 1) } else { String::new() };
    match missing.as_slice() {
        [] => format!("let the required node affinity allow a node such as {}{more}", node.node.name),
        labels => format!("label {}{more} with {}, or change the node selector", node.node.name, labels.join(" and ")),
    }
}

fn say_devices(run: &Run, pod: &Pod) -> String {
    let Some(lack) = dynamic_resources::lack(&run.cluster, pod) else { return "change the claims for devices".to_owned() };
    let claim = match &lack.template {
        Some(template) => format!("ResourceClaimTemplate/{template}"),
        None => format!("ResourceClaim/{}", lack.claim),
    };
    let Some((_, name)) = &lack.request else {
        if lack.missing {
            return format!("create {claim}");
        }
        return format!("let what {claim} asks for together be found on one node, or add a node that has it");
    };
    let of_class = if lack.class.is_empty() { String::new() } else { format!(" of class {}", lack.class) };
    let request = format!("the request {name} of {claim}");
    if lack.missing {
        return format!("create the DeviceClass {}, or name another in {request}", lack.class);
    }
    match (&lack.fewer, &lack.any) {
        (Some((count, node)), _) => {
            format!("let {request} ask for at most {count} devices{of_class} (now {}) to fit on {node}", lack.count)
        }
        (None, Some(node)) => format!("loosen the selectors of {request}: without them {node} has a free device{of_class}"),
        (None, None) => format!("free a device{of_class}, or add a node that has one, for {request}"),
    }
}

fn say(run: &Run, relax: Relax, pod: &Pod, nodes: &[&NodeInfo]) -> String {
    let such = nodes.first().map_or("", |n| n.node.name.as_str());
    match relax {
        Relax::Requests => say_requests(pod, nodes),
        Relax::Taints => say_taints(pod, nodes),
        Relax::NodeAffinity => say_node_affinity(pod, nodes),
        Relax::PodAffinity => format!("make the required pod affinity a preferred one (then {such} fits)"),
        Relax::AntiAffinity => format!("make the required pod anti-affinity a preferred one (then {such} fits), or add nodes"),
        Relax::Spread => format!("let the topology spread constraint say ScheduleAnyway, or raise maxSkew (then {such} fits)"),
        Relax::HostPorts => format!("free or change the host port (then {such} fits)"),
        Relax::Devices => say_devices(run, pod),
    }
}

/// What would make one pending pod fit: each sentence is enough by itself.
pub fn of_pod(run: &Run, profile: &Profile, pod: &Pod) -> Vec<String> {
    if !pod.gates.is_empty() {
        return vec![format!("remove the scheduling gates {}", pod.gates.join(", "))];
    }
    let alone: Vec<String> = ALL
        .iter()
        .filter_map(|relax| {
            let nodes = feasible(run, profile, &relaxed(pod, &[*relax]));
            (!nodes.is_empty()).then(|| say(run, *relax, pod, &nodes))
        })
        .filter(|text| !text.is_empty())
        .collect();
    if !alone.is_empty() {
        return alone;
    }
    // Nothing alone is enough: give up everything, then take back what need not be given up.
    let mut give_up = ALL.to_vec();
    if feasible(run, profile, &relaxed(pod, &give_up)).is_empty() {
        return Vec::new();
    }
    for relax in ALL {
        let fewer: Vec<Relax> = give_up.iter().copied().filter(|r| *r != relax).collect();
        if !feasible(run, profile, &relaxed(pod, &fewer)).is_empty() {
            give_up = fewer;
        }
    }
    let nodes = feasible(run, profile, &relaxed(pod, &give_up));
    vec![give_up.iter().map(|r| say(run, *r, pod, &nodes)).collect::<Vec<_>>().join("; and ")]
}

/// Advice for the pending pods of a run, once for each kind of pod: the workload and a sentence.
pub fn advice(run: &Run, profiles: &Profiles) -> Vec<(String, String)> {
    let mut out = Vec::new();
    if run.cluster.nodes.len() > MAX_NODES {
        return out;
    }
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    for (pod, node) in run.pods.iter().zip(&run.placement) {
        let gone = run.victims.contains(&(pod.namespace.clone(), pod.name.clone()));
        if node.is_some() || gone || seen.len() >= MAX_SHAPES || !seen.insert(Arc::as_ptr(&pod.shape) as usize) {
            continue;
        }
        let Some(profile) = profiles.get(&pod.scheduler_name) else { continue };
        let (kind, name) = workload_of(pod);
        let workload = format!("{kind}/{name}");
        out.extend(of_pod(run, profile, pod).into_iter().map(|text| (workload.clone(), text)));
    }
    out
}
