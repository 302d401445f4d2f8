//! Environment variables that look secret and stand in plain text.

use super::context::Context;

/// Reports variables whose name holds one of these words and none of the others, and whose value is written out.
pub(super) fn report(cx: &Context, words: &[&str], others: &[&str]) {
    for (_, container) in cx.containers() {
        for variable in container.field.items("env") {
            let name = variable.text("name").unwrap_or("").to_ascii_uppercase();
            let Some(value) = variable.get("value") else { continue };
            // A file name, an address or a reference to another variable is not the secret itself.
            let pointer = ["_FILE", "_PATH", "_URL", "_NAME", "_DIR", "_TTL", "_EXPIRY", "_CMD", "_COMMAND", "_CLUSTER_TOKEN"]
                .iter()
                .any(|s| name.ends_with(s));
            let literal = value.str().is_some_and(|v| {
                !v.is_empty() && !v.starts_with("$(") && !v.starts_with('/') && !v.contains("=/") && !is_switch(v) && !is_amount(&name, v)
            });
            if literal && !pointer && name != "PWD" && words.iter().any(|p| name.contains(p)) && !others.iter().any(|p| name.contains(p)) {
                cx.report(value, format!("`{name}` holds a secret in plain text"), "use valueFrom.secretKeyRef");
            }
        }
    }
}

/// `ALLOW_EMPTY_PASSWORD=yes` says something about a password and is none.
fn is_switch(value: &str) -> bool {
    ["true", "false", "yes", "no", "on", "off", "enabled", "disabled", "0", "1"].contains(&value.to_ascii_lowercase().as_str())
}

/// `NUM_TOKENS=256` counts something.
fn is_amount(name: &str, value: &str) -> bool {
    let counts = name.split('_').any(|word| ["NUM", "COUNT", "MAX", "MIN", "LENGTH", "SIZE", "TOKENS", "SECONDS"].contains(&word));
    counts && value.bytes().all(|b| b.is_ascii_digit())
}
