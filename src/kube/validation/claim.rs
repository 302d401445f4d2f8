//! Persistent volumes and claims. upstream: pkg/apis/core/validation

use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::placement::node_selector;
use super::resources::{amount, amount_of_resource};
use super::volume::{self, csi_driver, no_backsteps};
use super::{Errors, Raw, entries, get, json, meta, part, text, texts};

const ACCESS_MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const VOLUME_MODES: &[&str] = &["Block", "Filesystem"];

fn access_modes(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    let at = at.child("accessModes");
    let (mut alone, mut shared) = (false, false);
    for mode in texts(spec, "accessModes") {
        let known = ACCESS_MODES.contains(&mode);
        if !known {
            errors.unsupported_json(&at, mode, ACCESS_MODES);
        }
        alone |= mode == "ReadWriteOncePod";
        shared |= known && mode != "ReadWriteOncePod";
    }
    if alone && shared {
        errors.forbidden(&at, "may not use ReadWriteOncePod with other access modes");
    }
}

fn class_name(errors: &mut Errors, spec: &Value, key: &str, at: &At<'_>) {
    let name = text(spec, key);
    if !name.is_empty() {
        errors.invalid_text(&at.child(key), name, names::dns1123_subdomain(name));
    }
}

fn volume_mode(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    if let Some(mode) = get(spec, "volumeMode").and_then(Value::as_str)
        && !VOLUME_MODES.contains(&mode)
    {
        errors.unsupported_json(&at.child("volumeMode"), mode, VOLUME_MODES);
    }
}

/// upstream: ValidatePersistentVolumeClaimSpec
pub(super) fn claim_spec(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    if texts(spec, "accessModes").next().is_none() {
        errors.required(&at.child("accessModes"), "at least 1 access mode is required");
    }
    if let Some(selector) = get(spec, "selector") {
        meta::selector(errors, selector, &at.child("selector"));
    }
    access_modes(errors, spec, at);
    let storage = at.entry("resources", "storage");
    match get(part(spec, "resources"), "requests").and_then(|r| r.get("storage")) {
        None => errors.required(&storage, ""),
        Some(value) if amount(value).nanos <= 0 => {
            errors.invalid(&storage, value.as_str().unwrap_or("0"), "must be greater than zero");
        }
        Some(value) => amount_of_resource(errors, "storage", value, &storage),
    }
    class_name(errors, spec, "storageClassName", at);
    volume_mode(errors, spec, at);
    let (source, reference) = (get(spec, "dataSource"), get(spec, "dataSourceRef"));
    for (key, value) in [("dataSource", source), ("dataSourceRef", reference)] {
        if let Some(value) = value {
            data_source(errors, value, &at.child(key));
        }
    }
    if let Some(reference) = reference {
        if !text(reference, "namespace").is_empty() {
            if source.is_some() {
                errors.invalid(at, Raw("{}".to_owned()), "may not be specified when dataSourceRef.namespace is specified");
            }
        } else if let Some(source) = source {
            let same = |key: &str| get(source, key) == get(reference, key);
            if !(same("apiGroup") && text(source, "kind") == text(reference, "kind") && text(source, "name") == text(reference, "name")) {
                errors.invalid(at, Raw("{}".to_owned()), "must match dataSourceRef");
            }
        }
    }
    class_name(errors, spec, "volumeAttributesClassName", at);
}

/// upstream: validateDataSource, validateDataSourceRef
fn data_source(errors: &mut Errors, source: &Value, at: &At<'_>) {
    let (name, kind, group) = (text(source, "name"), text(source, "kind"), text(source, "apiGroup"));
    if name.is_empty() {
        errors.required(&at.child("name"), "");
    }
    if kind.is_empty() {
        errors.required(&at.child("kind"), "");
    }
    if group.is_empty() {
        if kind != "PersistentVolumeClaim" {
            errors.invalid(at, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
        }
    } else {
        errors.invalid_text(&at.child("apiGroup"), group, names::dns1123_subdomain(group));
    }
    let namespace = text(source, "namespace");
    if !namespace.is_empty() {
        errors.invalid_text(&at.child("namespace"), namespace, names::dns1123_label(namespace));
    }
}

/// The kinds in upstream's order, with the spellings of [`volume`].
const KINDS: &[(&str, &str, &str)] = &[
    ("hostPath", "hostPath", "hostPath"),
    ("gcePersistentDisk", "gcePersistentDisk", "persistentDisk"),
    ("awsElasticBlockStore", "awsElasticBlockStore", "awsElasticBlockStore"),
    ("glusterfs", "glusterfs", "glusterfs"),
    ("flocker", "flocker", "flocker"),
    ("nfs", "nfs", "nfs"),
    ("rbd", "rbd", "rbd"),
    ("quobyte", "quobyte", "quobyte"),
    ("cephfs", "cephFS", "cephfs"),
    ("iscsi", "iscsi", "iscsi"),
    ("cinder", "cinder", "cinder"),
    ("fc", "fc", "fc"),
    // A second type is not refused here.
    ("flexVolume", "", "flexVolume"),
    ("azureFile", "azureFile", "azureFile"),
    ("vsphereVolume", "vsphereVolume", "vsphereVolume"),
    ("photonPersistentDisk", "photonPersistentDisk", "photonPersistentDisk"),
    ("portworxVolume", "portworxVolume", "portworxVolume"),
    ("azureDisk", "azureDisk", "azureDisk"),
    ("scaleIO", "scaleIO", "scaleIO"),
    ("local", "local", "local"),
    ("storageos", "storageos", "storageos"),
    ("csi", "csi", "csi"),
];

/// upstream: ValidatePersistentVolumeSpec
pub(super) fn volume_spec(errors: &mut Errors, spec: &Value, name: &str, inline: bool, at: &At<'_>) {
    const INLINE: &str = "in the context of inline volumes";
    let inline_forbidden = format!("may not be specified {INLINE}");
    if inline {
        if get(spec, "claimRef").is_some() {
            errors.forbidden(&at.child("claimRef"), &inline_forbidden);
        }
        if entries(spec, "capacity").next().is_some() {
            errors.forbidden(&at.child("capacity"), &inline_forbidden);
        }
        if get(spec, "csi").is_none() {
            errors.required(&at.child("csi"), &format!("has to be specified {INLINE}"));
        }
    }
    if texts(spec, "accessModes").next().is_none() {
        errors.required(&at.child("accessModes"), "");
    }
    access_modes(errors, spec, at);
    if !inline {
        capacity(errors, spec, at);
    }
    let reclaim = text(spec, "persistentVolumeReclaimPolicy");
    let place = at.child("persistentVolumeReclaimPolicy");
    if inline && !reclaim.is_empty() && reclaim != "Retain" {
        errors.forbidden(&place, &format!("may only be Retain {INLINE}"));
    } else if !inline && !["", "Delete", "Recycle", "Retain"].contains(&reclaim) {
        errors.unsupported_json(&place, reclaim, &["Delete", "Recycle", "Retain"]);
    }
    let affinity = get(spec, "nodeAffinity");
    if let Some(affinity) = affinity {
        if inline {
            errors.forbidden(&at.child("nodeAffinity"), &inline_forbidden);
        } else {
            match get(affinity, "required") {
                Some(required) => node_selector(errors, required, &at.child("nodeAffinity.required")),
                None => errors.required(&at.child("nodeAffinity.required"), "must specify required node constraints"),
            }
        }
    }
    sources(errors, spec, name, affinity.is_some() && !inline, at);
    if part(spec, "hostPath").get("path").and_then(Value::as_str).is_some_and(is_root) && reclaim == "Recycle" {
        errors.forbidden(&place, "may not be 'recycle' for a hostPath mount of '/'");
    }
    if inline && !text(spec, "storageClassName").is_empty() {
        errors.forbidden(&at.child("storageClassName"), &inline_forbidden);
    } else {
        class_name(errors, spec, "storageClassName", at);
    }
    if inline {
        if get(spec, "volumeMode").is_some_and(|m| m != "Filesystem") {
            errors.forbidden(&at.child("volumeMode"), &format!("may not specify volumeMode other than Filesystem {INLINE}"));
        }
    } else {
        volume_mode(errors, spec, at);
    }
    if let Some(class) = get(spec, "volumeAttributesClassName").and_then(Value::as_str).filter(|_| !inline) {
        if class.is_empty() {
            errors.required(&at.child("volumeAttributesClassName"), "an empty string is disallowed");
        } else {
            class_name(errors, spec, "volumeAttributesClassName", at);
        }
        if get(spec, "csi").is_none() {
            errors.required(&at.child("csi"), "has to be specified when using volumeAttributesClassName");
        }
    }
}

/// Whether a path is the root once cleaned.
fn is_root(path: &str) -> bool {
    let mut depth = 0_usize;
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => depth = depth.saturating_sub(1),
            _ => depth += 1,
        }
    }
    path.starts_with('/') && depth == 0
}

fn capacity(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    let at = at.child("capacity");
    let count = entries(spec, "capacity").count();
    if count == 0 {
        errors.required(&at, "");
    }
    if count != 1 || entries(spec, "capacity").any(|(name, _)| name != "storage") {
        errors.unsupported(&at, Raw(json(part(spec, "capacity"))), &["storage"]);
    }
    for (name, value) in entries(spec, "capacity") {
        let quantity = amount(value);
        if quantity.value() < 0 {
            errors.invalid(&at.key(name), quantity.value(), "must be a valid resource quantity");
        }
        if quantity.nanos <= 0 {
            errors.invalid(&at.key(name), value.as_str().unwrap_or("0"), "must be greater than zero");
        }
    }
}

fn sources(errors: &mut Errors, spec: &Value, name: &str, affinity: bool, at: &At<'_>) {
    let mut found = false;
    for (kind, refused, reported) in KINDS {
        let Some(source) = get(spec, kind) else { continue };
        if std::mem::replace(&mut found, true) && !refused.is_empty() {
            errors.forbidden(&at.child(refused), "may not specify more than 1 volume type");
            continue;
        }
        let here = at.child(reported);
        match *kind {
            "local" => {
                let path = text(source, "path");
                if path.is_empty() {
                    errors.required(&here.child("path"), "");
                } else {
                    no_backsteps(errors, path, &here.child("path"));
                }
                if !affinity {
                    errors.required(&at.child("nodeAffinity"), "Local volume requires node affinity");
                }
            }
            "csi" => csi(errors, source, &here),
            _ => volume::shared(errors, kind, source, Some(name), &here),
        }
    }
    if !found {
        errors.required(at, "must specify a volume type");
    }
}

/// upstream: validateCSIPersistentVolumeSource
fn csi(errors: &mut Errors, source: &Value, at: &At<'_>) {
    csi_driver(errors, text(source, "driver"), &at.child("driver"));
    if text(source, "volumeHandle").is_empty() {
        errors.required(&at.child("volumeHandle"), "");
    }
    for key in ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"] {
        let Some(secret) = get(source, key) else { continue };
        let at = at.child(key);
        match text(secret, "name") {
            "" => errors.required(&at.child("name"), ""),
            name => errors.invalid_text(&at.child("name"), name, names::dns1123_subdomain(name)),
        }
        match text(secret, "namespace") {
            "" => errors.required(&at.child("namespace"), ""),
            namespace => errors.invalid_text(&at.child("namespace"), namespace, names::dns1123_label(namespace)),
        }
    }
}
