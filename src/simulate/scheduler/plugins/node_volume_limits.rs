//! A CSI driver attaches only so many volumes to a node.

use std::collections::BTreeMap;

use crate::simulate::scheduler::api::Pod;
use crate::simulate::scheduler::framework::{FilterState, Plugin, PreFilter, Status};
use crate::simulate::scheduler::json::{at, int, list, text};
use crate::simulate::scheduler::plugins::volume_binding::class_name;
use crate::simulate::scheduler::snapshot::{Listers, NodeInfo, Snapshot};

/// upstream: plugins/nodevolumelimits
pub struct NodeVolumeLimits;

/// The pod's volumes that a CSI driver attaches: unique name to driver.
fn attachable(listers: &Listers, pod: &Pod, out: &mut BTreeMap<String, String>) {
    for (claim_name, _) in pod.claims() {
        let Some(claim) = listers.claims.get(&(pod.namespace.clone(), claim_name.clone())) else { continue };
        let volume = listers.volumes.get(text(claim, &["spec", "volumeName"]));
        let (driver, handle) = match volume {
            Some(volume) => (text(volume, &["spec", "csi", "driver"]), text(volume, &["spec", "csi", "volumeHandle"]).to_owned()),
            // Not bound yet: the provisioner of its class will attach it.
            None => (
                listers.classes.get(&class_name(claim)).map_or("", |c| text(c, &["provisioner"])),
                format!("{}/{claim_name}", pod.namespace),
            ),
        };
        if !driver.is_empty() && !handle.is_empty() {
            out.insert(format!("{driver}/{handle}"), driver.to_owned());
        }
    }
}

impl Plugin for NodeVolumeLimits {
    fn name(&self) -> &'static str {
        "NodeVolumeLimits"
    }

    fn pre_filter(&self, _cluster: &Snapshot, _state: &mut FilterState, pod: &Pod) -> PreFilter {
        if pod.claims().is_empty() { PreFilter::Skip } else { PreFilter::All }
    }

    fn filter(&self, cluster: &Snapshot, _state: &FilterState, pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        let listers = &cluster.listers;
        let mut new = BTreeMap::new();
        attachable(listers, pod, &mut new);
        let Some(csi_node) = listers.csi_nodes.get(&node.node.name) else { return Ok(()) };
        let limit = |driver: &str| {
            let driver = list(csi_node, &["spec", "drivers"]).iter().find(|d| text(d, &["name"]) == driver)?;
            int(driver, &["allocatable", "count"])
        };
        let mut attached = BTreeMap::new();
        node.pods.iter().for_each(|p| attachable(listers, p, &mut attached));
        new.retain(|name, _| !attached.contains_key(name));
        for attachment in &listers.attachments {
            let volume = listers.volumes.get(text(attachment, &["spec", "source", "persistentVolumeName"]));
            if let (true, Some(volume)) = (text(attachment, &["spec", "nodeName"]) == node.node.name, volume) {
                let driver = text(at(volume, &["spec", "csi"]), &["driver"]);
                attached.insert(format!("{driver}/{}", text(volume, &["spec", "csi", "volumeHandle"])), driver.to_owned());
            }
        }
        let count = |volumes: &BTreeMap<String, String>, driver: &str| volumes.values().filter(|d| *d == driver).count() as i64;
        for driver in new.values() {
            if limit(driver).is_some_and(|l| count(&attached, driver) + count(&new, driver) > l) {
                return Err(Status::unschedulable("node(s) exceed max volume count"));
            }
        }
        Ok(())
    }
}
