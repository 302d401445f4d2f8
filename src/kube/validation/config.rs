//! ConfigMaps and Secrets. upstream: pkg/apis/core/validation

use serde_json::Value;

use super::super::field::Path;
use super::super::names;
use super::{Errors, get, strings, text_or};

const MAX_SIZE: usize = 1024 * 1024;

/// The length of what a base64 text holds.
fn decoded_len(text: &str) -> usize {
    let digits = text.bytes().filter(|b| !matches!(b, b'=' | b'\r' | b'\n')).count();
    digits * 3 / 4
}

/// upstream: ValidateConfigMap
pub(super) fn config_map(errors: &mut Errors, object: &Value) {
    let binary = strings(object, "binaryData");
    let mut size = 0;
    for (key, value) in strings(object, "data") {
        let path = Path::new("data").key(key);
        errors.invalid_text(&path, key, names::config_key(key));
        if binary.iter().any(|(k, _)| *k == key) {
            errors.invalid_text(&path, key, vec!["duplicate of key present in binaryData".to_owned()]);
        }
        size += value.len();
    }
    for (key, value) in binary {
        errors.invalid_text(&Path::new("binaryData").key(key), key, names::config_key(key));
        size += decoded_len(value);
    }
    if size > MAX_SIZE {
        errors.too_long(&Path::new(""), MAX_SIZE);
    }
}

/// upstream: ValidateSecret
pub(super) fn secret(errors: &mut Errors, object: &Value) {
    let path = Path::new("data");
    // stringData overrides data before validation.
    let plain = strings(object, "stringData");
    let mut data: Vec<(&str, usize)> = plain.iter().map(|(k, v)| (*k, v.len())).collect();
    for (key, value) in strings(object, "data") {
        if !plain.iter().any(|(k, _)| *k == key) {
            data.push((key, decoded_len(value)));
        }
    }
    for (key, _) in &data {
        errors.invalid_text(&path.key(key), key, names::config_key(key));
    }
    if data.iter().map(|(_, n)| n).sum::<usize>() > MAX_SIZE {
        errors.too_long(&path, MAX_SIZE);
    }
    let has = |key: &str| data.iter().any(|(k, _)| *k == key);
    let filled = |key: &str| data.iter().any(|(k, n)| *k == key && *n > 0);
    match text_or(object, "type", "Opaque") {
        "kubernetes.io/service-account-token" => {
            let annotation = "kubernetes.io/service-account.name";
            let meta = get(object, "metadata").unwrap_or(&Value::Null);
            if !strings(meta, "annotations").iter().any(|(k, v)| *k == annotation && !v.is_empty()) {
                errors.required(&Path::new("metadata").child("annotations").key(annotation), "");
            }
        }
        "kubernetes.io/dockercfg" if !has(".dockercfg") => errors.required(&path.key(".dockercfg"), ""),
        "kubernetes.io/dockerconfigjson" if !has(".dockerconfigjson") => errors.required(&path.key(".dockerconfigjson"), ""),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            errors.required(&path.key("username"), "");
            errors.required(&path.key("password"), "");
        }
        "kubernetes.io/ssh-auth" if !filled("ssh-privatekey") => errors.required(&path.key("ssh-privatekey"), ""),
        "kubernetes.io/tls" => {
            for key in ["tls.crt", "tls.key"] {
                if !has(key) {
                    errors.required(&path.key(key), "");
                }
            }
        }
        _ => {}
    }
}
