//! Claims are bound to the smallest volume that suits them; volumes whose claim is gone are released.
//! upstream: pkg/controller/volume/persistentvolume

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::ControlPlane;
use super::Controller;
use crate::kube::quantity;
use crate::simulate::apiserver::Change;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Operation;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::facts::node_name;
use crate::simulate::apiserver::object::uid_text;
use crate::simulate::apiserver::store::is_finished;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::scalar;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::json::words;
use crate::simulate::scheduler::selector::Selector;

const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
/// The annotation of volumes that a provisioner made.
pub const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
/// The annotation by which the scheduler tells where a claim is needed.
pub const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

/// Everything that waits looks again when a claim, a volume or a class changes.
pub(super) fn notify(plane: &mut ControlPlane, change: &Change) {
    // The end of a pod may be what a claim's deletion waits for.
    let pod_ended = || change.object.kind == "Pod" && (change.operation == Operation::Deleted || is_finished(&change.object));
    let claims_leave = || plane.api.list("PersistentVolumeClaim").any(|c| c.meta.is_deleted());
    let concerned = matches!(change.object.kind.as_str(), "PersistentVolume" | "PersistentVolumeClaim" | "StorageClass");
    if !(concerned || claims_leave() && pod_ended()) {
        return;
    }
    let all: Vec<Uid> =
        ["PersistentVolume", "PersistentVolumeClaim"].iter().flat_map(|kind| plane.api.list(kind)).map(|o| o.meta.uid).collect();
    all.into_iter().for_each(|uid| plane.enqueue(Controller::Volume, uid));
}

/// Brings a volume or a claim forward.
pub(super) fn sync(plane: &mut ControlPlane, uid: Uid) {
    let Some(object) = plane.api.get(uid).cloned() else { return };
    if object.meta.is_deleted() && !protected(plane, &object) {
        for finalizer in ["kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"] {
            plane.api.remove_finalizer(uid, finalizer);
        }
        return;
    }
    match object.kind.as_str() {
        "PersistentVolume" => sync_volume(plane, &object),
        _ if object.meta.annotations.contains_key(BIND_COMPLETED) => sync_bound_claim(plane, &object),
        _ => sync_unbound_claim(plane, &object),
    }
}

/// Whether a volume or claim to be deleted is still used. upstream: pkg/controller/volume/pvcprotection, pvprotection
fn protected(plane: &ControlPlane, object: &Object) -> bool {
    if object.kind == "PersistentVolume" {
        return text(&object.status, &["phase"]) == "Bound";
    }
    let uses = |pod: &Arc<Object>| {
        let volumes = list(&pod.spec, &["volumes"]);
        !is_finished(pod)
            && !node_name(pod).is_empty()
            && volumes.iter().any(|v| text(v, &["persistentVolumeClaim", "claimName"]) == object.meta.name)
    };
    plane.api.list_in("Pod", &object.meta.namespace).any(uses)
}

fn set_phase(plane: &mut ControlPlane, uid: Uid, phase: &str) {
    plane.api.edit(uid, |o| {
        o.status_mut().insert("phase".to_owned(), phase.into());
    });
}

fn claim_of(plane: &ControlPlane, volume: &Object) -> Option<Arc<Object>> {
    let reference = at(&volume.spec, &["claimRef"]);
    let found = plane.api.find("PersistentVolumeClaim", text(reference, &["namespace"]), text(reference, &["name"]))?;
    let uid = int(reference, &["uid"]).unwrap_or(0);
    (uid == 0 || uid as Uid == found.meta.uid).then(|| Arc::clone(found))
}

/// upstream: syncVolume
fn sync_volume(plane: &mut ControlPlane, volume: &Object) {
    let reference = at(&volume.spec, &["claimRef"]);
    let uid = volume.meta.uid;
    // Bound by a user, not yet by the controller: the claim's turn.
    if !reference.is_object() || at(reference, &["uid"]).is_null() {
        set_phase(plane, uid, "Available");
        return;
    }
    match claim_of(plane, volume) {
        Some(claim) if text(&claim.spec, &["volumeName"]) == volume.meta.name => set_phase(plane, uid, "Bound"),
        Some(_) => {}
        None => reclaim(plane, volume),
    }
}

/// upstream: reclaimVolume
fn reclaim(plane: &mut ControlPlane, volume: &Object) {
    let uid = volume.meta.uid;
    if text(&volume.status, &["phase"]) != "Failed" {
        set_phase(plane, uid, "Released");
    }
    if text(&volume.spec, &["persistentVolumeReclaimPolicy"]) != "Delete" || !at(&volume.spec, &["hostPath"]).is_object() {
        return;
    }
    // The only deleter in the control plane itself is that of test directories.
    let path = text(&volume.spec, &["hostPath", "path"]);
    if path.strip_prefix("/tmp/").is_some_and(|rest| !rest.is_empty()) {
        plane.api.remove(uid);
        return;
    }
    let message = format!("host_path deleter only supports /tmp/.+ but received provided {path}");
    if text(&volume.status, &["phase"]) != "Failed" {
        plane.api.event(volume, true, "VolumeFailedDelete", message.clone());
    }
    plane.api.edit(uid, |o| {
        o.status_mut().insert("phase".to_owned(), "Failed".into());
        o.status_mut().insert("message".to_owned(), message.into());
    });
}

/// upstream: syncBoundClaim
fn sync_bound_claim(plane: &mut ControlPlane, claim: &Object) {
    let volume = plane.api.find("PersistentVolume", "", text(&claim.spec, &["volumeName"])).cloned();
    let uid = claim.meta.uid;
    match volume {
        None => {
            if text(&claim.status, &["phase"]) != "Lost" {
                plane.api.event(
                    claim,
                    true,
                    "ClaimLost",
                    "Bound claim has lost its PersistentVolume. Data on the volume is lost!".to_owned(),
                );
            }
            set_phase(plane, uid, "Lost");
        }
        Some(volume) if !at(&volume.spec, &["claimRef"]).is_object() => bind(plane, claim, &volume),
        Some(volume) if is_bound_to(&volume, claim) => set_phase(plane, uid, "Bound"),
        Some(_) => set_phase(plane, uid, "Lost"),
    }
}

/// upstream: IsVolumeBoundToClaim
fn is_bound_to(volume: &Object, claim: &Object) -> bool {
    let reference = at(&volume.spec, &["claimRef"]);
    let uid = int(reference, &["uid"]).unwrap_or(0);
    reference.is_object()
        && text(reference, &["name"]) == claim.meta.name
        && text(reference, &["namespace"]) == claim.meta.namespace
        && (uid == 0 || uid as Uid == claim.meta.uid)
}

/// The class of a claim or a volume; the annotation is older than the field.
fn class(object: &Object) -> &str {
    object
        .meta
        .annotations
        .get("volume.beta.kubernetes.io/storage-class")
        .map_or_else(|| text(&object.spec, &["storageClassName"]), String::as_str)
}

fn mode(object: &Object) -> &str {
    match text(&object.spec, &["volumeMode"]) {
        "" => "Filesystem",
        other => other,
    }
}

fn amount(value: &Value) -> i128 {
    quantity::parse(&scalar(value)).map_or(0, |q| q.nanos)
}

fn wanted(claim: &Object) -> i128 {
    amount(at(&claim.spec, &["resources", "requests", "storage"]))
}

fn size(volume: &Object) -> i128 {
    amount(at(&volume.spec, &["capacity", "storage"]))
}

fn modes(object: &Object) -> Vec<String> {
    words(&object.spec, &["accessModes"])
}

/// Whether binding waits until a pod needs the claim.
fn waits(plane: &ControlPlane, claim: &Object) -> bool {
    let found = plane.api.find("StorageClass", "", class(claim));
    let late = found.is_some_and(|c| c.rest.get("volumeBindingMode").and_then(Value::as_str) == Some("WaitForFirstConsumer"));
    late && !claim.meta.annotations.contains_key(SELECTED_NODE)
}

/// Of the volumes with the fewest access modes first, the smallest. upstream: findByClaim, FindMatchingVolume
fn find_match(plane: &ControlPlane, claim: &Object, late: bool) -> Option<Arc<Object>> {
    let needed = modes(claim);
    let suited = |v: &&Arc<Object>| needed.iter().all(|m| modes(v).contains(m));
    let all: Vec<&Arc<Object>> = plane.api.list("PersistentVolume").filter(suited).collect();
    let mut groups: Vec<Vec<String>> = all.iter().map(|v| modes(v)).collect();
    groups.sort_by_key(|m| (m.len(), m.clone()));
    groups.dedup();
    let selector = at(&claim.spec, &["selector"]);
    let selector = selector.is_object().then(|| Selector::new(selector));
    for group in groups {
        let mut best: Option<&Arc<Object>> = None;
        for volume in all.iter().copied().filter(|v| modes(v) == group) {
            let taken = at(&volume.spec, &["claimRef"]).is_object() && !is_bound_to(volume, claim);
            if taken || size(volume) < wanted(claim) || mode(volume) != mode(claim) || volume.meta.is_deleted() {
                continue;
            }
            if is_bound_to(volume, claim) {
                return Some(Arc::clone(volume));
            }
            let fits = text(&volume.status, &["phase"]) == "Available"
                && selector.as_ref().is_none_or(|s| s.matches(&volume.meta.labels))
                && class(volume) == class(claim);
            if !late && fits && best.is_none_or(|b| size(volume) < size(b)) {
                best = Some(volume);
            }
        }
        if let Some(best) = best {
            return Some(Arc::clone(best));
        }
    }
    None
}

/// The class of claims that name none. upstream: assignDefaultStorageClass
fn default_class(plane: &ControlPlane) -> Option<String> {
    let mark = |c: &&Arc<Object>| c.meta.annotations.get("storageclass.kubernetes.io/is-default-class").is_some_and(|v| v == "true");
    plane
        .api
        .list("StorageClass")
        .filter(mark)
        .max_by_key(|c| (c.meta.created, std::cmp::Reverse(c.meta.name.clone())))
        .map(|c| c.meta.name.clone())
}

/// upstream: syncUnboundClaim
fn sync_unbound_claim(plane: &mut ControlPlane, claim: &Object) {
    let uid = claim.meta.uid;
    let named = text(&claim.spec, &["volumeName"]);
    if !named.is_empty() {
        let Some(volume) = plane.api.find("PersistentVolume", "", named).cloned() else {
            set_phase(plane, uid, "Pending");
            return;
        };
        let free = !at(&volume.spec, &["claimRef"]).is_object();
        if free && !satisfies(&volume, claim) {
            plane.api.event(
                claim,
                true,
                "VolumeMismatch",
                format!("Cannot bind to requested volume \"{named}\": {}", mismatch(&volume, claim)),
            );
            set_phase(plane, uid, "Pending");
        } else if free || is_bound_to(&volume, claim) {
            bind(plane, claim, &volume);
        } else {
            set_phase(plane, uid, "Pending");
        }
        return;
    }
    let late = waits(plane, claim);
    if let Some(volume) = find_match(plane, claim, late) {
        bind(plane, claim, &volume);
        return;
    }
    if at(&claim.spec, &["storageClassName"]).is_null()
        && class(claim).is_empty()
        && let Some(default) = default_class(plane)
    {
        plane.api.edit(uid, |o| o.spec_mut()["storageClassName"] = default.into());
        return;
    }
    let first = text(&claim.status, &["phase"]).is_empty() || !claim.status.get("told").is_some_and(|t| t == true);
    if first {
        tell_waiting(plane, claim, late);
    }
    plane.api.edit(uid, |o| {
        o.status_mut().insert("phase".to_owned(), "Pending".into());
        o.status_mut().insert("told".to_owned(), true.into());
    });
}

/// Says why a claim stays unbound.
fn tell_waiting(plane: &mut ControlPlane, claim: &Object, late: bool) {
    let name = class(claim).to_owned();
    if late {
        plane.api.event(claim, false, "WaitForFirstConsumer", "waiting for first consumer to be created before binding".to_owned());
    } else if name.is_empty() {
        let text = "no persistent volumes available for this claim and no storage class is set";
        plane.api.event(claim, false, "FailedBinding", text.to_owned());
    } else {
        let provisioner =
            plane.api.find("StorageClass", "", &name).map(|c| c.rest.get("provisioner").and_then(Value::as_str).unwrap_or("").to_owned());
        match provisioner.as_deref() {
            None => plane.api.event(claim, true, "ProvisioningFailed", format!("storageclass.storage.k8s.io \"{name}\" not found")),
            Some("kubernetes.io/no-provisioner") => {
                plane.api.event(
                    claim,
                    true,
                    "ProvisioningFailed",
                    "no volume plugin matched name: kubernetes.io/no-provisioner".to_owned(),
                );
            }
            Some(other) => {
                let text = format!(
                    "Waiting for a volume to be created either by the external provisioner '{other}' or manually by the system administrator. \
                     If volume creation is delayed, please verify that the provisioner is running and correctly registered."
                );
                plane.api.event(claim, false, "ExternalProvisioning", text);
            }
        }
    }
}

/// upstream: checkVolumeSatisfyClaim
fn mismatch(volume: &Object, claim: &Object) -> &'static str {
    if size(volume) < wanted(claim) {
        "requested PV is too small"
    } else if class(volume) != class(claim) {
        "storageClassName does not match"
    } else if mode(volume) != mode(claim) {
        "incompatible volumeMode"
    } else if !modes(claim).iter().all(|m| modes(volume).contains(m)) {
        "incompatible accessMode"
    } else {
        ""
    }
}

fn satisfies(volume: &Object, claim: &Object) -> bool {
    mismatch(volume, claim).is_empty()
}

/// The volume that the provisioner of a class makes for a claim.
/// upstream: sig-storage-lib-external-provisioner/controller provisionClaimOperation
pub fn provisioned(claim: &Object, class: &Object) -> Value {
    let word = |key: &str| class.rest.get(key).and_then(Value::as_str).unwrap_or("");
    let name = format!("pvc-{}", uid_text(claim.meta.uid));
    let policy = if word("reclaimPolicy").is_empty() { "Delete" } else { word("reclaimPolicy") };
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: word("provisioner")},
            "finalizers": ["kubernetes.io/pv-protection"]},
        "spec": {
            "capacity": {"storage": at(&claim.spec, &["resources", "requests", "storage"])},
            "accessModes": at(&claim.spec, &["accessModes"]),
            "persistentVolumeReclaimPolicy": policy,
            "storageClassName": class.meta.name,
            "volumeMode": at(&claim.spec, &["volumeMode"]),
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.meta.namespace, "name": claim.meta.name,
                "uid": claim.meta.uid},
            "csi": {"driver": word("provisioner"), "volumeHandle": name},
        },
        "status": {"phase": "Pending"},
    })
}

/// upstream: bind
fn bind(plane: &mut ControlPlane, claim: &Object, volume: &Object) {
    let (namespace, name, uid) = (claim.meta.namespace.clone(), claim.meta.name.clone(), claim.meta.uid);
    plane.api.edit(volume.meta.uid, |o| {
        if !at(&o.spec, &["claimRef"]).is_object() {
            o.meta.annotations.insert(BOUND_BY_CONTROLLER.to_owned(), "yes".to_owned());
        }
        o.spec_mut()["claimRef"] = json!({"kind": "PersistentVolumeClaim", "namespace": namespace, "name": name, "uid": uid});
        o.status_mut().insert("phase".to_owned(), "Bound".into());
    });
    let (modes, capacity, volume_name) = (modes(volume), at(&volume.spec, &["capacity"]).clone(), volume.meta.name.clone());
    plane.api.edit(uid, |o| {
        o.meta.annotations.insert(BIND_COMPLETED.to_owned(), "yes".to_owned());
        if text(&o.spec, &["volumeName"]).is_empty() {
            o.meta.annotations.insert(BOUND_BY_CONTROLLER.to_owned(), "yes".to_owned());
            o.spec_mut()["volumeName"] = volume_name.as_str().into();
        }
        let status = o.status_mut();
        status.remove("told");
        status.insert("phase".to_owned(), "Bound".into());
        status.insert("accessModes".to_owned(), json!(modes));
        status.insert("capacity".to_owned(), capacity);
    });
}
