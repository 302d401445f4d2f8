//! What the scheduler knows at the start of a cycle: nodes with their pods, and the other objects plugins read.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::api::{HostPort, Node, Pod};
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
}

impl NodeInfo {
    /// A node without pods.
    pub fn new(node: Node) -> Self {
        Self { node: Arc::new(node), pods: Vec::new(), requested: Resource::default(), non_zero: Resource::default() }
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
    pub services: Vec<(String, Labels)>,
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
}

impl Listers {
    /// Takes in an object of a kind that plugins read; others are ignored.
    pub fn add(&mut self, object: &Value) {
        let key = (namespace(object), name(object));
        match text(object, &["kind"]) {
            "Service" if at(object, &["spec", "selector"]).is_object() => {
                self.services.push((key.0, strings(object, &["spec", "selector"])));
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
            "PodDisruptionBudget" => self.budgets.push(object.clone()),
            "Namespace" => {
                let mut labels = strings(object, &["metadata", "labels"]);
                labels.insert("kubernetes.io/metadata.name".to_owned(), key.1.clone());
                self.namespaces.insert(key.1, labels);
            }
            _ => {}
        }
    }

    /// The labels of a namespace; one that nobody described has only its name.
    pub fn namespace_labels(&self, namespace: &str) -> Labels {
        self.namespaces
            .get(namespace)
            .cloned()
            .unwrap_or_else(|| Labels::from([("kubernetes.io/metadata.name".to_owned(), namespace.to_owned())]))
    }
}

/// All the scheduler knows.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Nodes in the scheduler's order.
    pub nodes: Vec<NodeInfo>,
    /// Other objects.
    pub listers: Listers,
    images: BTreeMap<String, (i64, i64)>,
    index: BTreeMap<String, usize>,
}

impl Snapshot {
    /// A cluster of these nodes in order of creation; zones are interleaved as the scheduler does.
    /// upstream: pkg/scheduler/backend/cache/node_tree.go
    pub fn new(nodes: Vec<Node>, listers: Listers) -> Self {
        let mut images: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for node in &nodes {
            for (names, size) in &node.images {
                for image in names {
                    images.entry(image.clone()).or_insert((*size, 0)).1 += 1;
                }
            }
        }
        let mut zones: Vec<(String, std::collections::VecDeque<Node>)> = Vec::new();
        for node in nodes {
            let key = node.zone_key();
            match zones.iter_mut().find(|(k, _)| *k == key) {
                Some((_, list)) => list.push_back(node),
                None => zones.push((key, std::collections::VecDeque::from([node]))),
            }
        }
        let mut ordered = Vec::new();
        while zones.iter().any(|(_, list)| !list.is_empty()) {
            ordered.extend(zones.iter_mut().filter_map(|(_, list)| list.pop_front()).map(NodeInfo::new));
        }
        let index = ordered.iter().enumerate().map(|(i, n)| (n.node.name.clone(), i)).collect();
        Self { nodes: ordered, listers, images, index }
    }

    /// The index of a node.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// Puts a pod on a node; a node nobody knows is ignored.
    pub fn add_pod(&mut self, node: &str, pod: &Arc<Pod>) {
        if let Some(i) = self.find(node) {
            self.nodes[i].add_pod(pod);
        }
    }

    /// The size of an image and on how many nodes it is.
    pub fn image(&self, name: &str) -> Option<(i64, i64)> {
        self.images.get(name).copied()
    }
}
