//! `sensitive-config-map`: reports a ConfigMap entry that looks secret.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for map in cx.all("ConfigMap") {
        for (key, value) in map.entries("data") {
            let Some(text) = value.str().filter(|t| !t.is_empty()) else { continue };
            let name = key.to_ascii_uppercase().replace(['-', '.'], "_");
            let pointer = ["_FILE", "_PATH", "_URL", "_NAME", "_DIR", "_TTL"].iter().any(|s| name.ends_with(s)) || text.starts_with('/');
            let named = ["PASSWORD", "PASSWD", "SECRET_KEY", "API_KEY", "APIKEY", "ACCESS_TOKEN", "AUTH_TOKEN", "PRIVATE_KEY"];
            let looks = !pointer && !text.contains('\n') && named.iter().any(|n| name.contains(n));
            if looks || text.contains("PRIVATE KEY-----") {
                cx.report(value, format!("`{key}` looks like a secret"), "move it to a Secret");
            }
        }
    }
}
