//! Pods and nodes as the scheduler sees them, read once from their JSON form.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::json::{at, int, list, name, namespace, strings, text, words};
use super::resource::{PodRequests, Resource, pod_requests, value};
use super::selector::{Labels, NodeSelectorTerm, Operator, Requirement, Selector, node_selector};

/// Marks pods that a kubelet made from a file.
pub const MIRROR: &str = "kubernetes.io/config.mirror";

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value, often empty.
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

impl Taint {
    /// From its JSON form.
    pub fn new(v: &Value) -> Self {
        Self { key: text(v, &["key"]).to_owned(), value: super::json::scalar(at(v, &["value"])), effect: text(v, &["effect"]).to_owned() }
    }
}

/// A toleration of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toleration {
    /// Empty: every key.
    pub key: String,
    /// Empty means `Equal`.
    pub operator: String,
    /// The value for `Equal`.
    pub value: String,
    /// Empty: every effect.
    pub effect: String,
    /// How long a `NoExecute` taint is tolerated; `None` is for ever.
    pub seconds: Option<i64>,
}

impl Toleration {
    /// From its JSON form.
    pub fn new(v: &Value) -> Self {
        let get = |key: &str| text(v, &[key]).to_owned();
        let seconds = int(v, &["tolerationSeconds"]);
        Self { key: get("key"), operator: get("operator"), value: get("value"), effect: get("effect"), seconds }
    }
}

/// A term of pod (anti-)affinity.
#[derive(Clone, Debug)]
pub struct AffinityTerm {
    /// On the labels of other pods.
    pub selector: Selector,
    /// The namespaces named, or the pod's own.
    pub namespaces: BTreeSet<String>,
    /// On the labels of namespaces.
    pub namespace_selector: Selector,
    /// Which nodes count as one place.
    pub topology_key: String,
}

impl AffinityTerm {
    fn new(term: &Value, pod_namespace: &str, labels: &Labels) -> Self {
        let mut selector = Selector::new(at(term, &["labelSelector"]));
        for (field, operator) in [("matchLabelKeys", Operator::In), ("mismatchLabelKeys", Operator::NotIn)] {
            for key in words(term, &[field]) {
                if let Some(v) = labels.get(&key) {
                    selector.add(Requirement { key, operator: Some(operator), values: vec![v.clone()] });
                }
            }
        }
        let mut namespaces: BTreeSet<String> = words(term, &["namespaces"]).into_iter().collect();
        let namespace_selector = Selector::new(at(term, &["namespaceSelector"]));
        if namespaces.is_empty() && namespace_selector == Selector::Nothing {
            namespaces.insert(pod_namespace.to_owned());
        }
        Self { selector, namespaces, namespace_selector, topology_key: text(term, &["topologyKey"]).to_owned() }
    }

    /// Whether a pod is one the term speaks of; `namespace_labels` are those of the pod's namespace.
    pub fn matches(&self, pod: &PodShape, namespace_labels: &Labels) -> bool {
        (self.namespaces.contains(&pod.namespace) || self.namespace_selector.matches(namespace_labels))
            && self.selector.matches(&pod.labels)
    }
}

/// A preferred term and what it is worth.
#[derive(Clone, Debug)]
pub struct Weighted<T> {
    /// 1 to 100.
    pub weight: i64,
    /// The term.
    pub term: T,
}

/// A constraint on how pods spread.
#[derive(Clone, Debug)]
pub struct SpreadConstraint {
    /// The difference allowed.
    pub max_skew: i64,
    /// Which nodes count as one place.
    pub topology_key: String,
    /// Whether it filters (`DoNotSchedule`) or only scores.
    pub hard: bool,
    /// The pods counted.
    pub selector: Selector,
    /// Fewer places than this count as having an empty one.
    pub min_domains: i64,
    /// Whether nodes the pod may not use by affinity are left out.
    pub honor_affinity: bool,
    /// Whether nodes the pod does not tolerate are left out.
    pub honor_taints: bool,
}

impl SpreadConstraint {
    /// From its JSON form, for a pod with these labels.
    pub fn new(v: &Value, labels: &Labels) -> Self {
        let mut selector = Selector::new(at(v, &["labelSelector"]));
        for key in words(v, &["matchLabelKeys"]) {
            if let Some(value) = labels.get(&key) {
                selector.add(Requirement::is_in(&key, vec![value.clone()]));
            }
        }
        Self {
            max_skew: int(v, &["maxSkew"]).unwrap_or(1),
            topology_key: text(v, &["topologyKey"]).to_owned(),
            hard: text(v, &["whenUnsatisfiable"]) != "ScheduleAnyway",
            selector,
            min_domains: int(v, &["minDomains"]).unwrap_or(1),
            honor_affinity: text(v, &["nodeAffinityPolicy"]) != "Ignore",
            honor_taints: text(v, &["nodeTaintsPolicy"]) == "Honor",
        }
    }
}

/// A port of the node that a pod occupies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPort {
    /// `0.0.0.0` is every address.
    pub ip: String,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// The port.
    pub port: i64,
}

impl HostPort {
    /// Whether both cannot be on one node. upstream: HostPortInfo.CheckConflict
    pub fn conflicts(&self, other: &Self) -> bool {
        let any = "0.0.0.0";
        self.port == other.port && self.protocol == other.protocol && (self.ip == other.ip || self.ip == any || other.ip == any)
    }
}

/// The controller of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Owner {
    /// Such as `ReplicaSet`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// What pods made from one template have in common: all that matters for placing them but their names.
#[derive(Clone, Debug, Default)]
pub struct PodShape {
    /// Its namespace.
    pub namespace: String,
    /// Its labels.
    pub labels: Labels,
    /// Its controller.
    pub owner: Option<Owner>,
    /// Which scheduler places it.
    pub scheduler_name: String,
    /// Priority.
    pub priority: i64,
    /// Whether `preemptionPolicy` is `Never`.
    pub never_preempts: bool,
    /// Names of its scheduling gates.
    pub gates: Vec<String>,
    /// What it asks for.
    pub requests: Resource,
    /// The same with defaults, for scoring.
    pub non_zero: Resource,
    /// The same while it is not placed yet, for the score of NodeResourcesFit.
    pub incoming: Resource,
    /// Images of init containers and containers.
    pub images: Vec<String>,
    /// Images of image volumes.
    pub volume_images: Vec<String>,
    /// Ports of the node it occupies.
    pub host_ports: Vec<HostPort>,
    /// `nodeSelector`; `None` when absent.
    pub node_selector: Option<Selector>,
    /// Required node affinity.
    pub node_affinity: Option<Vec<NodeSelectorTerm>>,
    /// Preferred node affinity.
    pub preferred_nodes: Vec<Weighted<NodeSelectorTerm>>,
    /// What it tolerates.
    pub tolerations: Vec<Toleration>,
    /// Required pod affinity.
    pub affinity: Vec<AffinityTerm>,
    /// Required pod anti-affinity.
    pub anti_affinity: Vec<AffinityTerm>,
    /// Preferred pod affinity.
    pub preferred_affinity: Vec<Weighted<AffinityTerm>>,
    /// Preferred pod anti-affinity.
    pub preferred_anti_affinity: Vec<Weighted<AffinityTerm>>,
    /// Its own spread constraints.
    pub spread: Vec<SpreadConstraint>,
}

/// A claim for devices that a pod names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodClaim {
    /// Its name in the pod.
    pub name: String,
    /// The ResourceClaim; `None` when it is not known.
    pub claim: Option<String>,
    /// Whether the claim is made from a template, for this pod alone.
    pub from_template: bool,
    /// The template it is made from; empty for none.
    pub template: String,
    /// Whether the pod's status tells that none is needed.
    pub skipped: bool,
}

fn device_claims(object: &Value) -> Arc<[PodClaim]> {
    let read = |wanted: &Value| {
        let own = text(wanted, &["name"]);
        let template = text(wanted, &["resourceClaimTemplateName"]);
        let told = list(object, &["status", "resourceClaimStatuses"]).iter().find(|s| text(s, &["name"]) == own);
        let direct = text(wanted, &["resourceClaimName"]);
        let made = told.map_or("", |s| text(s, &["resourceClaimName"]));
        let claim = if direct.is_empty() { made } else { direct };
        PodClaim {
            name: own.to_owned(),
            claim: (!claim.is_empty()).then(|| claim.to_owned()),
            from_template: direct.is_empty() && !template.is_empty(),
            template: template.to_owned(),
            skipped: told.is_some() && made.is_empty(),
        }
    };
    list(object, &["spec", "resourceClaims"]).iter().map(read).collect()
}

/// A pod.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// The workload in the user's input that it comes from: kind and name; itself for a bare pod.
    pub source: Arc<Owner>,
    /// Which of the input's objects it comes from.
    pub input: usize,
    /// Where it runs already; empty for a pending pod.
    pub node_name: String,
    /// The node that preemption made room on before; empty for none.
    pub nominated: String,
    /// Whether it is being deleted.
    pub terminating: bool,
    /// Whether it is told not to be ready.
    pub unready: bool,
    /// Whether a kubelet made it from a file: nobody else can take it away.
    pub mirror: bool,
    /// When it started, as RFC 3339 text; empty when not told.
    pub start_time: String,
    /// Its place in the order of arrival; of pods that do not tell when they started, the later is the younger.
    pub arrival: usize,
    /// Volumes, as written, without those of configuration, which every node can make.
    pub volumes: Arc<[Value]>,
    /// Its claims for devices.
    pub device_claims: Arc<[PodClaim]>,
    /// What it shares with the other pods of its template.
    pub shape: Arc<PodShape>,
}

impl std::ops::Deref for Pod {
    type Target = PodShape;

    fn deref(&self) -> &PodShape {
        &self.shape
    }
}

impl PodShape {
    /// Reads a pod that admission has already completed.
    pub fn new(object: &Value) -> Self {
        let spec = at(object, &["spec"]);
        let labels = strings(object, &["metadata", "labels"]);
        let own_namespace = namespace(object);
        let terms = |kind: &str| -> Vec<AffinityTerm> {
            list(spec, &["affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution"])
                .iter()
                .map(|t| AffinityTerm::new(t, &own_namespace, &labels))
                .collect()
        };
        let preferred = |kind: &str| -> Vec<Weighted<AffinityTerm>> {
            list(spec, &["affinity", kind, "preferredDuringSchedulingIgnoredDuringExecution"])
                .iter()
                .map(|t| Weighted {
                    weight: int(t, &["weight"]).unwrap_or(0),
                    term: AffinityTerm::new(at(t, &["podAffinityTerm"]), &own_namespace, &labels),
                })
                .collect()
        };
        let PodRequests { requests, non_zero, incoming } = pod_requests(spec);
        let containers = || list(spec, &["initContainers"]).iter().chain(list(spec, &["containers"]));
        let owner = list(object, &["metadata", "ownerReferences"])
            .iter()
            .find(|o| at(o, &["controller"]).as_bool() == Some(true))
            .map(|o| Owner { kind: text(o, &["kind"]).to_owned(), name: text(o, &["name"]).to_owned() });
        let scheduler_name = match text(spec, &["schedulerName"]) {
            "" => "default-scheduler",
            other => other,
        };
        Self {
            owner,
            scheduler_name: scheduler_name.to_owned(),
            priority: int(spec, &["priority"]).unwrap_or(0),
            never_preempts: text(spec, &["preemptionPolicy"]) == "Never",
            gates: list(spec, &["schedulingGates"]).iter().map(|g| text(g, &["name"]).to_owned()).collect(),
            requests,
            non_zero,
            incoming,
            images: containers().map(|c| text(c, &["image"]).to_owned()).collect(),
            volume_images: list(spec, &["volumes"])
                .iter()
                .filter(|v| at(v, &["image"]).is_object())
                .map(|v| text(v, &["image", "reference"]).to_owned())
                .collect(),
            host_ports: host_ports(spec),
            node_selector: at(spec, &["nodeSelector"]).is_object().then(|| Selector::from_labels(&strings(spec, &["nodeSelector"]))),
            node_affinity: node_selector(at(spec, &["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"])),
            preferred_nodes: list(spec, &["affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"])
                .iter()
                .map(|t| Weighted { weight: int(t, &["weight"]).unwrap_or(0), term: NodeSelectorTerm::new(at(t, &["preference"])) })
                .collect(),
            tolerations: list(spec, &["tolerations"]).iter().map(Toleration::new).collect(),
            affinity: terms("podAffinity"),
            anti_affinity: terms("podAntiAffinity"),
            preferred_affinity: preferred("podAffinity"),
            preferred_anti_affinity: preferred("podAntiAffinity"),
            spread: list(spec, &["topologySpreadConstraints"]).iter().map(|c| SpreadConstraint::new(c, &labels)).collect(),
            labels,
            namespace: own_namespace,
        }
    }

    /// Whether a node satisfies node selector and required node affinity.
    pub fn may_use(&self, node: &Node) -> bool {
        self.node_selector.as_ref().is_none_or(|s| s.matches(&node.labels))
            && self.node_affinity.as_ref().is_none_or(|terms| terms.iter().any(|t| t.matches(node)))
    }

    /// Whether it has any term of pod (anti-)affinity.
    pub fn has_affinity(&self) -> bool {
        !(self.affinity.is_empty()
            && self.anti_affinity.is_empty()
            && self.preferred_affinity.is_empty()
            && self.preferred_anti_affinity.is_empty())
    }
}

/// Whether a volume is more than configuration.
fn matters(volume: &Value) -> bool {
    ["projected", "configMap", "secret", "downwardAPI"].iter().all(|kind| at(volume, &[kind]).is_null())
}

impl Pod {
    /// Reads a pod that admission has already completed.
    pub fn new(object: &Value, source: Owner, input: usize) -> Self {
        Self::with_shape(object, Arc::new(PodShape::new(object)), source, input)
    }

    /// As [`Pod::new`], when the shape is known.
    pub fn with_shape(object: &Value, shape: Arc<PodShape>, source: Owner, input: usize) -> Self {
        Self {
            name: name(object),
            source: Arc::new(source),
            input,
            node_name: text(object, &["spec", "nodeName"]).to_owned(),
            nominated: text(object, &["status", "nominatedNodeName"]).to_owned(),
            terminating: !at(object, &["metadata", "deletionTimestamp"]).is_null(),
            unready: list(object, &["status", "conditions"])
                .iter()
                .any(|c| text(c, &["type"]) == "Ready" && !matches!(text(c, &["status"]), "" | "True")),
            mirror: !at(object, &["metadata", "annotations", MIRROR]).is_null(),
            start_time: text(object, &["status", "startTime"]).to_owned(),
            arrival: 0,
            volumes: list(object, &["spec", "volumes"]).iter().filter(|v| matters(v)).cloned().collect(),
            device_claims: device_claims(object),
            shape,
        }
    }

    /// Another pod of the same template.
    #[must_use]
    pub fn named(&self, name: String) -> Self {
        Self { name, ..self.clone() }
    }

    /// The names of the claims of its volumes; generic ephemeral volumes have theirs made from the pod's name.
    pub fn claims(&self) -> Vec<(String, bool)> {
        let claim = |v: &Value| {
            if at(v, &["persistentVolumeClaim"]).is_object() {
                Some((text(v, &["persistentVolumeClaim", "claimName"]).to_owned(), false))
            } else if at(v, &["ephemeral"]).is_object() {
                Some((format!("{}-{}", self.name, text(v, &["name"])), true))
            } else {
                None
            }
        };
        self.volumes.iter().filter_map(claim).collect()
    }
}

/// The host ports of containers and restartable init containers. upstream: schedutil.GetHostPorts
fn host_ports(spec: &Value) -> Vec<HostPort> {
    let host_network = at(spec, &["hostNetwork"]).as_bool() == Some(true);
    let sidecars = list(spec, &["initContainers"]).iter().filter(|c| text(c, &["restartPolicy"]) == "Always");
    let mut out = Vec::new();
    for container in list(spec, &["containers"]).iter().chain(sidecars) {
        for port in list(container, &["ports"]) {
            let mut number = int(port, &["hostPort"]).unwrap_or(0);
            if number == 0 && host_network {
                number = int(port, &["containerPort"]).unwrap_or(0);
            }
            if number <= 0 {
                continue;
            }
            let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
            out.push(HostPort { ip: or(text(port, &["hostIP"]), "0.0.0.0"), protocol: or(text(port, &["protocol"]), "TCP"), port: number });
        }
    }
    out
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its taints.
    pub taints: Vec<Taint>,
    /// Whether it is cordoned.
    pub unschedulable: bool,
    /// What it offers.
    pub allocatable: Resource,
    /// Images it has: names and bytes.
    pub images: Vec<(Vec<String>, i64)>,
}

impl Node {
    /// From a Node object.
    pub fn new(object: &Value) -> Self {
        let status = at(object, &["status"]);
        let amounts = match at(status, &["allocatable"]) {
            Value::Object(map) if !map.is_empty() => at(status, &["allocatable"]),
            _ => at(status, &["capacity"]),
        };
        let taints = list(object, &["spec", "taints"]).iter().map(Taint::new).collect();
        let images =
            list(status, &["images"]).iter().map(|i| (words(i, &["names"]), value(&super::json::scalar(at(i, &["sizeBytes"]))))).collect();
        Self {
            name: name(object),
            labels: strings(object, &["metadata", "labels"]),
            taints,
            unschedulable: at(object, &["spec", "unschedulable"]).as_bool() == Some(true),
            allocatable: Resource::new(amounts),
            images,
        }
    }

    /// Region and zone, as the scheduler interleaves nodes by them. upstream: component-helpers/node/topology GetZoneKey
    pub fn zone_key(&self) -> String {
        let get = |old: &str, new: &str| self.labels.get(old).or_else(|| self.labels.get(new)).cloned().unwrap_or_default();
        let zone = get("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone");
        let region = get("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region");
        if zone.is_empty() && region.is_empty() { String::new() } else { format!("{region}:\0:{zone}") }
    }
}
