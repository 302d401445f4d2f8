//! The cluster that a set describes by its Node objects, and which pods its nodes take by their own merits. Rules use it
//! to say *which field* keeps a pod from every node; the order and the interplay of pods is the simulation's.

use std::collections::BTreeMap;

use super::amount;
use super::context::Context;
use super::context::Pod;
use super::context::Role;
use super::field::Field;
use super::field::Place;
use super::labels;

/// A node of the set.
pub(super) struct Node<'a> {
    /// The object.
    pub(super) field: Field<'a>,
    /// Its labels.
    pub(super) labels: labels::Labels<'a>,
}

impl<'a> Node<'a> {
    /// How much of a resource the node has. A snapshot that does not tell of one that every node has says nothing.
    fn allocatable(&self, resource: &str) -> i128 {
        let list = self.field.get("status.allocatable").or_else(|| self.field.get("status.capacity"));
        let told = list.and_then(|l| l.key(resource)).and_then(|f| amount::of(&f));
        let always = matches!(resource, "cpu" | "memory" | "ephemeral-storage");
        told.unwrap_or(if always { i128::MAX } else { 0 })
    }

    fn taints(&self) -> Vec<Field<'a>> {
        self.field.items("spec.taints").into_iter().filter(|t| matches!(t.text("effect"), Some("NoSchedule" | "NoExecute"))).collect()
    }
}

/// The nodes of the set; none when it describes no cluster.
pub(super) fn nodes<'a>(cx: &Context<'a>) -> Vec<Node<'a>> {
    cx.all("Node").into_iter().map(|field| Node { labels: labels::labels(&field, "metadata.labels"), field }).collect()
}

/// Whether a pod's selector and required affinity let it on a node. upstream: component-helpers nodeaffinity
pub(super) fn selects(pod: &Pod, node: &Node) -> bool {
    let pairs = pod.spec.entries("nodeSelector");
    if !pairs.iter().all(|(k, v)| node.labels.get(k).copied() == v.str()) {
        return false;
    }
    match pod.spec.get("affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution") {
        Some(required) => selected_by(&required, node),
        None => true,
    }
}

/// Whether one of the terms of a node selector matches a node.
pub(super) fn selected_by(required: &Field, node: &Node) -> bool {
    let terms = required.items("nodeSelectorTerms");
    terms.iter().any(|term| {
        let expressions = term.items("matchExpressions");
        let fields = term.items("matchFields");
        let name = node.field.object.id.name.as_str();
        !(expressions.is_empty() && fields.is_empty())
            && expressions.iter().all(|e| e.text("key").is_some_and(|k| holds(e, node.labels.get(k).copied())))
            && fields.iter().all(|e| e.text("key") == Some("metadata.name") && holds(e, Some(name)))
    })
}

fn holds(expression: &Field, have: Option<&str>) -> bool {
    let values = expression.items("values");
    let among = values.iter().any(|v| v.str().is_some() && v.str() == have);
    let number = |t: Option<&str>| t.and_then(|t| t.parse::<i64>().ok());
    let bound = number(values.first().and_then(|v| v.str()));
    match expression.text("operator") {
        Some("In") => have.is_some() && among,
        Some("NotIn") => !among,
        Some("Exists") => have.is_some(),
        Some("DoesNotExist") => have.is_none(),
        Some("Gt") => number(have).zip(bound).is_some_and(|(h, b)| h > b),
        Some("Lt") => number(have).zip(bound).is_some_and(|(h, b)| h < b),
        _ => false,
    }
}

/// The first taint of a node that a pod does not tolerate. upstream: component-helpers FindMatchingUntoleratedTaint
pub(super) fn untolerated<'a>(pod: &Pod, node: &Node<'a>) -> Option<Field<'a>> {
    let tolerations = pod.spec.items("tolerations");
    // DaemonSets tolerate what the node controller sets.
    let daemon = |t: &Field| pod.kind() == "DaemonSet" && t.text("key").is_some_and(|k| k.starts_with("node.kubernetes.io/"));
    node.taints().into_iter().find(|taint| {
        !daemon(taint)
            && !tolerations.iter().any(|t| {
                let effect = t.text("effect").unwrap_or("");
                let key = t.text("key").unwrap_or("");
                let exists = t.text("operator") == Some("Exists");
                (effect.is_empty() || Some(effect) == taint.text("effect"))
                    && (key.is_empty() && exists || Some(key) == taint.text("key"))
                    && (exists || t.text("value").unwrap_or("") == taint.text("value").unwrap_or(""))
            })
    })
}

/// The nodes a pod may be on as far as selectors and taints go.
pub(super) fn eligible<'n, 'a>(pod: &Pod, nodes: &'n [Node<'a>]) -> Vec<&'n Node<'a>> {
    nodes.iter().filter(|n| !n.field.is_true("spec.unschedulable") && selects(pod, n) && untolerated(pod, n).is_none()).collect()
}

/// The field that gives a container's request of a resource, and the amount.
pub(super) fn request<'a>(container: &Field<'a>, resource: &str) -> Option<(Field<'a>, i128)> {
    let of = |list: &str| {
        let field = container.get(&format!("resources.{list}"))?.key(resource)?;
        let amount = amount::of(&field)?;
        Some((field, amount))
    };
    of("requests").or_else(|| of("limits"))
}

/// All resources a pod's containers name.
fn resources<'a>(pod: &Pod<'a>) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for container in &pod.containers {
        for list in ["resources.requests", "resources.limits"] {
            names.extend(container.field.entries(list).into_iter().map(|(k, _)| k));
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// What a pod asks for, in thousandths. upstream: component-helpers resource PodRequests
pub(super) fn requests<'a>(pod: &Pod<'a>) -> BTreeMap<&'a str, i128> {
    let mut out = BTreeMap::new();
    for resource in resources(pod) {
        let (mut running, mut sidecars, mut peak) = (0, 0, 0);
        for container in &pod.containers {
            let amount = request(&container.field, resource).map_or(0, |(_, a)| a);
            match container.role {
                Role::Main => running += amount,
                Role::Sidecar => {
                    sidecars += amount;
                    peak = peak.max(sidecars);
                }
                Role::Init => peak = peak.max(sidecars + amount),
                Role::Ephemeral => {}
            }
        }
        out.insert(resource, (running + sidecars).max(peak));
    }
    out
}

/// How many of these pods a node takes when it is empty.
pub(super) fn fits(pod: &Pod, node: &Node) -> i128 {
    let mut count = match node.allocatable("pods") {
        0 => 110,
        pods => pods / 1000,
    };
    for (resource, amount) in requests(pod) {
        if amount > 0 {
            count = count.min(node.allocatable(resource) / amount);
        }
    }
    let ports = pod.containers.iter().any(|c| c.field.items("ports").iter().any(|p| p.has("hostPort")));
    if ports || pod.spec.is_true("hostNetwork") && !pod.ports().is_empty() || keeps_away(pod, "kubernetes.io/hostname") {
        count = count.min(1);
    }
    count
}

/// Whether a pod must not share a domain with another of its kind.
pub(super) fn keeps_away(pod: &Pod, topology: &str) -> bool {
    let terms = pod.spec.items("affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution");
    terms
        .iter()
        .any(|t| t.text("topologyKey") == Some(topology) && t.get("labelSelector").is_some_and(|s| labels::matches(&s, &pod.labels)))
}

/// Why no node takes even one pod: the place to change, and the sentence.
pub(super) enum Blocked<'a> {
    /// A request is larger than every node.
    Request(Place<'a>, String),
    /// No node has the wanted labels.
    Selector(Place<'a>, String),
    /// All nodes with the wanted labels have taints.
    Taint(Place<'a>, String),
}

impl<'a> Blocked<'a> {
    /// The place and the sentence.
    pub(super) fn parts(self) -> (Place<'a>, String) {
        match self {
            Self::Request(p, m) | Self::Selector(p, m) | Self::Taint(p, m) => (p, m),
        }
    }
}

/// Why no node takes a pod; `None` when one does, or when the set has no nodes.
pub(super) fn blocked<'a>(pod: &Pod<'a>, nodes: &[Node]) -> Option<Blocked<'a>> {
    let count = nodes.len();
    if nodes.is_empty() || pod.spec.has("nodeName") {
        return None;
    }
    if !nodes.iter().any(|n| selects(pod, n)) {
        let pairs = pod.spec.entries("nodeSelector");
        let wrong: Vec<_> = pairs.into_iter().filter(|(k, v)| !nodes.iter().any(|n| n.labels.get(k).copied() == v.str())).collect();
        let place = match wrong.as_slice() {
            [(_, field), ..] => Place::from(field),
            [] if pod.spec.has("affinity.nodeAffinity") => pod.spec.place("affinity.nodeAffinity"),
            [] => pod.spec.place("nodeSelector"),
        };
        return Some(Blocked::Selector(place, format!("0/{count} nodes have the labels that the pod asks for")));
    }
    let chosen: Vec<&Node> = nodes.iter().filter(|n| selects(pod, n)).collect();
    let taints: Vec<Field> = chosen.iter().filter_map(|n| untolerated(pod, n)).collect();
    if taints.len() == chosen.len() {
        let key = taints.first().and_then(|t| t.text("key")).unwrap_or("");
        let message = format!("0/{count} nodes are without a taint that the pod does not tolerate, such as `{key}`");
        return Some(Blocked::Taint(pod.spec.place("tolerations"), message));
    }
    let open: Vec<&&Node> = chosen.iter().filter(|n| untolerated(pod, n).is_none()).collect();
    for (resource, amount) in requests(pod) {
        let most = open.iter().map(|n| n.allocatable(resource)).max().unwrap_or(0);
        if amount > most {
            let largest = pod.containers.iter().filter_map(|c| request(&c.field, resource)).max_by_key(|(_, a)| *a);
            let place = largest.map_or_else(|| pod.spec.place("containers"), |(f, _)| Place::from(f));
            return Some(Blocked::Request(place, format!("0/{count} nodes have as much {resource} as the pod asks for")));
        }
    }
    None
}

/// How many of these pods the nodes take.
pub(super) fn capacity(pod: &Pod, nodes: &[&Node]) -> i128 {
    nodes.iter().map(|n| fits(pod, n)).sum()
}

/// How many pods a rolling update may take away and add, rounded as the controller does.
pub(super) fn rolling(object: &Field, replicas: i64) -> (i64, i64) {
    let of = |name: &str, up: bool| {
        let field = object.get(&format!("spec.strategy.rollingUpdate.{name}"));
        field.map_or_else(|| if up { (replicas + 3) / 4 } else { replicas / 4 }, |f| amount::scaled(&f, replicas, up).unwrap_or(0))
    };
    let (mut away, surge) = (of("maxUnavailable", false), of("maxSurge", true));
    if away == 0 && surge == 0 {
        away = 1;
    }
    (away, surge)
}
