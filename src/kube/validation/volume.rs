//! Volumes of pods. upstream: pkg/apis/core/validation

use serde_json::Value;

use super::super::field::Path;
use super::super::names;
use super::{Errors, core, get, int, list, text};

const VOLUME_SOURCES: &[&str] = &[
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "flocker",
    "downwardAPI",
    "fc",
    "configMap",
    "azureFile",
    "flexVolume",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "storageos",
    "photonPersistentDisk",
    "projected",
    "portworxVolume",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

/// upstream: ValidateVolumes
pub(super) fn volumes<'a>(errors: &mut Errors, spec: &'a Value, path: &Path) -> Vec<(&'a str, bool)> {
    let mut out: Vec<(&str, bool)> = Vec::new();
    for (i, volume) in list(spec, "volumes").iter().enumerate() {
        let at = path.index(i);
        let mut own = Errors::default();
        let mut sources = VOLUME_SOURCES.iter().filter(|s| get(volume, s).is_some());
        if let Some(first) = sources.next() {
            volume_source(&mut own, first, get(volume, first).unwrap_or(&Value::Null), &at);
        }
        for more in sources {
            // The server's own spelling of these two.
            let field = match *more {
                "cephfs" => "cephFS",
                "downwardAPI" => "downwarAPI",
                other => other,
            };
            own.forbidden(&at.child(field), "may not specify more than 1 volume type");
        }
        let name = text(volume, "name");
        if name.is_empty() {
            own.required(&at.child("name"), "");
        } else {
            own.invalid_text(&at.child("name"), name, names::dns1123_label(name));
        }
        if out.iter().any(|(n, _)| *n == name) {
            own.duplicate(&at.child("name"), name);
        }
        if own.0.is_empty() {
            out.push((name, get(volume, "persistentVolumeClaim").is_some() || get(volume, "ephemeral").is_some()));
        } else {
            errors.0.append(&mut own.0);
        }
    }
    out
}

fn backsteps(errors: &mut Errors, value: &str, path: &Path) {
    if value.split('/').any(|part| part == "..") {
        errors.invalid_text(path, value, vec!["must not contain '..'".to_owned()]);
    }
}

pub(super) fn descending(errors: &mut Errors, value: &str, path: &Path) {
    if value.starts_with('/') {
        errors.invalid_text(path, value, vec!["must be a relative path".to_owned()]);
    }
    backsteps(errors, value, path);
}

fn file_mode(errors: &mut Errors, mode: Option<i64>, path: &Path) {
    if let Some(mode) = mode.filter(|m| !(0..=0o777).contains(m)) {
        let detail = "must be a number between 0 and 0777 (octal), both inclusive".to_owned();
        errors.invalid_number(path, mode, vec![detail]);
    }
}

fn volume_source(errors: &mut Errors, kind: &str, source: &Value, path: &Path) {
    let at = path.child(kind);
    let require = |errors: &mut Errors, field: &str| {
        if text(source, field).is_empty() {
            errors.required(&at.child(field), "");
        }
    };
    match kind {
        "hostPath" => {
            let value = text(source, "path");
            if value.is_empty() {
                errors.required(&at.child("path"), "");
            } else {
                backsteps(errors, value, &at.child("path"));
            }
        }
        "persistentVolumeClaim" => require(errors, "claimName"),
        "nfs" => {
            require(errors, "server");
            require(errors, "path");
            let value = text(source, "path");
            if !value.is_empty() && !value.starts_with('/') {
                errors.invalid_text(&at.child("path"), value, vec!["must be an absolute path".to_owned()]);
            }
        }
        "secret" | "configMap" => {
            require(errors, if kind == "secret" { "secretName" } else { "name" });
            file_mode(errors, int(source, "defaultMode"), &at.child("defaultMode"));
            items(errors, source, &at.child("items"));
        }
        "downwardAPI" => {
            file_mode(errors, int(source, "defaultMode"), &at.child("defaultMode"));
            for file in list(source, "items") {
                downward_file(errors, file, &at);
            }
        }
        "projected" => projected(errors, source, &at),
        "csi" => match text(source, "driver") {
            "" => errors.required(&at.child("driver"), ""),
            driver => {
                if driver.len() > 63 {
                    errors.too_long(&at.child("driver"), 63);
                }
                errors.invalid_text(&at.child("driver"), driver, names::dns1123_subdomain(&driver.to_lowercase()));
            }
        },
        "ephemeral" => match get(source, "volumeClaimTemplate") {
            None => errors.required(&at.child("volumeClaimTemplate"), ""),
            Some(template) => {
                let spec = get(template, "spec").unwrap_or(&Value::Null);
                core::claim(errors, spec, &at.child("volumeClaimTemplate.spec"));
            }
        },
        "gcePersistentDisk" if text(source, "pdName").is_empty() => errors.required(&path.child("persistentDisk.pdName"), ""),
        "cephfs" if list(source, "monitors").is_empty() => errors.required(&at.child("monitors"), ""),
        "rbd" => {
            if list(source, "monitors").is_empty() {
                errors.required(&at.child("monitors"), "");
            }
            require(errors, "image");
        }
        _ => {
            let required: &[&str] = match kind {
                "gitRepo" => &["repository"],
                "awsElasticBlockStore" | "cinder" | "portworxVolume" => &["volumeID"],
                "glusterfs" => &["endpoints", "path"],
                "azureFile" => &["secretName", "shareName"],
                "azureDisk" => &["diskName", "diskURI"],
                "flexVolume" => &["driver"],
                "vsphereVolume" => &["volumePath"],
                "photonPersistentDisk" => &["pdID"],
                "scaleIO" => &["gateway", "system", "volumeName"],
                "storageos" => &["volumeName"],
                _ => &[],
            };
            required.iter().for_each(|field| require(errors, field));
        }
    }
}

/// upstream: validateKeyToPath
fn items(errors: &mut Errors, source: &Value, path: &Path) {
    for (i, item) in list(source, "items").iter().enumerate() {
        let at = path.index(i);
        if text(item, "key").is_empty() {
            errors.required(&at.child("key"), "");
        }
        let value = text(item, "path");
        if value.is_empty() {
            errors.required(&at.child("path"), "");
        }
        unreserved(errors, value, &at.child("path"));
        file_mode(errors, int(item, "mode"), &at.child("mode"));
    }
}

/// upstream: ValidateLocalNonReservedPath
fn unreserved(errors: &mut Errors, value: &str, path: &Path) {
    descending(errors, value, path);
    if value.starts_with("..") && !value.starts_with("../") {
        errors.invalid_text(path, value, vec!["must not start with '..'".to_owned()]);
    }
}

/// upstream: validateDownwardAPIVolumeFile
fn downward_file(errors: &mut Errors, file: &Value, path: &Path) {
    let value = text(file, "path");
    if value.is_empty() {
        errors.required(&path.child("path"), "");
    }
    unreserved(errors, value, &path.child("path"));
    match (get(file, "fieldRef"), get(file, "resourceFieldRef")) {
        (None, None) => errors.required(path, "one of fieldRef and resourceFieldRef is required"),
        (Some(_), Some(_)) => {
            let detail = "fieldRef and resourceFieldRef can not be specified simultaneously".to_owned();
            errors.invalid_text(path, "resource", vec![detail]);
        }
        (Some(field), None) if text(field, "fieldPath").is_empty() => errors.required(&path.child("fieldRef.fieldPath"), ""),
        _ => {}
    }
    file_mode(errors, int(file, "mode"), &path.child("mode"));
}

/// upstream: validateProjectionSources
fn projected(errors: &mut Errors, source: &Value, path: &Path) {
    file_mode(errors, int(source, "defaultMode"), &path.child("defaultMode"));
    let mut seen: Vec<&str> = Vec::new();
    for (i, part) in list(source, "sources").iter().enumerate() {
        let at = path.child("sources").index(i);
        let mut count = 0;
        for kind in ["secret", "configMap", "downwardAPI"] {
            let Some(inner) = get(part, kind) else { continue };
            count += 1;
            let at = at.child(kind);
            let name = text(inner, "name");
            if kind == "downwardAPI" {
                list(inner, "items").iter().for_each(|file| downward_file(errors, file, &at));
            } else {
                if name.is_empty() {
                    errors.required(&at.child("name"), "");
                }
                items(errors, inner, &at.child("items"));
            }
            for file in list(inner, "items").iter().map(|item| text(item, "path")).filter(|f| !f.is_empty()) {
                if seen.contains(&file) {
                    let shown = if kind == "downwardAPI" { file } else { name };
                    errors.invalid_text(path, shown, vec!["conflicting duplicate paths".to_owned()]);
                } else {
                    seen.push(file);
                }
            }
        }
        if let Some(token) = get(part, "serviceAccountToken") {
            count += 1;
            let seconds = int(token, "expirationSeconds").unwrap_or(3600);
            if seconds < 600 {
                let detail = "may not specify a duration less than 10 minutes".to_owned();
                errors.invalid_number(&at.child("serviceAccountToken.expirationSeconds"), seconds, vec![detail]);
            }
            match text(token, "path") {
                "" => errors.required(&path.child("path"), ""),
                value => unreserved(errors, value, &path.child("path")),
            }
        }
        if count > 1 {
            errors.forbidden(&at, "may not specify more than 1 volume type per source");
        }
    }
}
