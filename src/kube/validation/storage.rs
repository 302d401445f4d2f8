//! Storage classes, CSI objects and attachments. upstream: pkg/apis/storage/validation

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field::At;
use super::super::names;

use super::claim;
use super::{Errors, get, int, list, meta, strings, text, texts, update};

const NOTHING: &Value = &Value::Null;
const MAX_SIZE: usize = 256 * 1024;

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    meta::object_meta(errors, object, names::dns1123_subdomain);
    let spec = get(object, "spec").unwrap_or(NOTHING);
    match kind {
        "StorageClass" => storage_class(errors, object),
        "VolumeAttachment" => attachment(errors, version, spec),
        "CSINode" => csi_node(errors, spec),
        "CSIDriver" => csi_driver(errors, spec),
        "CSIStorageCapacity" => capacity(errors, object, false),
        "VolumeAttributesClass" => attributes_class(errors, object),
        _ => {}
    }
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, version: &str, kind: &str, object: &Value, old: &Value) {
    let spec = get(object, "spec").unwrap_or(NOTHING);
    let old_spec = get(old, "spec").unwrap_or(NOTHING);
    match kind {
        "StorageClass" => {
            storage_class(errors, object);
            errors.immutable_value(&At::new("parameters"), get(object, "parameters"), get(old, "parameters"));
            for field in ["provisioner", "reclaimPolicy", "volumeBindingMode"] {
                errors.immutable(&At::new(field), text(object, field), text(old, field));
            }
        }
        "VolumeAttachment" => {
            meta::object_meta(errors, object, names::dns1123_subdomain);
            attachment(errors, version, spec);
            errors.immutable_as(&At::new("spec"), Some(spec), Some(old_spec), "storage.VolumeAttachmentSpec");
        }
        "CSINode" => {
            meta::object_meta(errors, object, names::dns1123_subdomain);
            csi_node(errors, spec);
            csi_node_update(errors, spec, old_spec);
        }
        "CSIDriver" => {
            csi_driver(errors, spec);
            let path = At::new("spec");
            errors.immutable_value(&path.child("attachedRequired"), get(spec, "attachRequired"), get(old_spec, "attachRequired"));
            let field = "volumeLifecycleModes";
            errors.immutable_value(&path.child(field), get(spec, field), get(old_spec, field));
        }
        "CSIStorageCapacity" => {
            capacity(errors, object, get(old, "nodeTopology").is_some_and(meta::malformed));
            let whole = old;
            let (new, old) = (get(object, "nodeTopology"), get(old, "nodeTopology"));
            errors.immutable_as(&At::new("nodeTopology"), new, old, "*v1.LabelSelector");
            errors.immutable(&At::new("storageClassName"), text(object, "storageClassName"), text(whole, "storageClassName"));
        }
        "VolumeAttributesClass" => {
            if text(object, "driverName") != text(old, "driverName") {
                errors.forbidden(&At::new("driverName"), "updates to driverName are forbidden.");
            }
            if get(object, "parameters") != get(old, "parameters") {
                errors.forbidden(&At::new("parameters"), "updates to parameters are forbidden.");
            }
            meta::object_meta(errors, object, names::dns1123_subdomain);
            attributes_class(errors, object);
        }
        _ => {}
    }
}

/// upstream: ValidateStorageClass
fn storage_class(errors: &mut Errors, object: &Value) {
    provisioner(errors, text(object, "provisioner"), &At::new("provisioner"));
    parameters(errors, object, true);
    let policy = text(object, "reclaimPolicy");
    if !["", "Delete", "Retain"].contains(&policy) {
        errors.unsupported(&At::new("reclaimPolicy"), policy, &["Delete", "Retain"]);
    }
    let at = At::new("volumeBindingMode");
    match get(object, "volumeBindingMode").and_then(Value::as_str) {
        None => errors.required(&at, ""),
        Some("Immediate" | "WaitForFirstConsumer") => {}
        Some(other) => errors.unsupported(&at, other, &["Immediate", "WaitForFirstConsumer"]),
    }
    allowed_topologies(errors, object);
}

/// upstream: validateAllowedTopologies, ValidateTopologySelectorTerm
fn allowed_topologies(errors: &mut Errors, object: &Value) {
    let mut seen: Vec<Vec<(&str, BTreeSet<&str>)>> = Vec::new();
    let terms = list(object, "allowedTopologies");
    for (i, term) in terms.iter().enumerate() {
        let path = At::root();
        let path = path.item("allowedTopologies", i);
        let mut found: Vec<(&str, BTreeSet<&str>)> = Vec::new();
        for (j, expression) in list(term, "matchLabelExpressions").iter().enumerate() {
            let at = path.item("matchLabelExpressions", j);
            let key = text(expression, "key");
            let values_at = at.child("values");
            let mut values = BTreeSet::new();
            if list(expression, "values").is_empty() {
                errors.required(&values_at, "");
            }
            for (k, value) in texts(expression, "values").enumerate() {
                if !values.insert(value) {
                    errors.duplicate(&values_at.index(k), value);
                }
            }
            errors.invalid_each(&at.child("key"), key, names::qualified_name(key));
            if found.iter().any(|(k, _)| *k == key) {
                errors.duplicate(&at.child("key"), key);
            }
            found.retain(|(k, _)| *k != key);
            found.push((key, values));
        }
        found.sort();
        // The list compared with starts with one empty entry a term, so a term without expressions equals them all.
        let doubles = seen.iter().filter(|s| **s == found).count() + if found.is_empty() { terms.len() } else { 0 };
        for _ in 0..doubles {
            errors.duplicate(&path.child("matchLabelExpressions"), "");
        }
        seen.push(found);
    }
}

/// upstream: validateProvisioner
fn provisioner(errors: &mut Errors, name: &str, path: &At<'_>) {
    if name.is_empty() {
        return errors.required(path, "");
    }
    let lower = name.to_lowercase();
    errors.invalid_each(path, &lower, names::qualified_name(&lower));
}

/// upstream: validateParameters
fn parameters(errors: &mut Errors, object: &Value, may_be_empty: bool) {
    let path = At::new("parameters");
    let entries = strings(object, "parameters");
    if entries.len() > 512 {
        return errors.too_long(&path, 512);
    }
    if entries.iter().any(|(k, _)| k.is_empty()) {
        errors.invalid(&path, "", "field can not be empty.");
    }
    if entries.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>() > MAX_SIZE {
        errors.too_long(&path, MAX_SIZE);
    }
    if !may_be_empty && entries.is_empty() {
        errors.required(&path, "must contain at least one key/value pair");
    }
}

/// upstream: ValidateVolumeAttributesClass
fn attributes_class(errors: &mut Errors, object: &Value) {
    provisioner(errors, text(object, "driverName"), &At::new("driverName"));
    parameters(errors, object, false);
}

/// upstream: ValidateCSIDriverName
pub(super) fn driver_name(errors: &mut Errors, name: &str, path: &At<'_>) {
    if name.is_empty() {
        return errors.required(path, "");
    }
    if name.len() > 63 {
        errors.too_long(path, 63);
    }
    let lower = name.to_lowercase();
    errors.invalid_each(path, name, names::dns1123_subdomain(&lower));
}

/// upstream: ValidateVolumeAttachment
fn attachment(errors: &mut Errors, _version: &str, spec: &Value) {
    let path = At::new("spec");
    driver_name(errors, text(spec, "attacher"), &path.child("attacher"));
    let source = get(spec, "source").unwrap_or(NOTHING);
    let at = path.child("source");
    let volume = get(source, "persistentVolumeName").and_then(Value::as_str);
    let both = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (get(source, "inlineVolumeSpec"), volume) {
        (None, None) => errors.required(&at, both),
        (Some(_), Some(_)) => errors.forbidden(&at, both),
        (None, Some(name)) => {
            if name.is_empty() {
                errors.required(&at.child("persistentVolumeName"), "must specify non empty persistentVolumeName");
            }
        }
        (Some(inline), None) => claim::volume_spec(errors, inline, "", true, &at.child("inlineVolumeSpec")),
    }
    let node = text(spec, "nodeName");
    errors.invalid_each(&path.child("nodeName"), node, names::dns1123_subdomain(node));
    if let Some(name) = volume {
        errors.invalid_each(&At::new("spec.source.persistentVolumeName"), name, names::dns1123_subdomain(name));
    }
}

/// upstream: validateCSINodeSpec
fn csi_node(errors: &mut Errors, spec: &Value) {
    let mut seen = BTreeSet::new();
    for (i, driver) in list(spec, "drivers").iter().enumerate() {
        let path = At::new("spec");
        let path = path.item("drivers", i);
        let name = text(driver, "name");
        driver_name(errors, name, &path.child("name"));
        let node = text(driver, "nodeID");
        let at = path.child("nodeID");
        if node.is_empty() {
            errors.required(&at, "");
        }
        if node.len() > 256 {
            errors.invalid(&at, node, "must be 256 characters or less");
        }
        if let Some(count) = get(driver, "allocatable").and_then(|a| int(a, "count")) {
            errors.nonnegative(&path.child("allocatable.count"), count);
        }
        if !seen.insert(name) {
            errors.duplicate(&path.child("name"), name);
        }
        let mut keys = BTreeSet::new();
        for key in texts(driver, "topologyKeys") {
            if key.is_empty() {
                errors.required(&path, "");
            }
            if !keys.insert(key) {
                errors.duplicate(&path, key);
            }
            errors.invalid_each(&path, key, names::qualified_name(key));
        }
    }
}

/// upstream: ValidateCSINodeUpdate
fn csi_node_update(errors: &mut Errors, spec: &Value, old: &Value) {
    let fixed = |driver: &Value| {
        let mut driver = driver.clone();
        if let Some(fields) = driver.as_object_mut() {
            fields.remove("allocatable");
        }
        driver
    };
    for old in list(old, "drivers") {
        for new in list(spec, "drivers").iter().filter(|new| text(new, "name") == text(old, "name")) {
            let (new, old) = (fixed(new), fixed(old));
            errors.immutable_as(&At::new("spec.drivers"), Some(&new), Some(&old), "storage.CSINodeDriver");
        }
    }
}

/// upstream: validateCSIDriverSpec
fn csi_driver(errors: &mut Errors, spec: &Value) {
    let path = At::new("spec");
    for (field, shown) in
        [("attachRequired", "attachedRequired"), ("podInfoOnMount", "podInfoOnMount"), ("storageCapacity", "storageCapacity")]
    {
        if get(spec, field).is_none() {
            errors.required(&path.child(shown), "");
        }
    }
    let known = ["File", "None", "ReadWriteOnceWithFSType"];
    if let Some(policy) = get(spec, "fsGroupPolicy").and_then(Value::as_str)
        && !known.contains(&policy)
    {
        errors.unsupported(&path.child("fsGroupPolicy"), policy, &known);
    }
    let tokens = list(spec, "tokenRequests");
    let mut audiences = BTreeSet::new();
    for (i, token) in tokens.iter().enumerate() {
        let at = path.item("tokenRequests", i);
        let audience = text(token, "audience");
        if !audiences.insert(audience) {
            errors.duplicate(&at.child("audience"), audience);
            continue;
        }
        let Some(seconds) = int(token, "expirationSeconds") else { continue };
        let at = at.child("expirationSeconds");
        if seconds < 600 {
            errors.invalid(&at, seconds, "may not specify a duration less than 10 minutes");
        }
        if seconds > 1 << 32 {
            errors.invalid(&at, seconds, "may not specify a duration larger than 2^32 seconds");
        }
    }
    for mode in texts(spec, "volumeLifecycleModes").filter(|m| !["Persistent", "Ephemeral"].contains(m)) {
        errors.unsupported(&path.child("volumeLifecycleModes"), mode, &["Persistent", "Ephemeral"]);
    }
    if get(spec, "seLinuxMount").is_none() {
        errors.required(&path.child("seLinuxMount"), "");
    }
    if let Some(period) = int(spec, "nodeAllocatableUpdatePeriodSeconds").filter(|p| *p < 10) {
        errors.invalid(&path.child("nodeAllocatableUpdatePeriodSeconds"), period, "must be greater than or equal to 10 seconds");
    }
    if let Some(secrets) = get(spec, "serviceAccountTokenInSecrets").filter(|_| tokens.is_empty()) {
        let detail = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
        errors.invalid(&path.child("serviceAccountTokenInSecrets"), secrets, detail);
    }
}

/// upstream: ValidateCSIStorageCapacity
fn capacity(errors: &mut Errors, object: &Value, any_label_value: bool) {
    if let Some(topology) = get(object, "nodeTopology") {
        update::selector_with(errors, topology, any_label_value, &At::new("nodeTopology"));
    }
    let class = text(object, "storageClassName");
    errors.invalid_each(&At::new("storageClassName"), class, names::dns1123_subdomain(class));
    if let Some(capacity) = get(object, "capacity") {
        update::nonnegative_quantity(errors, capacity, &At::new("capacity"));
    }
}
