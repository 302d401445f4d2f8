//! Volumes of pods and of persistent volumes. upstream: pkg/apis/core/validation

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::super::quantity;
use super::container::{field_reference, pull_policy, resource_reference};
use super::{Errors, claim, entries, flag, get, int, list, meta, part, text, texts};

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";
const ONE: &str = "may not specify more than 1 volume type";

/// upstream: validatePathNoBacksteps
pub(super) fn no_backsteps(errors: &mut Errors, path: &str, at: &At<'_>) {
    if path.split('/').any(|p| p == "..") {
        errors.invalid(at, path, "must not contain '..'");
    }
}

/// upstream: validateLocalDescendingPath
pub(super) fn relative_path(errors: &mut Errors, path: &str, at: &At<'_>) {
    if path.starts_with('/') {
        errors.invalid(at, path, "must be a relative path");
    }
    no_backsteps(errors, path, at);
}

/// upstream: ValidateLocalNonReservedPath
fn unreserved_path(errors: &mut Errors, path: &str, at: &At<'_>) {
    relative_path(errors, path, at);
    if path.starts_with("..") && !path.starts_with("../") {
        errors.invalid(at, path, "must not start with '..'");
    }
}

fn required(errors: &mut Errors, source: &Value, fields: &[&str], at: &At<'_>) {
    for field in fields {
        let empty = match part(source, field) {
            Value::String(s) => s.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Null => true,
            _ => false,
        };
        if empty {
            errors.required(&at.child(field), "");
        }
    }
}

/// upstream: ValidateVolumes
pub(super) fn volumes<'a>(errors: &mut Errors, all: &'a [Value], pod: Option<&'a Value>, at: &At<'_>) -> BTreeMap<&'a str, &'a Value> {
    let owner = pod.map_or("", |meta| text(meta, "name"));
    let mut claims = BTreeSet::new();
    if !owner.is_empty() {
        claims.extend(all.iter().filter(|v| get(v, "ephemeral").is_some()).map(|v| format!("{owner}-{}", text(v, "name"))));
    }
    let mut out = BTreeMap::new();
    for (i, volume) in all.iter().enumerate() {
        let at = at.index(i);
        let before = errors.0.len();
        let name = text(volume, "name");
        source(errors, volume, name, owner, pod.is_some(), &at);
        if name.is_empty() {
            errors.required(&at.child("name"), "");
        } else {
            errors.invalid_text(&at.child("name"), name, names::dns1123_label(name));
        }
        if out.contains_key(name) {
            errors.duplicate(&at.child("name"), name);
        }
        if errors.0.len() == before {
            out.insert(name, volume);
        }
        let claim = text(part(volume, "persistentVolumeClaim"), "claimName");
        if claims.contains(claim) {
            let detail = "must not reference a PVC that gets created for an ephemeral volume";
            errors.invalid(&at.child("persistentVolumeClaim.claimName"), claim, detail);
        }
    }
    out
}

/// The kinds in upstream's order; where a second one is refused under another spelling, that; where findings are reported
/// under another spelling, that.
const KINDS: &[(&str, &str, &str)] = &[
    ("hostPath", "hostPath", "hostPath"),
    ("gitRepo", "gitRepo", "gitRepo"),
    ("gcePersistentDisk", "gcePersistentDisk", "persistentDisk"),
    ("awsElasticBlockStore", "awsElasticBlockStore", "awsElasticBlockStore"),
    ("secret", "secret", "secret"),
    ("nfs", "nfs", "nfs"),
    ("iscsi", "iscsi", "iscsi"),
    ("glusterfs", "glusterfs", "glusterfs"),
    ("flocker", "flocker", "flocker"),
    ("persistentVolumeClaim", "persistentVolumeClaim", "persistentVolumeClaim"),
    ("rbd", "rbd", "rbd"),
    ("cinder", "cinder", "cinder"),
    ("cephfs", "cephFS", "cephfs"),
    ("quobyte", "quobyte", "quobyte"),
    ("downwardAPI", "downwarAPI", "downwardAPI"),
    ("fc", "fc", "fc"),
    ("flexVolume", "flexVolume", "flexVolume"),
    ("configMap", "configMap", "configMap"),
    ("azureFile", "azureFile", "azureFile"),
    ("vsphereVolume", "vsphereVolume", "vsphereVolume"),
    ("photonPersistentDisk", "photonPersistentDisk", "photonPersistentDisk"),
    ("portworxVolume", "portworxVolume", "portworxVolume"),
    ("azureDisk", "azureDisk", "azureDisk"),
    ("storageos", "storageos", "storageos"),
    ("projected", "projected", "projected"),
    ("scaleIO", "scaleIO", "scaleIO"),
    ("csi", "csi", "csi"),
    ("ephemeral", "ephemeral", "ephemeral"),
    ("image", "image", "image"),
];

/// upstream: validateVolumeSource
fn source(errors: &mut Errors, volume: &Value, name: &str, owner: &str, is_pod: bool, at: &At<'_>) {
    let mut found = false;
    if let Some(empty) = get(volume, "emptyDir") {
        found = true;
        if quantity::parse(text(empty, "sizeLimit")).is_ok_and(|q| q.nanos < 0) {
            errors.forbidden(&at.child("emptyDir.sizeLimit"), "SizeLimit field must be a valid resource quantity");
        }
    }
    for (kind, refused, reported) in KINDS {
        let Some(source) = get(volume, kind) else { continue };
        if std::mem::replace(&mut found, true) {
            errors.forbidden(&at.child(refused), ONE);
        } else {
            let here = at.child(reported);
            match *kind {
                "gitRepo" => {
                    required(errors, source, &["repository"], &here);
                    relative_path(errors, text(source, "directory"), &here.child("directory"));
                }
                "secret" => {
                    required(errors, source, &["secretName"], &here);
                    files(errors, source, &here);
                }
                "configMap" => {
                    required(errors, source, &["name"], &here);
                    files(errors, source, &here);
                }
                "persistentVolumeClaim" => required(errors, source, &["claimName"], &here),
                "downwardAPI" => {
                    default_mode(errors, source, &here);
                    for file in list(source, "items") {
                        downward_file(errors, file, &here);
                    }
                }
                "projected" => projected(errors, source, &here),
                "csi" => {
                    csi_driver(errors, text(source, "driver"), &here.child("driver"));
                    if let Some(secret) = get(source, "nodePublishSecretRef") {
                        match text(secret, "name") {
                            "" => errors.required(&here.child("nodePublishSecretRef.name"), ""),
                            name => errors.invalid_text(&here.child("name"), name, names::dns1123_subdomain(name)),
                        }
                    }
                }
                "ephemeral" => {
                    match get(source, "volumeClaimTemplate") {
                        None => errors.required(&here.child("volumeClaimTemplate"), ""),
                        Some(template) => {
                            meta::template_meta(errors, part(template, "metadata"), &here.child("volumeClaimTemplate.metadata"));
                            claim::claim_spec(errors, part(template, "spec"), &here.child("volumeClaimTemplate.spec"));
                        }
                    }
                    if !owner.is_empty() && !name.is_empty() {
                        let claim = format!("{owner}-{name}");
                        for message in names::dns1123_subdomain(&claim) {
                            errors.invalid(&at.child("name"), name, &format!("PVC name {}: {message}", super::quote(&claim)));
                        }
                    }
                }
                "image" => {
                    if is_pod {
                        required(errors, source, &["reference"], &here);
                    }
                    pull_policy(errors, text(source, "pullPolicy"), &here.child("pullPolicy"));
                }
                _ => shared(errors, kind, source, None, &here),
            }
        }
        if *kind == "iscsi" && get(source, "initiatorName").is_some() && name.len() + 1 + text(source, "targetPortal").len() > 64 {
            errors.invalid(&at.child("name"), name, TARGET_TOO_LONG);
        }
    }
    if !found {
        errors.required(at, "must specify a volume type");
    }
}

const TARGET_TOO_LONG: &str =
    "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";

/// The sources that pods and persistent volumes share; `volume` is the persistent volume's name.
pub(super) fn shared(errors: &mut Errors, kind: &str, source: &Value, volume: Option<&str>, at: &At<'_>) {
    match kind {
        "hostPath" => {
            let path = text(source, "path");
            if path.is_empty() {
                return errors.required(&at.child("path"), "");
            }
            no_backsteps(errors, path, &at.child("path"));
            let known = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
            let ty = text(source, "type");
            if !known.contains(&ty) {
                errors.unsupported_json(&at.child("type"), ty, &known);
            }
        }
        "gcePersistentDisk" => disk(errors, source, "pdName", at),
        "awsElasticBlockStore" => disk(errors, source, "volumeID", at),
        "nfs" => {
            required(errors, source, &["server", "path"], at);
            let path = text(source, "path");
            if !path.starts_with('/') {
                errors.invalid(&at.child("path"), path, "must be an absolute path");
            }
        }
        "iscsi" => iscsi(errors, source, volume, at),
        "glusterfs" => {
            required(errors, source, &["endpoints", "path"], at);
            if volume.is_some()
                && let Some(namespace) = get(source, "endpointsNamespace").and_then(Value::as_str)
            {
                let at = at.child("endpointsNamespace");
                if namespace.is_empty() {
                    errors.invalid(&at, namespace, "if the endpointnamespace is set, it must be a valid namespace name");
                } else {
                    errors.invalid_text(&at, namespace, names::dns1123_label(namespace));
                }
            }
        }
        "flocker" => {
            let (name, uuid) = (text(source, "datasetName"), text(source, "datasetUUID"));
            match (name.is_empty(), uuid.is_empty()) {
                (true, true) => errors.required(at, "one of datasetName and datasetUUID is required"),
                (false, false) => errors.invalid(at, "resource", "datasetName and datasetUUID can not be specified simultaneously"),
                _ => {}
            }
            if name.contains('/') {
                errors.invalid(&at.child("datasetName"), name, "must not contain '/'");
            }
        }
        "rbd" => required(errors, source, &["monitors", "image"], at),
        "cinder" => {
            required(errors, source, &["volumeID"], at);
            secret_reference(errors, source, volume.is_some(), at);
        }
        "cephfs" => required(errors, source, &["monitors"], at),
        "quobyte" => quobyte(errors, source, at),
        "fc" => fibre_channel(errors, source, at),
        "flexVolume" => {
            required(errors, source, &["driver"], at);
            for (key, _) in entries(source, "options") {
                let namespace = key.split_once('/').map_or(key, |(head, _)| head);
                let normalized = format!(".{}", namespace.to_lowercase());
                if normalized.ends_with(".kubernetes.io") || normalized.ends_with(".k8s.io") {
                    errors.invalid(&at.entry("options", key), key, "kubernetes.io and k8s.io namespaces are reserved");
                }
            }
        }
        "azureFile" => {
            required(errors, source, &["secretName", "shareName"], at);
            if volume.is_some() && get(source, "secretNamespace").is_some_and(|n| n == "") {
                errors.required(&at.child("secretNamespace"), "");
            }
        }
        "vsphereVolume" => required(errors, source, &["volumePath"], at),
        "photonPersistentDisk" => required(errors, source, &["pdID"], at),
        "portworxVolume" => required(errors, source, &["volumeID"], at),
        "azureDisk" => azure_disk(errors, source, at),
        "storageos" => {
            match text(source, "volumeName") {
                "" => errors.required(&at.child("volumeName"), ""),
                name => errors.invalid_text(&at.child("volumeName"), name, names::dns1123_label(name)),
            }
            let namespace = text(source, "volumeNamespace");
            if !namespace.is_empty() {
                errors.invalid_text(&at.child("volumeNamespace"), namespace, names::dns1123_label(namespace));
            }
            secret_reference(errors, source, volume.is_some(), at);
        }
        "scaleIO" => required(errors, source, &["gateway", "system", "volumeName"], at),
        _ => {}
    }
}

fn disk(errors: &mut Errors, source: &Value, id: &str, at: &At<'_>) {
    required(errors, source, &[id], at);
    let partition = int(source, "partition").unwrap_or(0);
    if !(0..=255).contains(&partition) {
        errors.invalid(&at.child("partition"), partition, "must be between 1 and 255, inclusive");
    }
}

fn secret_reference(errors: &mut Errors, source: &Value, namespaced: bool, at: &At<'_>) {
    if let Some(secret) = get(source, "secretRef") {
        required(errors, secret, if namespaced { &["name", "namespace"] } else { &["name"] }, &at.child("secretRef"));
    }
}

static IQN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"iqn\.[0-9]{4}-[0-9]{2}\.([0-9A-Za-z.\-]+)(:[^,;*&$|\t\n\x0C\r ]+)$").ok());

fn is_initiator(text: &str) -> bool {
    let tail = |prefix: &str, length: usize| {
        // Any one character may stand after the prefix.
        let rest: Vec<char> = text.trim_start_matches(prefix).chars().collect();
        rest.len() == length + 1 && rest[0] != '\n' && rest[1..].iter().all(char::is_ascii_alphanumeric)
    };
    match text.get(..3) {
        Some("iqn") => IQN.as_ref().is_none_or(|r| r.is_match(text)),
        Some("eui") => tail("eui", 16),
        _ => tail("naa", 32),
    }
}

/// upstream: validateISCSIVolumeSource, validateISCSIPersistentVolumeSource
fn iscsi(errors: &mut Errors, source: &Value, volume: Option<&str>, at: &At<'_>) {
    let known = |text: &str| ["iqn", "eui", "naa"].iter().any(|p| text.starts_with(p));
    const PREFIX: &str = "must be valid format starting with iqn, eui, or naa";
    required(errors, source, &["targetPortal"], at);
    let initiator = get(source, "initiatorName").and_then(Value::as_str);
    let portal = text(source, "targetPortal");
    if let Some(volume) = volume
        && initiator.is_some()
        && volume.len() + 1 + portal.len() > 64
    {
        errors.invalid(&at.child("targetportal"), portal, TARGET_TOO_LONG);
    }
    let iqn = text(source, "iqn");
    if iqn.is_empty() {
        errors.required(&at.child("iqn"), "");
    } else if !known(iqn) {
        errors.invalid(&at.child("iqn"), iqn, if volume.is_some() { "must be valid format" } else { PREFIX });
    } else if !is_initiator(iqn) {
        errors.invalid(&at.child("iqn"), iqn, "must be valid format");
    }
    lun(errors, source, at);
    let secret = get(source, "secretRef");
    if (flag(source, "chapAuthDiscovery") || flag(source, "chapAuthSession")) && secret.is_none() {
        errors.required(&at.child("secretRef"), "");
    }
    if volume.is_some()
        && let Some(secret) = secret
    {
        required(errors, secret, &["name"], &at.child("secretRef"));
    }
    if let Some(initiator) = initiator {
        let at = at.child("initiatorname");
        if !known(initiator) {
            errors.invalid(&at, initiator, if volume.is_some() { "must be valid format" } else { PREFIX });
        } else if !is_initiator(initiator) {
            errors.invalid(&at, initiator, "must be valid format");
        }
    }
}

fn lun(errors: &mut Errors, source: &Value, at: &At<'_>) {
    let lun = int(source, "lun").unwrap_or(0);
    if !(0..=255).contains(&lun) {
        errors.invalid(&at.child("lun"), lun, "must be between 0 and 255, inclusive");
    }
}

/// upstream: validateFCVolumeSource
fn fibre_channel(errors: &mut Errors, source: &Value, at: &At<'_>) {
    let (targets, ids) = (list(source, "targetWWNs"), list(source, "wwids"));
    if targets.is_empty() && ids.is_empty() {
        errors.required(&at.child("targetWWNs"), "must specify either targetWWNs or wwids, but not both");
    }
    if !targets.is_empty() && !ids.is_empty() {
        let detail = "targetWWNs and wwids can not be specified simultaneously";
        errors.invalid(&at.child("targetWWNs"), part(source, "targetWWNs"), detail);
    }
    if !targets.is_empty() {
        match get(source, "lun") {
            None => errors.required(&at.child("lun"), "lun is required if targetWWNs is specified"),
            Some(_) => lun(errors, source, at),
        }
    }
}

/// upstream: validateQuobyteVolumeSource
fn quobyte(errors: &mut Errors, source: &Value, at: &At<'_>) {
    let registry = text(source, "registry");
    let detail = "must be a host:port pair or multiple pairs separated by commas";
    if registry.is_empty() {
        errors.required(&at.child("registry"), detail);
    } else if text(source, "tenant").len() >= 65 {
        errors.required(&at.child("tenant"), "must be a UUID and may not exceed a length of 64 characters");
    } else {
        for pair in registry.split(',').filter(|p| !is_host_port(p)) {
            let _ = pair;
            errors.invalid(&at.child("registry"), registry, detail);
        }
    }
    required(errors, source, &["volume"], at);
}

/// Whether Go's `net.SplitHostPort` takes a text apart.
fn is_host_port(text: &str) -> bool {
    let Some(colon) = text.rfind(':') else { return false };
    if let Some(inner) = text.strip_prefix('[') {
        let Some(end) = inner.find(']').map(|i| i + 1) else { return false };
        return end + 1 == colon && !text[1..].contains('[') && !text[end + 1..].contains(']');
    }
    !text[..colon].contains(':') && !text.contains(['[', ']'])
}

/// upstream: validateAzureDisk
fn azure_disk(errors: &mut Errors, source: &Value, at: &At<'_>) {
    required(errors, source, &["diskName", "diskURI"], at);
    let caching = ["None", "ReadOnly", "ReadWrite"];
    if let Some(mode) = get(source, "cachingMode").and_then(Value::as_str)
        && !caching.contains(&mode)
    {
        errors.unsupported_json(&at.child("cachingMode"), mode, &caching);
    }
    let kinds = ["Dedicated", "Managed", "Shared"];
    let Some(kind) = get(source, "kind").and_then(Value::as_str) else { return };
    if !kinds.contains(&kind) {
        errors.unsupported_json(&at.child("kind"), kind, &kinds);
    }
    let uri = text(source, "diskURI");
    let managed = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
    let blob = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";
    if kind == "Managed" && !uri.starts_with("/subscriptions/") {
        errors.unsupported(&at.child("diskURI"), uri, &[managed]);
    }
    if kind != "Managed" && !uri.starts_with("https://") {
        errors.unsupported(&at.child("diskURI"), uri, &[blob]);
    }
}

/// upstream: ValidateCSIDriverName
pub(super) fn csi_driver(errors: &mut Errors, driver: &str, at: &At<'_>) {
    if driver.is_empty() {
        return errors.required(at, "");
    }
    if driver.len() > 63 {
        errors.too_long(at, 63);
    }
    errors.invalid_text(at, driver, names::dns1123_subdomain(&driver.to_lowercase()));
}

fn mode(errors: &mut Errors, value: &Value, key: &str, at: &At<'_>) {
    if let Some(mode) = int(value, key)
        && !(0..=0o777).contains(&mode)
    {
        errors.invalid(&at.child(key), mode, MODE);
    }
}

fn default_mode(errors: &mut Errors, source: &Value, at: &At<'_>) {
    mode(errors, source, "defaultMode", at);
}

fn files(errors: &mut Errors, source: &Value, at: &At<'_>) {
    default_mode(errors, source, at);
    for (i, item) in list(source, "items").iter().enumerate() {
        key_to_path(errors, item, &at.item("items", i));
    }
}

/// upstream: validateKeyToPath
fn key_to_path(errors: &mut Errors, item: &Value, at: &At<'_>) {
    required(errors, item, &["key", "path"], at);
    unreserved_path(errors, text(item, "path"), &at.child("path"));
    mode(errors, item, "mode", at);
}

const FIELDS_OF_VOLUME: &[&str] = &["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/// upstream: validateDownwardAPIVolumeFile
fn downward_file(errors: &mut Errors, file: &Value, at: &At<'_>) {
    required(errors, file, &["path"], at);
    unreserved_path(errors, text(file, "path"), &at.child("path"));
    let resource = get(file, "resourceFieldRef");
    match (get(file, "fieldRef"), resource) {
        (Some(reference), other) => {
            field_reference(errors, reference, FIELDS_OF_VOLUME, &at.child("fieldRef"));
            if other.is_some() {
                errors.invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
            }
        }
        (None, Some(reference)) => resource_reference(errors, reference, true, &at.child("resourceFieldRef")),
        (None, None) => errors.required(at, "one of fieldRef and resourceFieldRef is required"),
    }
    mode(errors, file, "mode", at);
}

/// upstream: validateProjectedVolumeSource, validateProjectionSources
fn projected(errors: &mut Errors, source: &Value, at: &At<'_>) {
    default_mode(errors, source, at);
    let mut seen = BTreeSet::new();
    for (i, source) in list(source, "sources").iter().enumerate() {
        let here = at.item("sources", i);
        let mut count = 0;
        for kind in ["secret", "configMap"] {
            let Some(projection) = get(source, kind) else { continue };
            count += 1;
            let here = here.child(kind);
            required(errors, projection, &["name"], &here);
            for (j, item) in list(projection, "items").iter().enumerate() {
                key_to_path(errors, item, &here.item("items", j));
                let path = text(item, "path");
                if !path.is_empty() && !seen.insert(path) {
                    errors.invalid(at, text(projection, "name"), "conflicting duplicate paths");
                }
            }
        }
        if let Some(projection) = get(source, "downwardAPI") {
            count += 1;
            for file in list(projection, "items") {
                downward_file(errors, file, &here.child("downwardAPI"));
                let path = text(file, "path");
                if !path.is_empty() && !seen.insert(path) {
                    errors.invalid(at, path, "conflicting duplicate paths");
                }
            }
        }
        if let Some(token) = get(source, "serviceAccountToken") {
            count += 1;
            let seconds = int(token, "expirationSeconds").unwrap_or(0);
            let place = here.child("serviceAccountToken.expirationSeconds");
            if seconds < 600 {
                errors.invalid(&place, seconds, "may not specify a duration less than 10 minutes");
            }
            if seconds > 1 << 32 {
                errors.invalid(&place, seconds, "may not specify a duration larger than 2^32 seconds");
            }
            match text(token, "path") {
                "" => errors.required(&at.child("path"), ""),
                path => unreserved_path(errors, path, &at.child("path")),
            }
        }
        if count > 1 {
            errors.forbidden(&here, "may not specify more than 1 volume type per source");
        }
    }
}

/// The claims that volumes name. upstream: part of ValidatePodSpec
pub(super) fn tokens_without_account(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    if !text(spec, "serviceAccountName").is_empty() {
        return;
    }
    for (i, volume) in list(spec, "volumes").iter().enumerate() {
        for (j, source) in list(part(volume, "projected"), "sources").iter().enumerate() {
            if get(source, "serviceAccountToken").is_some() {
                let at = at.item("volumes", i);
                let at = at.item("projected.sources", j);
                errors.forbidden(&at.child("serviceAccountToken"), "must not be specified when serviceAccountName is not set");
            }
        }
    }
}

/// Whether a list of strings has an item. Used for access modes.
pub(super) fn contains(value: &Value, key: &str, item: &str) -> bool {
    texts(value, key).any(|t| t == item)
}
