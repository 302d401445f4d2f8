//! What a pod asks for and may use, in exact quantities, and what follows: its QoS class and how the kernel ranks its
//! containers when memory runs out. upstream: component-helpers/resource, pkg/apis/core/v1/helper/qos, pkg/kubelet/qos

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::scheduler::json::{at, int, list, scalar, text};
use crate::kube::quantity;
use crate::kube::quantity::{Format, Quantity};

/// Amounts by resource, with the format each is written in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amounts(BTreeMap<String, (Quantity, Format)>);

impl Amounts {
    /// From a `ResourceList`; what is no quantity is left out.
    pub fn new(list: &Value) -> Self {
        let read = |(name, amount): (&String, &Value)| {
            let amount = scalar(amount);
            Some((name.clone(), (quantity::parse(&amount).ok()?, quantity::format_of(&amount))))
        };
        Self(list.as_object().into_iter().flatten().filter_map(read).collect())
    }

    /// The amount of a resource; zero when it is not there.
    pub fn get(&self, name: &str) -> Quantity {
        self.0.get(name).map_or_else(Quantity::default, |(q, _)| *q)
    }

    /// Adds amounts; a zero takes the format of what is added. upstream: addResourceList
    fn add(&mut self, other: &Self) {
        for (name, (more, format)) in &other.0 {
            match self.0.get_mut(name) {
                None => {
                    self.0.insert(name.clone(), (*more, *format));
                }
                Some((sum, own)) => {
                    if sum.nanos == 0 {
                        *own = *format;
                    }
                    sum.nanos = sum.nanos.saturating_add(more.nanos);
                }
            }
        }
    }

    /// Raises each amount to the other's where that is greater. upstream: maxResourceList
    fn max(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            let entry = self.0.entry(name.clone()).or_insert(*amount);
            if amount.0 > entry.0 {
                *entry = *amount;
            }
        }
    }

    /// As a `ResourceList` of canonical texts.
    pub fn to_json(&self) -> Value {
        let texts = self.0.iter().map(|(name, (q, format))| (name.clone(), Value::from(quantity::text(*q, *format))));
        Value::Object(texts.collect::<Map<_, _>>())
    }
}

/// Whether a resource can be given to a pod as a whole. upstream: IsSupportedPodLevelResource
fn of_pods(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")
}

/// Requests and limits of a container, a missing request being its limit (as the API server fills it in).
fn of_container(container: &Value) -> (Amounts, Amounts) {
    let limits = Amounts::new(at(container, &["resources", "limits"]));
    let mut requests = limits.clone();
    requests.0.extend(Amounts::new(at(container, &["resources", "requests"])).0);
    (requests, limits)
}

/// Whether a container is a sidecar: an init container that keeps running.
pub fn is_sidecar(init_container: &Value) -> bool {
    text(init_container, &["restartPolicy"]) == "Always"
}

/// upstream: AggregateContainerRequests, AggregateContainerLimits
fn aggregate(spec: &Value, of: impl Fn(&Value) -> Amounts) -> Amounts {
    let mut sum = Amounts::default();
    for container in list(spec, &["containers"]) {
        sum.add(&of(container));
    }
    let (mut sidecars, mut init) = (Amounts::default(), Amounts::default());
    for container in list(spec, &["initContainers"]) {
        let mut own = of(container);
        if is_sidecar(container) {
            sum.add(&own);
            sidecars.add(&own);
            init.max(&sidecars);
        } else {
            own.add(&sidecars);
            init.max(&own);
        }
    }
    sum.max(&init);
    sum
}

/// Requests and limits of the pod as a whole, completed as the API server does; `None` when the pod has none.
/// upstream: pkg/apis/core/v1/defaults.go defaultHugePagePodLimits, defaultPodRequests
fn of_pod(spec: &Value) -> Option<(Amounts, Amounts)> {
    let resources = at(spec, &["resources"]);
    if !resources.is_object() {
        return None;
    }
    let mut requests = Amounts::new(at(resources, &["requests"]));
    let mut limits = Amounts::new(at(resources, &["limits"]));
    if !(requests.0.is_empty() && limits.0.is_empty()) {
        for (name, amount) in aggregate(spec, |c| of_container(c).1).0 {
            if name.starts_with("hugepages-") && !requests.0.contains_key(&name) {
                limits.0.entry(name).or_insert(amount);
            }
        }
    }
    if !limits.0.is_empty() {
        for (name, amount) in aggregate(spec, |c| of_container(c).0).0 {
            if matches!(name.as_str(), "cpu" | "memory") {
                requests.0.entry(name).or_insert(amount);
            }
        }
        for (name, amount) in limits.0.iter().filter(|(name, _)| of_pods(name)) {
            requests.0.entry(name.clone()).or_insert(*amount);
        }
    }
    Some((requests, limits))
}

/// What a pod asks for. upstream: PodRequests
pub fn requests(spec: &Value) -> Amounts {
    let mut out = aggregate(spec, |c| of_container(c).0);
    out.0.extend(of_pod(spec).into_iter().flat_map(|(requests, _)| requests.0).filter(|(name, _)| of_pods(name)));
    out.add(&Amounts::new(at(spec, &["overhead"])));
    out
}

/// What a pod may use; a resource without any limit is left out. upstream: PodLimits
pub fn limits(spec: &Value) -> Amounts {
    let mut out = aggregate(spec, |c| of_container(c).1);
    out.0.extend(of_pod(spec).into_iter().flat_map(|(_, limits)| limits.0).filter(|(name, _)| of_pods(name)));
    for (name, (more, _)) in Amounts::new(at(spec, &["overhead"])).0 {
        if let Some((limit, _)) = out.0.get_mut(&name).filter(|(limit, _)| limit.nanos != 0) {
            limit.nanos = limit.nanos.saturating_add(more.nanos);
        }
    }
    out
}

/// How well a pod is served when a node runs out of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Qos {
    /// Limits equal requests everywhere.
    Guaranteed,
    /// Something is asked for.
    Burstable,
    /// Nothing is asked for.
    BestEffort,
}

impl Qos {
    /// As in `status.qosClass`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guaranteed => "Guaranteed",
            Self::Burstable => "Burstable",
            Self::BestEffort => "BestEffort",
        }
    }
}

/// The QoS class of a pod's spec. upstream: ComputePodQOS
pub fn qos(spec: &Value) -> Qos {
    let counted = |amounts: Amounts| -> BTreeMap<String, Quantity> {
        let positive = amounts.0.into_iter().filter(|(name, (q, _))| matches!(name.as_str(), "cpu" | "memory") && q.nanos > 0);
        positive.map(|(name, (q, _))| (name, q)).collect()
    };
    let parts: Vec<(Amounts, Amounts)> = match of_pod(spec) {
        Some(both) => vec![both],
        None => list(spec, &["containers"]).iter().chain(list(spec, &["initContainers"])).map(of_container).collect(),
    };
    let (mut requests, mut limits) = (BTreeMap::<String, i128>::new(), BTreeMap::<String, i128>::new());
    let mut guaranteed = true;
    for (asked, allowed) in parts {
        let allowed = counted(allowed);
        // A pod whose whole has only requests is judged by the comparison below alone.
        guaranteed &= allowed.len() == 2 || (allowed.is_empty() && at(spec, &["resources"]).is_object());
        counted(asked).into_iter().for_each(|(name, q)| *requests.entry(name).or_default() += q.nanos);
        allowed.into_iter().for_each(|(name, q)| *limits.entry(name).or_default() += q.nanos);
    }
    match (requests.is_empty() && limits.is_empty(), guaranteed && requests == limits) {
        (true, _) => Qos::BestEffort,
        (false, true) => Qos::Guaranteed,
        (false, false) => Qos::Burstable,
    }
}

/// Whether the kubelet keeps a pod at any price. upstream: IsNodeCriticalPod
fn is_node_critical(pod: &Value) -> bool {
    let source = text(pod, &["metadata", "annotations", "kubernetes.io/config.source"]);
    let mirror = !at(pod, &["metadata", "annotations", "kubernetes.io/config.mirror"]).is_null();
    let important = int(pod, &["spec", "priority"]).is_some_and(|p| p >= 2_000_000_000);
    let critical = mirror || important || !matches!(source, "" | "api");
    critical && text(pod, &["spec", "priorityClassName"]) == "system-node-critical"
}

/// The `oom_score_adj` of a pod's container on a node with this much memory: the higher, the sooner it is killed.
/// upstream: GetContainerOOMScoreAdjust
pub fn oom_score_adj(pod: &Value, container: &Value, memory_capacity: i64) -> i64 {
    const GUARANTEED: i64 = -997;
    const BEST_EFFORT: i64 = 1000;
    let spec = at(pod, &["spec"]);
    if is_node_critical(pod) {
        return GUARANTEED;
    }
    match qos(spec) {
        Qos::Guaranteed => return GUARANTEED,
        Qos::BestEffort => return BEST_EFFORT,
        Qos::Burstable => {}
    }
    let memory = |c: &Value| of_container(c).0.get("memory").value();
    let (regular, init) = (list(spec, &["containers"]), list(spec, &["initContainers"]));
    // What the pod asks for beyond its containers is shared by all of them.
    let whole = of_pod(spec).map_or_else(Quantity::default, |(requests, _)| requests.get("memory")).value();
    let share = match whole {
        0 => 0,
        whole => (whole - aggregate(spec, |c| of_container(c).0).get("memory").value()) / ((regular.len() + init.len()).max(1) as i64),
    };
    let capacity = i128::from(memory_capacity.max(1));
    let score = |bytes: i64| (1000 - 1000 * i128::from(bytes.saturating_add(share)) / capacity) as i64;
    let mut adjust = score(memory(container));
    // A sidecar outlives the containers it serves.
    if is_sidecar(container) && init.iter().any(|c| text(c, &["name"]) == text(container, &["name"])) {
        adjust = adjust.min(score(regular.iter().map(memory).min().unwrap_or(0)));
    }
    match adjust {
        low if low < BEST_EFFORT + GUARANTEED => BEST_EFFORT + GUARANTEED,
        BEST_EFFORT => BEST_EFFORT - 1,
        other => other,
    }
}
