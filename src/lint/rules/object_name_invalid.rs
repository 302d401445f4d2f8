//! `object-name-invalid`: reports a name that breaks the rule of its kind.

use crate::lint::context::Context;
use crate::lint::context::group;

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        let Some(name) = object.get("metadata.name") else { continue };
        let Some(text) = name.str().filter(|t| !t.is_empty()) else { continue };
        let kind = object.object.id.kind.as_str();
        let good = match kind {
            // Names of RBAC objects are path segments: nearly everything is allowed.
            "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => !matches!(text, "." | "..") && !text.contains(['/', '%']),
            "Service" if group(object.object).is_empty() => label(text) && text.as_bytes()[0].is_ascii_lowercase(),
            "Namespace" => label(text),
            _ => text.len() <= 253 && text.split('.').all(part),
        };
        if !good {
            cx.report(
                name,
                format!("`{text}` is not a name for a {kind}"),
                "use lower-case letters, digits and `-`, and start and end with a letter or digit",
            );
        }
    }
}

fn label(text: &str) -> bool {
    text.len() <= 63 && part(text)
}

fn part(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}
