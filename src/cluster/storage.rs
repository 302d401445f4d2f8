//! Volumes made for claims whose class has a provisioner. upstream: sig-storage-lib-external-provisioner/controller

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::Cluster;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::object::uid_text;
use crate::simulate::controllers::volumes;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// The provisioner of the class that new clusters have.
pub(super) const PROVISIONER: &str = "simulate.kval.dev/disk";

/// The class of clusters that are described without one.
pub(super) fn default_class() -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": PROVISIONER, "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", "allowVolumeExpansion": true})
}

impl Cluster {
    /// Makes volumes for claims that wait for one; whether it made any.
    pub(super) fn provision(&mut self) -> bool {
        if !std::mem::take(&mut self.storage_moved) {
            return false;
        }
        let waits =
            |c: &&Arc<Object>| text(&c.spec, &["volumeName"]).is_empty() && text(&c.status, &["phase"]) != "Bound" && !c.meta.is_deleted();
        let claims: Vec<Arc<Object>> = self.plane.api.list("PersistentVolumeClaim").filter(waits).cloned().collect();
        let mut made = false;
        for claim in claims {
            let class = text(&claim.spec, &["storageClassName"]);
            let Some(class) = self.plane.api.find("StorageClass", "", class).cloned() else { continue };
            let word = |key: &str| class.rest.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
            let late = word("volumeBindingMode") == "WaitForFirstConsumer" && !claim.meta.annotations.contains_key(volumes::SELECTED_NODE);
            let name = format!("pvc-{}", uid_text(claim.meta.uid));
            if late || word("provisioner") == "kubernetes.io/no-provisioner" || self.plane.api.find("PersistentVolume", "", &name).is_some()
            {
                continue;
            }
            let volume = volumes::provisioned(&claim, &class);
            if self.plane.api.create(Object::from_json(&volume)).is_ok() {
                made = true;
                let message = format!("Successfully provisioned volume {name}");
                self.tell(&claim, "", false, "ProvisioningSucceeded", message, (&word("provisioner"), ""));
            }
        }
        made | self.reclaim()
    }

    /// Deletes volumes that were made for claims that are gone; whether there was any.
    fn reclaim(&mut self) -> bool {
        let free = |v: &&Arc<Object>| {
            v.meta.annotations.contains_key(volumes::PROVISIONED_BY)
                && text(&v.status, &["phase"]) == "Released"
                && text(&v.spec, &["persistentVolumeReclaimPolicy"]) == "Delete"
                && !v.meta.is_deleted()
        };
        let free: Vec<Uid> = self.plane.api.list("PersistentVolume").filter(free).map(|v| v.meta.uid).collect();
        free.iter().for_each(|uid| self.plane.api.delete(*uid, Propagation::Background));
        !free.is_empty()
    }

    /// Tells claims that wait for their first pod where it is.
    pub(super) fn select_node(&mut self, pod: &Object, node: &str) {
        for volume in list(pod.spec.before_placed(), &["volumes"]) {
            let name = match text(volume, &["persistentVolumeClaim", "claimName"]) {
                "" if volume.get("ephemeral").is_some() => format!("{}-{}", pod.meta.name, text(volume, &["name"])),
                name => name.to_owned(),
            };
            let claim = self.plane.api.find("PersistentVolumeClaim", &pod.meta.namespace, &name);
            if let Some(uid) = claim.filter(|c| text(&c.spec, &["volumeName"]).is_empty()).map(|c| c.meta.uid) {
                self.plane.api.edit(uid, |c| drop(c.meta.annotations.insert(volumes::SELECTED_NODE.to_owned(), node.to_owned())));
            }
        }
    }
}
