//! `secret-type-missing-keys`: reports a Secret without the keys that its type asks for.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::field::Place;

/// The keys of each type; of the second list one is enough.
const TYPES: &[(&str, &[&str], &[&str])] = &[
    ("kubernetes.io/tls", &["tls.crt", "tls.key"], &[]),
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"], &[]),
    ("kubernetes.io/dockercfg", &[".dockercfg"], &[]),
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"], &[]),
    ("kubernetes.io/basic-auth", &[], &["username", "password"]),
];

pub(super) fn check(cx: &Context) {
    for secret in cx.all("Secret") {
        let Some((_, all, any)) = TYPES.iter().find(|(t, _, _)| secret.text("type") == Some(t)) else { continue };
        let has = |key: &str| ["data", "stringData"].iter().any(|m| secret.get(m).is_some_and(|d| d.key(key).is_some()));
        let list = if secret.has("data") || !secret.has("stringData") { "data" } else { "stringData" };
        let missing = all.iter().find(|k| !has(k)).or_else(|| any.first().filter(|_| !any.iter().any(|k| has(k))));
        if let Some(key) = missing {
            let place = Place { object: secret.object, path: secret.place(list).path.key(key) };
            cx.report(place, format!("a Secret of this type needs the key {key}"), "add the key");
        }
        // What is no JSON gives no credentials; what is no base64 has a rule of its own.
        let key = match secret.text("type") {
            Some("kubernetes.io/dockerconfigjson") => ".dockerconfigjson",
            Some("kubernetes.io/dockercfg") => ".dockercfg",
            _ => continue,
        };
        let plain = secret.get("stringData").and_then(|d| d.key(key));
        let coded = secret.get("data").and_then(|d| d.key(key));
        let text = plain.as_ref().and_then(Field::str).map(|t| t.as_bytes().to_vec());
        let text = text.or_else(|| data_encoding::BASE64.decode(coded.as_ref()?.str()?.as_bytes()).ok());
        let readable = |text: &[u8]| serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(text).is_ok();
        if let Some(field) = plain.or(coded).filter(|_| text.is_some_and(|t| !readable(&t))) {
            cx.report(field, format!("{key} is no JSON object"), "write it as `kubectl create secret docker-registry` does");
        }
    }
}
