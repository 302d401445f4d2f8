//! Volumes during a rollout: they are made for claims whose class has a provisioner, enlarged when a claim asks for
//! more, and deleted with their claims. upstream: sig-storage-lib-external-provisioner, external-resizer

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::cluster::Cluster;
use super::node::Task;
use crate::kube::quantity;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::controllers::volumes;
use crate::simulate::scheduler::api::Pod;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::scalar;
use crate::simulate::scheduler::json::text;

/// From a claim that can be met to its volume, and from a wish for more to a larger one.
const WORK: Nanos = 2 * SECOND;
/// From a larger volume to a larger file system.
const GROW: Nanos = SECOND;

/// Provisioners whose volumes stay in the zone that they are made in.
const ZONAL: [&str; 5] =
    ["ebs.csi.aws.com", "pd.csi.storage.gke.io", "disk.csi.azure.com", "cinder.csi.openstack.org", "csi.hetzner.cloud"];
/// Provisioners whose volumes stay on the node that they are made on.
const LOCAL: [&str; 3] = ["rancher.io/local-path", "topolvm.io", "local.csi.openebs.io"];

fn bytes(value: &Value) -> i128 {
    quantity::parse(&scalar(value)).map_or(0, |q| q.nanos)
}

impl Cluster {
    /// A claim has come or has changed: whether there is something to do for it.
    pub(super) fn look_at_claim(&mut self, claim: &Object) {
        let uid = claim.meta.uid;
        if claim.meta.is_deleted() || self.storage.contains(&uid) {
            return;
        }
        if text(&claim.status, &["phase"]) == "Bound" {
            let (wanted, there) = (at(&claim.spec, &["resources", "requests", "storage"]), at(&claim.status, &["capacity", "storage"]));
            if !there.is_null() && bytes(wanted) > bytes(there) {
                self.storage.insert(uid);
                let message = "waiting for an external controller to expand this PVC";
                self.plane.api.event(claim, false, "ExternalExpanding", message.to_owned());
                self.later(WORK, uid, Task::Expand);
            }
        } else if self.class_that_makes(claim).is_some() {
            self.storage.insert(uid);
            self.later(WORK, uid, Task::Provision);
        }
    }

    /// The class of an unbound claim, when a provisioner can act on it now.
    fn class_that_makes(&self, claim: &Object) -> Option<Arc<Object>> {
        let class = self.plane.api.find("StorageClass", "", text(&claim.spec, &["storageClassName"]))?;
        let word = |key: &str| class.rest.get(key).and_then(Value::as_str).unwrap_or("");
        let late = word("volumeBindingMode") == "WaitForFirstConsumer" && !claim.meta.annotations.contains_key(volumes::SELECTED_NODE);
        let makes = !matches!(word("provisioner"), "" | "kubernetes.io/no-provisioner");
        (makes && !late && text(&claim.spec, &["volumeName"]).is_empty()).then(|| Arc::clone(class))
    }

    /// A volume for a claim is ready.
    pub(super) fn provision(&mut self, claim: &Arc<Object>) {
        self.storage.remove(&claim.meta.uid);
        let Some(class) = self.class_that_makes(claim) else { return };
        let mut volume = volumes::provisioned(claim, &class);
        let provisioner = class.rest.get("provisioner").and_then(Value::as_str).unwrap_or("");
        let key = match provisioner {
            p if ZONAL.contains(&p) => "topology.kubernetes.io/zone",
            p if LOCAL.contains(&p) => "kubernetes.io/hostname",
            _ => "",
        };
        let node = claim.meta.annotations.get(volumes::SELECTED_NODE).and_then(|n| self.nodes.find(n));
        if let Some(value) = node.and_then(|n| self.nodes.nodes[n].node.labels.get(key)) {
            let expression = json!({"key": key, "operator": "In", "values": [value]});
            volume["spec"]["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}});
        }
        let name = text(&volume, &["metadata", "name"]).to_owned();
        if self.plane.api.create(Object::from_json(&volume)).is_ok() {
            self.plane.api.event(claim, false, "ProvisioningSucceeded", format!("Successfully provisioned volume {name}"));
        }
    }

    /// A volume has become larger; its file system follows where a pod uses it.
    pub(super) fn expand(&mut self, claim: &Arc<Object>) {
        let uid = claim.meta.uid;
        let wanted = at(&claim.spec, &["resources", "requests", "storage"]).clone();
        let volume = self.plane.api.find("PersistentVolume", "", text(&claim.spec, &["volumeName"])).cloned();
        let Some(volume) = volume else { return };
        if bytes(at(&volume.spec, &["capacity", "storage"])) < bytes(&wanted) {
            self.plane.api.edit(volume.meta.uid, |v| v.spec_mut()["capacity"]["storage"] = wanted);
            let message = "Require file system resize of volume on node";
            self.plane.api.event(claim, false, "FileSystemResizeRequired", message.to_owned());
            self.plane.api.edit(uid, |c| {
                let pending = json!([{"type": "FileSystemResizePending", "status": "True",
                    "message": "Waiting for user to (re-)start a pod to finish file system resize of volume on node."}]);
                c.status_mut().insert("conditions".to_owned(), pending);
            });
        }
        let uses =
            |p: &&super::node::Placed| p.pod.namespace == claim.meta.namespace && p.pod.claims().iter().any(|(c, _)| *c == claim.meta.name);
        let Some(node) = self.placed.values().find(uses).map(|p| p.node) else {
            self.later(5 * SECOND, uid, Task::Expand);
            return;
        };
        if list(&claim.status, &["conditions"]).is_empty() {
            self.later(GROW, uid, Task::Expand);
            return;
        }
        self.storage.remove(&uid);
        let (node, name) = (self.nodes.nodes[node].node.name.clone(), volume.meta.name.clone());
        let message = format!("MountVolume.NodeExpandVolume succeeded for volume \"{name}\" {node}");
        self.plane.api.event(claim, false, "FileSystemResizeSuccessful", message);
        let wanted = at(&claim.spec, &["resources", "requests", "storage"]).clone();
        self.plane.api.edit(uid, |c| {
            let status = c.status_mut();
            status.remove("conditions");
            status.insert("capacity".to_owned(), json!({"storage": wanted}));
        });
    }

    /// A volume whose claim is gone goes too, when its policy is to delete it.
    pub(super) fn look_at_volume(&mut self, volume: &Object) {
        let made = volume.meta.annotations.contains_key(volumes::PROVISIONED_BY);
        let released = text(&volume.status, &["phase"]) == "Released" && !volume.meta.is_deleted();
        if made && released && text(&volume.spec, &["persistentVolumeReclaimPolicy"]) == "Delete" {
            self.plane.api.delete(volume.meta.uid, Propagation::Background);
        }
    }

    /// The claims of a pod's generic ephemeral volumes. upstream: pkg/controller/volume/ephemeral
    pub(super) fn make_ephemeral_claims(&mut self, pod: &Object) {
        for volume in list(&pod.spec, &["volumes"]).iter().filter(|v| at(v, &["ephemeral", "volumeClaimTemplate"]).is_object()) {
            let name = format!("{}-{}", pod.meta.name, text(volume, &["name"]));
            let mut claim = Object::new("v1", "PersistentVolumeClaim", &pod.meta.namespace, &name);
            claim.spec = at(volume, &["ephemeral", "volumeClaimTemplate", "spec"]).clone().into();
            claim.meta.owners.push(pod.as_controller());
            // One that is there already is used.
            drop(self.plane.api.create(claim));
        }
    }

    /// Whether a claim of a pod has no volume yet.
    fn waits_for_volumes(&self, pod: &Pod) -> bool {
        let unbound = |(name, _): &(String, bool)| {
            let claim = self.plane.api.find("PersistentVolumeClaim", &pod.namespace, name);
            claim.is_some_and(|c| text(&c.status, &["phase"]) != "Bound")
        };
        pod.claims().iter().any(unbound)
    }

    /// A pod has its node; it is bound once its claims are. upstream: VolumeBinding PreBind
    pub(super) fn assume(&mut self, uid: Uid, node: usize, pod: Arc<Pod>) {
        if self.waits_for_volumes(&pod) {
            self.nodes.place(node, &pod);
            self.assumed.insert(uid, (node, pod));
        } else {
            self.bind(uid, node);
        }
    }

    /// Pods whose claims are bound now get their nodes.
    pub(super) fn bind_assumed(&mut self) -> bool {
        let ready: BTreeMap<Uid, usize> =
            self.assumed.iter().filter(|(_, (_, p))| !self.waits_for_volumes(p)).map(|(u, (n, _))| (*u, *n)).collect();
        for (uid, node) in &ready {
            self.forget_assumed(*uid);
            self.bind(*uid, *node);
        }
        !ready.is_empty()
    }

    /// A pod does not keep its place on a node.
    pub(super) fn forget_assumed(&mut self, uid: Uid) {
        if let Some((node, pod)) = self.assumed.remove(&uid) {
            self.nodes.remove(node, &pod);
        }
    }
}
