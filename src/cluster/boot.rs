//! A new cluster: its nodes, its namespaces and what a control plane keeps in them.

use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Cluster;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::SECOND;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// The version that servers and kubelets tell.
pub const VERSION: &str = "v1.36.3";

/// 2026-01-01T00:00:00Z, when a cluster begins if nobody says otherwise.
pub const EPOCH: Nanos = 1_767_225_600 * SECOND;

/// A cluster of the described objects: nodes, and what runs on them. Objects that the server refuses are returned with
/// its sentence.
pub fn boot(described: &[Value], now: Nanos, seed: u64) -> (Cluster, Vec<String>) {
    let mut cluster = Cluster::new(now, seed);
    for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        let _ = cluster.create(&namespace(name), &super::server::Write::by("kube-apiserver"));
    }
    cluster.create_own_service();
    for name in ["system-cluster-critical", "system-node-critical"] {
        let value = if name == "system-node-critical" { 2_000_001_000 } else { 2_000_000_000 };
        let about = format!(
            "Used for system critical pods that must {}",
            if value > 2_000_000_000 {
                "not be moved from their current node."
            } else {
                "run in the cluster, but can be moved to another node if necessary."
            }
        );
        let class = json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value,
            "description": about, "preemptionPolicy": "PreemptLowerPriority"});
        drop(cluster.plane.api.create(Object::from_json(&class)));
    }
    if !described.iter().any(|o| text(o, &["kind"]) == "StorageClass") {
        drop(cluster.plane.api.create(Object::from_json(&super::storage::default_class())));
    }
    let mut refused = Vec::new();
    let place = |o: &Value| match text(o, &["kind"]) {
        "Namespace" => 0,
        "Node" => 1,
        "CustomResourceDefinition" => 2,
        "Pod" => 4,
        _ => 3,
    };
    let mut order: Vec<&Value> = described.iter().collect();
    order.sort_by_key(|o| place(o));
    let mut number = 0;
    for object in order {
        if text(object, &["kind"]) == "Node" {
            number += 1;
            let node = Object::from_json(&complete_node(object, number, now));
            drop(cluster.plane.api.create(node));
            continue;
        }
        if let Err(refusal) = cluster.create(object, &super::server::Write::by("kube-apiserver")) {
            if refusal.reason != "AlreadyExists" {
                refused.push(refusal.message);
            }
        }
    }
    cluster.settle();
    (cluster, refused)
}

/// A Namespace object.
pub fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

impl Cluster {
    /// The service of the server itself, which it keeps making. upstream: pkg/controlplane/controller/kubernetesservice
    pub(super) fn create_own_service(&mut self) {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kubernetes", "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"}},
            "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]}});
        drop(self.plane.api.create(Object::from_json(&service)));
    }
}

/// A node with all that its kubelet would have reported.
fn complete_node(node: &Value, number: usize, now: Nanos) -> Value {
    let mut out = node.clone();
    let name = text(node, &["metadata", "name"]).to_owned();
    if !out["metadata"]["labels"].is_object() {
        out["metadata"]["labels"] = json!({});
    }
    // A node that was captured has the labels it has.
    let described = !text(node, &["metadata", "uid"]).is_empty();
    let labels = if described { 0 } else { 5 };
    for (key, value) in [
        ("kubernetes.io/hostname", name.as_str()),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "amd64"),
        ("beta.kubernetes.io/os", "linux"),
        ("beta.kubernetes.io/arch", "amd64"),
    ]
    .into_iter()
    .take(labels)
    {
        if out["metadata"]["labels"][key].is_null() {
            out["metadata"]["labels"][key] = value.into();
        }
    }
    if !out["spec"].is_object() {
        out["spec"] = Value::Object(Map::new());
    }
    let net = format!("10.244.{}.0/24", number - 1);
    if out["spec"]["podCIDR"].is_null() {
        out["spec"]["podCIDR"] = net.as_str().into();
        out["spec"]["podCIDRs"] = json!([net]);
    }
    if !out["status"].is_object() {
        out["status"] = Value::Object(Map::new());
    }
    let status = &mut out["status"];
    for key in ["capacity", "allocatable"] {
        if status[key].is_object() && status[key]["ephemeral-storage"].is_null() {
            status[key]["ephemeral-storage"] = "100Gi".into();
        }
    }
    if list(status, &["addresses"]).is_empty() {
        status["addresses"] =
            json!([{"type": "InternalIP", "address": format!("10.0.0.{}", 10 + number)}, {"type": "Hostname", "address": name}]);
    }
    if !list(status, &["conditions"]).iter().any(|c| text(c, &["type"]) == "Ready") {
        let one = |kind: &str, holds: &str, reason: &str, message: &str| json!({"type": kind, "status": holds, "reason": reason, "message": message, "lastHeartbeatTime": now, "lastTransitionTime": now});
        status["conditions"] = json!([
            one("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            one("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            one("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            one("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ]);
    }
    if status["nodeInfo"].is_null() {
        status["nodeInfo"] = json!({"kubeletVersion": VERSION, "containerRuntimeVersion": "containerd://2.1.4", "osImage": "Simulated Linux",
            "kernelVersion": "6.12.0", "operatingSystem": "linux", "architecture": "amd64", "kubeProxyVersion": "",
            "machineID": "", "systemUUID": "", "bootID": ""});
    }
    out
}

impl Cluster {
    /// The nodes, in order of creation.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.plane.api.list("Node")
    }
}
