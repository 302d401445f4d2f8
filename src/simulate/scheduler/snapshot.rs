//! What the scheduler knows at the start of a cycle: nodes with their pods, and the other objects plugins read.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::api::{HostPort, Node, Pod, PodShape};
use super::devices::Slices;
use super::json::{at, name, namespace, strings, text};
use super::resource::Resource;
use super::selector::{Labels, Selector};

/// A node and the sums over its pods. upstream: pkg/scheduler/framework/types.go NodeInfo
#[derive(Clone, Debug)]
pub struct NodeInfo {
    /// The node.
    pub node: Arc<Node>,
    /// Its pods in the order they came.
    pub pods: Vec<Arc<Pod>>,
    /// What its pods ask for.
    pub requested: Resource,
    /// The same with defaults, for scoring.
    pub non_zero: Resource,
    /// Its place in the snapshot.
    pub index: usize,
}

impl NodeInfo {
    /// A node without pods.
    pub fn new(node: Node) -> Self {
        Self { node: Arc::new(node), pods: Vec::new(), requested: Resource::default(), non_zero: Resource::default(), index: 0 }
    }

    /// Adds a pod.
    pub fn add_pod(&mut self, pod: &Arc<Pod>) {
        self.requested.add(&pod.requests);
        self.non_zero.add(&pod.non_zero);
        self.pods.push(Arc::clone(pod));
    }

    /// Removes a pod that is there.
    pub fn remove_pod(&mut self, pod: &Pod) {
        let Some(i) = self.pods.iter().position(|p| p.name == pod.name && p.namespace == pod.namespace) else { return };
        let gone = self.pods.remove(i);
        self.requested.sub(&gone.requests);
        self.non_zero.sub(&gone.non_zero);
    }

    /// Whether any of these ports is taken.
    pub fn port_conflict(&self, ports: &[HostPort]) -> bool {
        ports.iter().any(|want| self.pods.iter().flat_map(|p| &p.host_ports).any(|used| used.conflicts(want)))
    }
}

/// The key of a namespaced object.
pub type Key = (String, String);

/// The objects beside nodes and pods that plugins look up.
#[derive(Clone, Debug, Default)]
pub struct Listers {
    /// Selectors of Services (those without one are left out).
    pub services: BTreeMap<Key, Labels>,
    /// Selectors of ReplicaSets, ReplicationControllers and StatefulSets by kind and key.
    pub workloads: BTreeMap<(String, Key), Selector>,
    /// PersistentVolumeClaims.
    pub claims: BTreeMap<Key, Value>,
    /// PersistentVolumes.
    pub volumes: BTreeMap<String, Value>,
    /// StorageClasses.
    pub classes: BTreeMap<String, Value>,
    /// CSINodes.
    pub csi_nodes: BTreeMap<String, Value>,
    /// CSIDrivers.
    pub csi_drivers: BTreeMap<String, Value>,
    /// CSIStorageCapacities.
    pub csi_capacities: Vec<Value>,
    /// VolumeAttachments.
    pub attachments: Vec<Value>,
    /// PodDisruptionBudgets.
    pub budgets: Vec<Value>,
    /// Labels of Namespaces.
    pub namespaces: BTreeMap<String, Labels>,
    /// DeviceClasses.
    pub device_classes: BTreeMap<String, Value>,
    /// ResourceClaims.
    pub device_claims: BTreeMap<Key, Value>,
    /// ResourceClaimTemplates.
    pub claim_templates: BTreeMap<Key, Value>,
    /// What ResourceSlices publish.
    pub slices: Slices,
}

impl Listers {
    /// Takes in an object of a kind that plugins read; others are ignored.
    pub fn add(&mut self, object: &Value) {
        let key = (namespace(object), name(object));
        match text(object, &["kind"]) {
            "Service" if at(object, &["spec", "selector"]).is_object() => {
                self.services.insert(key, strings(object, &["spec", "selector"]));
            }
            "ReplicationController" => {
                let labels = strings(object, &["spec", "selector"]);
                self.workloads.insert(("ReplicationController".to_owned(), key), Selector::from_labels(&labels));
            }
            kind @ ("ReplicaSet" | "StatefulSet") => {
                self.workloads.insert((kind.to_owned(), key), Selector::new(at(object, &["spec", "selector"])));
            }
            "PersistentVolumeClaim" => {
                self.claims.insert(key, object.clone());
            }
            "PersistentVolume" => {
                self.volumes.insert(key.1, object.clone());
            }
            "StorageClass" => {
                self.classes.insert(key.1, object.clone());
            }
            "CSINode" => {
                self.csi_nodes.insert(key.1, object.clone());
            }
            "CSIDriver" => {
                self.csi_drivers.insert(key.1, object.clone());
            }
            "CSIStorageCapacity" => self.csi_capacities.push(object.clone()),
            "VolumeAttachment" => self.attachments.push(object.clone()),
            "DeviceClass" => {
                self.device_classes.insert(key.1, object.clone());
            }
            "ResourceClaim" => {
                self.device_claims.insert(key, object.clone());
            }
            "ResourceClaimTemplate" => {
                self.claim_templates.insert(key, object.clone());
            }
            "ResourceSlice" => self.slices.add(object),
            "PodDisruptionBudget" => self.budgets.push(object.clone()),
            "Namespace" => {
                let mut labels = strings(object, &["metadata", "labels"]);
                labels.insert("kubernetes.io/metadata.name".to_owned(), key.1.clone());
                self.namespaces.insert(key.1, labels);
            }
            _ => {}
        }
    }

    /// Whether [`Listers::add`] takes in objects of this kind.
    pub fn takes(kind: &str) -> bool {
        Self::reads(kind)
            || matches!(
                kind,
                "CSIStorageCapacity" | "VolumeAttachment" | "DeviceClass" | "ResourceClaim" | "ResourceClaimTemplate" | "ResourceSlice"
            )
    }

    /// Whether an object of this kind is one that plugins read.
    pub fn reads(kind: &str) -> bool {
        matches!(
            kind,
            "Service"
                | "ReplicationController"
                | "ReplicaSet"
                | "StatefulSet"
                | "PersistentVolumeClaim"
                | "PersistentVolume"
                | "StorageClass"
                | "CSINode"
                | "CSIDriver"
                | "PodDisruptionBudget"
                | "Namespace"
        )
    }

    /// Forgets an object.
    pub fn remove(&mut self, object: &Value) {
        let key = (namespace(object), name(object));
        match text(object, &["kind"]) {
            "Service" => drop(self.services.remove(&key)),
            kind @ ("ReplicationController" | "ReplicaSet" | "StatefulSet") => drop(self.workloads.remove(&(kind.to_owned(), key))),
            "PersistentVolumeClaim" => drop(self.claims.remove(&key)),
            "PersistentVolume" => drop(self.volumes.remove(&key.1)),
            "StorageClass" => drop(self.classes.remove(&key.1)),
            "CSINode" => drop(self.csi_nodes.remove(&key.1)),
            "CSIDriver" => drop(self.csi_drivers.remove(&key.1)),
            "PodDisruptionBudget" => self.budgets.retain(|b| (namespace(b), name(b)) != key),
            "Namespace" => drop(self.namespaces.remove(&key.1)),
            _ => {}
        }
    }

    /// The labels of a namespace; one that nobody described has only its name.
    pub fn namespace_labels(&self, namespace: &str) -> Cow<'_, Labels> {
        match self.namespaces.get(namespace) {
            Some(labels) => Cow::Borrowed(labels),
            None => Cow::Owned(Labels::from([("kubernetes.io/metadata.name".to_owned(), namespace.to_owned())])),
        }
    }
}

/// The nodes by the value of one label.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// The number of the value by index of the node; [`Topology::NONE`] for nodes without the label.
    pub of: Vec<u32>,
    /// The values.
    pub values: Vec<String>,
}

impl Topology {
    /// The number of no value.
    pub const NONE: u32 = u32::MAX;

    /// The number of a node's value.
    pub fn value_of(&self, node: usize) -> Option<usize> {
        self.of.get(node).copied().filter(|v| *v != Self::NONE).map(|v| v as usize)
    }
}

/// A pod that came to a node or left it.
#[derive(Clone, Debug)]
pub struct Event {
    /// The pod.
    pub pod: Arc<Pod>,
    /// The node.
    pub node: u32,
    /// 1 or -1.
    pub by: i64,
}

/// Where the running pods of one shape are: what counts pods looks at each shape once.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The shape.
    pub shape: Arc<PodShape>,
    /// The node of each pod that stays.
    pub staying: Vec<u32>,
    /// The node of each pod that is being deleted.
    pub leaving: Vec<u32>,
}

impl Placed {
    fn list(&mut self, pod: &Pod) -> &mut Vec<u32> {
        if pod.terminating { &mut self.leaving } else { &mut self.staying }
    }

    /// The node of each pod.
    pub fn all(&self) -> impl Iterator<Item = usize> + Clone {
        self.staying.iter().chain(&self.leaving).map(|n| *n as usize)
    }
}

/// All the scheduler knows.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Nodes in the scheduler's order.
    pub nodes: Vec<NodeInfo>,
    /// Other objects.
    pub listers: Listers,
    /// What happened since the beginning, for those who count.
    pub events: Vec<Event>,
    /// How many pods run.
    pub running: usize,
    /// How often a node itself was replaced.
    pub edits: usize,
    /// Waiting pods for which room was made, by their node.
    pub nominated: Vec<(usize, Arc<Pod>)>,
    /// Where pods run, by shape in order of their first pod.
    pub placed: Vec<Placed>,
    /// The place in `placed` by the address of the shape.
    shapes: FxHashMap<usize, usize>,
    /// The size of each image and the nodes that have it.
    images: FxHashMap<String, (i64, Arc<[u32]>)>,
    index: FxHashMap<String, usize>,
    keys: FxHashMap<String, usize>,
    topologies: Vec<Topology>,
    /// By node its place among the names in order.
    ranks: Vec<u32>,
}

impl Snapshot {
    /// A cluster of these nodes in order of creation; zones are interleaved as the scheduler does.
    /// upstream: pkg/scheduler/backend/cache/node_tree.go
    pub fn new(nodes: Vec<Node>, listers: Listers) -> Self {
        // The size of an image is the one that the first node tells.
        let mut sizes: FxHashMap<String, (i64, Vec<u32>)> = FxHashMap::default();
        for (image, size) in nodes.iter().flat_map(|n| &n.images).flat_map(|(names, size)| names.iter().map(move |n| (n, size))) {
            sizes.entry(image.clone()).or_insert((*size, Vec::new()));
        }
        let mut zones: Vec<VecDeque<Node>> = Vec::new();
        let mut zone_index: FxHashMap<String, usize> = FxHashMap::default();
        for node in nodes {
            let zone = *zone_index.entry(node.zone_key()).or_insert_with(|| {
                zones.push(VecDeque::new());
                zones.len() - 1
            });
            zones[zone].push_back(node);
        }
        let mut ordered: Vec<NodeInfo> = Vec::new();
        while zones.iter().any(|list| !list.is_empty()) {
            ordered.extend(zones.iter_mut().filter_map(VecDeque::pop_front).map(NodeInfo::new));
        }
        let total = ordered.len();
        let mut out = Self { listers, ..Self::default() };
        let mut seen = Vec::new();
        for (i, info) in ordered.iter_mut().enumerate() {
            info.index = i;
            out.index.insert(info.node.name.clone(), i);
            for (key, value) in &info.node.labels {
                out.learn(&mut seen, (key, value), i, total);
            }
            for name in info.node.images.iter().flat_map(|(names, _)| names) {
                if let Some((_, nodes)) = sizes.get_mut(name) {
                    nodes.push(i as u32);
                }
            }
        }
        let mut by_name: Vec<usize> = (0..total).collect();
        by_name.sort_by(|a, b| ordered[*a].node.name.cmp(&ordered[*b].node.name));
        out.ranks = vec![0; total];
        by_name.into_iter().enumerate().for_each(|(rank, i)| out.ranks[i] = rank as u32);
        out.nodes = ordered;
        out.images = sizes.into_iter().map(|(name, (size, nodes))| (name, (size, nodes.into()))).collect();
        out
    }

    /// Numbers keys and values of labels; `seen` are the numbers of each key's values.
    fn learn(&mut self, seen: &mut Vec<FxHashMap<String, u32>>, (key, value): (&str, &str), node: usize, total: usize) {
        let next = self.topologies.len();
        let number = match self.keys.get(key) {
            Some(number) => *number,
            None => {
                self.keys.insert(key.to_owned(), next);
                self.topologies.push(Topology { of: vec![Topology::NONE; total], values: Vec::new() });
                seen.push(FxHashMap::default());
                next
            }
        };
        let topology = &mut self.topologies[number];
        let value_number = match seen[number].get(value) {
            Some(value_number) => *value_number,
            None => {
                let new = topology.values.len() as u32;
                topology.values.push(value.to_owned());
                seen[number].insert(value.to_owned(), new);
                new
            }
        };
        topology.of[node] = value_number;
    }

    /// The number of a label key that some node has.
    pub fn key(&self, label: &str) -> Option<usize> {
        self.keys.get(label).copied()
    }

    /// The nodes by the value of a label, by the number of its key.
    pub fn topology(&self, key: usize) -> &Topology {
        &self.topologies[key]
    }

    /// The index of a node.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// The place of a node among all names in order.
    pub fn rank(&self, node: usize) -> u32 {
        self.ranks.get(node).copied().unwrap_or(u32::MAX)
    }

    /// Replaces a node by another of the same name and labels.
    pub fn set_node(&mut self, node: usize, new: Node) {
        self.nodes[node].node = Arc::new(new);
        self.edits += 1;
    }

    fn placed_of(&mut self, shape: &Arc<PodShape>) -> &mut Placed {
        let next = self.placed.len();
        let place = *self.shapes.entry(Arc::as_ptr(shape) as usize).or_insert(next);
        if place == next {
            self.placed.push(Placed { shape: Arc::clone(shape), staying: Vec::new(), leaving: Vec::new() });
        }
        &mut self.placed[place]
    }

    /// Puts a pod on a node; a node nobody knows is ignored.
    pub fn add_pod(&mut self, node: &str, pod: &Arc<Pod>) {
        if let Some(i) = self.find(node) {
            self.place(i, pod);
        }
    }

    /// Puts a pod on a node.
    pub fn place(&mut self, node: usize, pod: &Arc<Pod>) {
        self.nominated.retain(|(_, p)| p.name != pod.name || p.namespace != pod.namespace);
        self.nodes[node].add_pod(pod);
        self.placed_of(&pod.shape).list(pod).push(node as u32);
        self.running += 1;
        self.events.push(Event { pod: Arc::clone(pod), node: node as u32, by: 1 });
    }

    /// Remembers that room was made for a waiting pod.
    pub fn nominate(&mut self, pod: &Arc<Pod>) {
        if let Some(node) = self.find(&pod.nominated) {
            self.nominated.push((node, Arc::clone(pod)));
        }
    }

    /// Takes a pod away from its node.
    pub fn remove(&mut self, node: usize, pod: &Arc<Pod>) {
        self.nodes[node].remove_pod(pod);
        let list = self.placed_of(&pod.shape).list(pod);
        if let Some(place) = list.iter().position(|n| *n as usize == node) {
            list.swap_remove(place);
        }
        self.running = self.running.saturating_sub(1);
        self.events.push(Event { pod: Arc::clone(pod), node: node as u32, by: -1 });
    }

    /// The size of an image and the nodes that have it, in order.
    pub fn image(&self, name: &str) -> Option<&(i64, Arc<[u32]>)> {
        self.images.get(name)
    }
}
