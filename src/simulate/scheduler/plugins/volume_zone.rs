//! Volumes with zone labels tie a pod to nodes of that zone.

use crate::simulate::scheduler::api::Pod;
use crate::simulate::scheduler::framework::{FilterState, Plugin, PreFilter, Status};
use crate::simulate::scheduler::json::{strings, text};
use crate::simulate::scheduler::plugins::volume_binding::{class_name, waits};
use crate::simulate::scheduler::snapshot::{NodeInfo, Snapshot};

/// upstream: plugins/volumezone
pub struct VolumeZone;

const KEYS: [(&str, &str); 4] = [
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
    ("topology.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("topology.kubernetes.io/region", "topology.kubernetes.io/region"),
];

/// A label key, its newer name, and the values allowed.
type Topology = (&'static str, &'static str, Vec<String>);

fn topologies(cluster: &Snapshot, pod: &Pod) -> Result<Vec<Topology>, String> {
    let mut out = Vec::new();
    for (claim_name, ephemeral) in pod.claims() {
        if ephemeral {
            continue;
        }
        if claim_name.is_empty() {
            return Err("PersistentVolumeClaim had no name".to_owned());
        }
        let Some(claim) = cluster.listers.claims.get(&(pod.namespace.clone(), claim_name.clone())) else {
            return Err(format!("persistentvolumeclaim {claim_name:?} not found"));
        };
        let volume_name = text(claim, &["spec", "volumeName"]);
        if volume_name.is_empty() {
            let class_name = class_name(claim);
            if class_name.is_empty() {
                return Err("PersistentVolumeClaim had no pv name and storageClass name".to_owned());
            }
            let Some(class) = cluster.listers.classes.get(&class_name) else {
                return Err(format!("storageclass.storage.k8s.io {class_name:?} not found"));
            };
            if waits(Some(class)) {
                continue;
            }
            return Err("PersistentVolume had no name".to_owned());
        }
        let Some(volume) = cluster.listers.volumes.get(volume_name) else {
            return Err(format!("persistentvolume {volume_name:?} not found"));
        };
        let labels = strings(volume, &["metadata", "labels"]);
        for (key, newer) in KEYS {
            if let Some(value) = labels.get(key) {
                out.push((key, newer, value.split("__").map(|z| z.trim().to_owned()).collect()));
            }
        }
    }
    Ok(out)
}

impl Plugin for VolumeZone {
    fn name(&self) -> &'static str {
        "VolumeZone"
    }

    fn pre_filter(&self, cluster: &Snapshot, _state: &mut FilterState, pod: &Pod) -> PreFilter {
        match topologies(cluster, pod) {
            Err(reason) => PreFilter::Reject(Status::told(reason)),
            Ok(list) if list.is_empty() => PreFilter::Skip,
            Ok(_) => PreFilter::All,
        }
    }

    fn filter(&self, cluster: &Snapshot, _state: &FilterState, pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        let labels = &node.node.labels;
        if !KEYS.iter().any(|(key, _)| labels.contains_key(*key)) {
            return Ok(());
        }
        let allowed = |(key, newer, values): &Topology| labels.get(*key).or_else(|| labels.get(*newer)).is_some_and(|v| values.contains(v));
        if topologies(cluster, pod).unwrap_or_default().iter().all(allowed) {
            return Ok(());
        }
        Err(Status::unresolvable("node(s) had no available volume zone"))
    }
}
