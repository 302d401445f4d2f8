//! `secret-type-missing-keys`: reports a Secret without the keys that its type asks for.

use crate::lint::context::Context;
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
    }
}
