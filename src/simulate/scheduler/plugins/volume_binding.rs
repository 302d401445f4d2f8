//! Claims: bound ones tie a pod to the nodes of their volume, unbound ones wait for a volume that fits or a provisioner.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::simulate::scheduler::api::{Node, Pod};
use crate::simulate::scheduler::framework::{Code, FilterState, Plugin, PreFilter, Reasons, Status};
use crate::simulate::scheduler::json::{at, list, scalar, strings, text, words};
use crate::simulate::scheduler::resource::value;
use crate::simulate::scheduler::selector::{Selector, node_selector, topology_terms_match};
use crate::simulate::scheduler::snapshot::{Key, Listers, NodeInfo, Snapshot};

const CONFLICT: &str = "node(s) didn't match PersistentVolume's node affinity";
const NO_VOLUME: &str = "node(s) didn't find available persistent volumes to bind";
const NO_SPACE: &str = "node(s) did not have enough free storage";
const NO_SUCH_VOLUME: &str = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";

/// upstream: plugins/volumebinding
pub struct VolumeBinding;

/// The claims of the pod.
#[derive(Clone, Debug, Default)]
pub struct ClaimState {
    bound: Vec<Key>,
    waiting: Vec<Key>,
}

/// The storage class a claim names; empty for none.
pub fn class_name(claim: &Value) -> String {
    let old = at(claim, &["metadata", "annotations", "volume.beta.kubernetes.io/storage-class"]);
    if old.is_string() { scalar(old) } else { scalar(at(claim, &["spec", "storageClassName"])) }
}

/// Whether claims of a class wait for their first pod.
pub fn waits(class: Option<&Value>) -> bool {
    class.is_some_and(|c| text(c, &["volumeBindingMode"]) == "WaitForFirstConsumer")
}

fn annotated(object: &Value, key: &str) -> Option<String> {
    let v = at(object, &["metadata", "annotations", key]);
    (!v.is_null()).then(|| scalar(v))
}

fn request(claim: &Value) -> i64 {
    value(&scalar(at(claim, &["spec", "resources", "requests", "storage"])))
}

fn volume_allows(volume: &Value, node: &Node) -> bool {
    node_selector(at(volume, &["spec", "nodeAffinity", "required"])).is_none_or(|terms| terms.iter().any(|t| t.matches(node)))
}

/// The smallest volume that suits a claim on a node. upstream: component-helpers/storage/volume FindMatchingVolume
fn find_volume<'a>(listers: &'a Listers, key: &Key, claim: &Value, node: &Node, taken: &BTreeSet<String>) -> Option<&'a str> {
    let mode = |v: &Value| match text(v, &["spec", "volumeMode"]) {
        "" => "Filesystem".to_owned(),
        other => other.to_owned(),
    };
    let selector = at(claim, &["spec", "selector"]);
    let selector = selector.is_object().then(|| Selector::new(selector));
    let wanted = request(claim);
    let mut best: Option<(i64, &str)> = None;
    for (name, volume) in &listers.volumes {
        if taken.contains(name) || text(volume, &["spec", "storageClassName"]) != class_name(claim) || mode(volume) != mode(claim) {
            continue;
        }
        let size = value(&scalar(at(volume, &["spec", "capacity", "storage"])));
        let allowed = volume_allows(volume, node);
        let reference = at(volume, &["spec", "claimRef"]);
        if reference.is_object() {
            if (text(reference, &["namespace"]), text(reference, &["name"])) == (key.0.as_str(), key.1.as_str()) {
                if !allowed {
                    return None;
                }
                if size >= wanted {
                    return Some(name);
                }
            }
            continue;
        }
        let modes = words(volume, &["spec", "accessModes"]);
        let phase = text(volume, &["status", "phase"]);
        let suits = allowed
            && matches!(phase, "" | "Available")
            && size >= wanted
            && at(volume, &["metadata", "deletionTimestamp"]).is_null()
            && selector.as_ref().is_none_or(|s| s.matches(&strings(volume, &["metadata", "labels"])))
            && words(claim, &["spec", "accessModes"]).iter().all(|m| modes.contains(m));
        if suits && best.is_none_or(|(least, _)| size < least) {
            best = Some((size, name));
        }
    }
    best.map(|(_, name)| name)
}

/// What binding on a node would do: volumes for claims, and claims to provision; or why it cannot.
type Decision = Result<(Vec<(Key, String)>, Vec<Key>), &'static str>;

/// upstream: plugins/volumebinding/binder.go findMatchingVolumes, checkVolumeProvisions
fn decide(listers: &Listers, waiting: &[Key], node: &Node) -> Decision {
    let mut provision: Vec<Key> = Vec::new();
    let mut open: Vec<&Key> = Vec::new();
    for key in waiting {
        match listers.claims.get(key).and_then(|c| annotated(c, SELECTED_NODE)) {
            Some(selected) if selected != node.name => return Err(NO_VOLUME),
            Some(_) => provision.push(key.clone()),
            None => open.push(key),
        }
    }
    open.sort_by_key(|k| listers.claims.get(*k).map_or(0, request));
    let mut taken = BTreeSet::new();
    let mut bindings = Vec::new();
    for key in open {
        let claim = listers.claims.get(key).unwrap_or(&Value::Null);
        match find_volume(listers, key, claim, node, &taken) {
            Some(volume) => {
                taken.insert(volume.to_owned());
                bindings.push((key.clone(), volume.to_owned()));
            }
            None => provision.push(key.clone()),
        }
    }
    for key in &provision {
        let claim = listers.claims.get(key).unwrap_or(&Value::Null);
        let class = listers.classes.get(&class_name(claim)).unwrap_or(&Value::Null);
        let provisioner = text(class, &["provisioner"]);
        if matches!(provisioner, "" | "kubernetes.io/no-provisioner") {
            return Err(NO_VOLUME);
        }
        if !topology_terms_match(list(class, &["allowedTopologies"]), &node.labels) {
            return Err(NO_VOLUME);
        }
        if !enough_capacity(listers, provisioner, &class_name(claim), request(claim), node) {
            return Err(NO_SPACE);
        }
    }
    Ok((bindings, provision))
}

fn enough_capacity(listers: &Listers, provisioner: &str, class: &str, size: i64, node: &Node) -> bool {
    let tracked = listers.csi_drivers.get(provisioner).is_some_and(|d| at(d, &["spec", "storageCapacity"]).as_bool() == Some(true));
    !tracked
        || listers.csi_capacities.iter().any(|c| {
            let limit = if at(c, &["maximumVolumeSize"]).is_null() { at(c, &["capacity"]) } else { at(c, &["maximumVolumeSize"]) };
            text(c, &["storageClassName"]) == class
                && !limit.is_null()
                && value(&scalar(limit)) >= size
                && Selector::new(at(c, &["nodeTopology"])).matches(&node.labels)
        })
}

/// After a pod got its node: its waiting claims are bound to volumes or sent to the provisioner of that node.
pub fn reserve(listers: &mut Listers, pod: &Pod, node: &Node) {
    let Ok(state) = claims_of(listers, pod) else { return };
    let Ok((bindings, provision)) = decide(listers, &state.waiting, node) else { return };
    let annotate = |claim: &mut Value, key: &str, text: &str| {
        if let Some(metadata) = claim.get_mut("metadata").and_then(Value::as_object_mut) {
            let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(serde_json::Map::new()));
            if let Some(map) = annotations.as_object_mut() {
                map.insert(key.to_owned(), text.into());
            }
        }
    };
    for (key, volume) in bindings {
        if let Some(spec) = listers.volumes.get_mut(&volume).and_then(|v| v.get_mut("spec")).and_then(Value::as_object_mut) {
            spec.insert("claimRef".to_owned(), serde_json::json!({"namespace": key.0, "name": key.1}));
        }
        if let Some(claim) = listers.claims.get_mut(&key) {
            annotate(claim, BIND_COMPLETED, "yes");
            if let Some(spec) = claim.get_mut("spec").and_then(Value::as_object_mut) {
                spec.insert("volumeName".to_owned(), volume.into());
            }
        }
    }
    for key in provision {
        if let Some(claim) = listers.claims.get_mut(&key) {
            annotate(claim, SELECTED_NODE, &node.name);
        }
    }
}

/// Sorts the claims of a pod, or says why the pod cannot be placed at all.
fn claims_of(listers: &Listers, pod: &Pod) -> Result<ClaimState, String> {
    let mut state = ClaimState::default();
    let mut immediate = false;
    for (claim_name, ephemeral) in pod.claims() {
        let key = (pod.namespace.clone(), claim_name.clone());
        let Some(claim) = listers.claims.get(&key) else {
            if ephemeral {
                return Err(format!("waiting for ephemeral volume controller to create the persistentvolumeclaim {claim_name:?}"));
            }
            return Err(format!("persistentvolumeclaim {claim_name:?} not found"));
        };
        let volume = text(claim, &["spec", "volumeName"]);
        if text(claim, &["status", "phase"]) == "Lost" {
            return Err(format!("persistentvolumeclaim {claim_name:?} bound to non-existent persistentvolume {volume:?}"));
        }
        if !at(claim, &["metadata", "deletionTimestamp"]).is_null() {
            return Err(format!("persistentvolumeclaim {claim_name:?} is being deleted"));
        }
        if !volume.is_empty() && annotated(claim, BIND_COMPLETED).is_some() {
            state.bound.push(key);
        } else if volume.is_empty() && waits(listers.classes.get(&class_name(claim))) {
            state.waiting.push(key);
        } else {
            immediate = true;
        }
    }
    if immediate {
        return Err("pod has unbound immediate PersistentVolumeClaims".to_owned());
    }
    Ok(state)
}

impl Plugin for VolumeBinding {
    fn name(&self) -> &'static str {
        "VolumeBinding"
    }

    fn pre_filter(&self, cluster: &Snapshot, state: &mut FilterState, pod: &Pod) -> PreFilter {
        if pod.claims().is_empty() {
            return PreFilter::Skip;
        }
        match claims_of(&cluster.listers, pod) {
            Err(reason) => PreFilter::Reject(Status::told(reason)),
            Ok(claims) => {
                state.claims = claims;
                PreFilter::All
            }
        }
    }

    fn filter(&self, cluster: &Snapshot, state: &FilterState, _pod: &Pod, node: &NodeInfo) -> Result<(), Status> {
        let listers = &cluster.listers;
        let mut reasons = Vec::new();
        for key in &state.claims.bound {
            let Some(claim) = listers.claims.get(key) else { continue };
            match listers.volumes.get(text(claim, &["spec", "volumeName"])) {
                None => {
                    reasons.push(NO_SUCH_VOLUME);
                    break;
                }
                Some(volume) if !volume_allows(volume, &node.node) => {
                    reasons.push(CONFLICT);
                    break;
                }
                Some(_) => {}
            }
        }
        if let Err(reason) = decide(listers, &state.claims.waiting, &node.node) {
            let place = usize::from(reasons.first() == Some(&CONFLICT));
            reasons.insert(place, reason);
        }
        if reasons.is_empty() {
            return Ok(());
        }
        Err(Status { code: Code::UnschedulableAndUnresolvable, reasons: Reasons::Many(reasons.into_iter().map(str::to_owned).collect()) })
    }
}
