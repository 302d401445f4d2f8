//! `ingress-duplicate-path`: reports a host and path that two Ingress rules of one class serve with different
//! backends.

use std::collections::BTreeMap;

use crate::lint::context::Context;
use serde_json::Value;

pub(super) fn check(cx: &Context) {
    let mut seen: BTreeMap<_, &Value> = BTreeMap::new();
    for ingress in cx.all("Ingress") {
        let class = ingress.text("spec.ingressClassName").unwrap_or("");
        for rule in ingress.items("spec.rules") {
            for path in rule.items("http.paths") {
                let Some(backend) = path.get("backend") else { continue };
                let key = (class, rule.text("host"), path.text("path").unwrap_or("/"), path.text("pathType"));
                // Another namespace's Service of the same name is another backend, but such a pair is rare and often canary.
                if seen.insert(key, backend.value).is_some_and(|first| first != backend.value) {
                    let place = if path.has("path") { path.place("path") } else { (&path).into() };
                    cx.report(place, "another rule serves this host and path with another backend", "keep one of them");
                }
            }
        }
    }
}
