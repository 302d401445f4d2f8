//! Defaults of volumes and claims. upstream: pkg/apis/core/v1/defaults.go

use serde_json::Value;
use serde_json::json;

use super::super::resource_sums;
use super::{absent, existing, items, set, text, zero};

/// The defaults of what volumes of pods and persistent volumes share.
pub(super) fn source(volume: &mut Value) {
    if let Some(v) = existing(volume, "hostPath") {
        absent(v, "type", "");
    }
    if let Some(v) = existing(volume, "iscsi") {
        zero(v, "iscsiInterface", "default");
    }
    if let Some(v) = existing(volume, "rbd") {
        zero(v, "pool", "rbd");
        zero(v, "user", "admin");
        zero(v, "keyring", "/etc/ceph/keyring");
    }
    if let Some(v) = existing(volume, "azureDisk") {
        absent(v, "cachingMode", "ReadWrite");
        absent(v, "fsType", "ext4");
        absent(v, "readOnly", false);
        absent(v, "kind", "Shared");
    }
    if let Some(v) = existing(volume, "scaleIO") {
        zero(v, "storageMode", "ThinProvisioned");
        zero(v, "fsType", "xfs");
    }
}

fn field_refs(holder: &mut Value) {
    for item in items(holder, "items") {
        if let Some(reference) = existing(item, "fieldRef") {
            zero(reference, "apiVersion", "v1");
        }
    }
}

/// The pull policy of an image without one.
pub(super) fn pull_policy(image: &str) -> &'static str {
    // A reference that cannot be read has no tag, and then the policy of a fixed one.
    match tag_of(image) {
        Some(tag) if tag == "latest" => "Always",
        _ => "IfNotPresent",
    }
}

/// The tag of an image: `latest` when it names neither tag nor digest. upstream: pkg/util/parsers
fn tag_of(image: &str) -> Option<String> {
    if image.is_empty() || image.chars().any(char::is_whitespace) {
        return None;
    }
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let (path, tag) = match name.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (name, None),
    };
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(tag) = tag {
        let shaped = tag.len() <= 128 && tag.starts_with(word) && tag.chars().all(|c| word(c) || matches!(c, '.' | '-'));
        if !shaped {
            return None;
        }
    }
    if let Some(digest) = digest {
        let shaped = digest.split_once(':').is_some_and(|(algorithm, hex)| {
            algorithm.starts_with(|c: char| c.is_ascii_alphabetic()) && hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit())
        });
        if !shaped {
            return None;
        }
    }
    let parts: Vec<&str> = path.split('/').collect();
    let domain =
        parts.len() > 1 && (parts[0].contains(['.', ':']) || parts[0] == "localhost" || parts[0].chars().any(|c| c.is_ascii_uppercase()));
    let component = |p: &str| {
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        p.starts_with(edge)
            && p.ends_with(edge)
            && p.chars().all(|c| edge(c) || matches!(c, '.' | '_' | '-'))
            && !p.contains("..")
            && !p.contains("___")
            && !p.contains("._")
            && !p.contains("_.")
            && !p.contains("-.")
            && !p.contains(".-")
    };
    if path.is_empty() || !parts[usize::from(domain)..].iter().all(|p| component(p)) {
        return None;
    }
    match (tag, digest) {
        (Some(tag), _) => Some(tag.to_owned()),
        (None, Some(_)) => None,
        (None, None) => Some("latest".to_owned()),
    }
}

/// upstream: SetDefaults_Volume and what is generated around it
pub(super) fn volume(volume: &mut Value) {
    let sources = volume.as_object().is_some_and(|m| m.iter().any(|(k, v)| k != "name" && !v.is_null()));
    if !sources {
        set(volume, "emptyDir", json!({}));
    }
    if let Some(image) = existing(volume, "image") {
        let policy = pull_policy(text(image, "reference"));
        zero(image, "pullPolicy", policy);
    }
    source(volume);
    for kind in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(v) = existing(volume, kind) {
            absent(v, "defaultMode", 0o644);
        }
    }
    if let Some(v) = existing(volume, "downwardAPI") {
        field_refs(v);
    }
    if let Some(v) = existing(volume, "projected") {
        for source in items(v, "sources") {
            if let Some(api) = existing(source, "downwardAPI") {
                field_refs(api);
            }
            if let Some(token) = existing(source, "serviceAccountToken") {
                absent(token, "expirationSeconds", 3600);
            }
        }
    }
    if let Some(template) = existing(volume, "ephemeral").and_then(|v| existing(v, "volumeClaimTemplate")) {
        if let Some(spec) = super::object(template, "spec") {
            claim_spec(spec);
        }
    }
}

/// upstream: SetDefaults_PersistentVolumeClaimSpec
pub(super) fn claim_spec(spec: &mut Value) {
    absent(spec, "volumeMode", "Filesystem");
    if let Some(r) = existing(spec, "resources") {
        resource_sums::round_up(r, "limits");
        resource_sums::round_up(r, "requests");
    }
}
