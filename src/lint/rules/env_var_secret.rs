//! `env-var-secret`: reports an environment variable that looks secret and has a literal value.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for variable in container.field.items("env") {
            let name = variable.text("name").unwrap_or("").to_ascii_uppercase();
            let Some(value) = variable.get("value") else { continue };
            // A file name, an address or a reference to another variable is not the secret itself.
            let pointer = ["_FILE", "_PATH", "_URL", "_NAME", "_DIR", "_TTL", "_EXPIRY"].iter().any(|s| name.ends_with(s));
            let literal = value.str().is_some_and(|v| !v.is_empty() && !v.starts_with("$(") && !v.starts_with('/'));
            if literal
                && !pointer
                && name != "PWD"
                && ["SECRET", "TOKEN", "PASSWORD", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL"]
                    .iter()
                    .any(|p| name.contains(p))
            {
                cx.report(value, format!("`{name}` holds a secret in plain text"), "use valueFrom.secretKeyRef");
            }
        }
    }
}
