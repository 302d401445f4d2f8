//! `host-path-type-invalid`: reports a `hostPath.type` that Kubernetes does not know.

use crate::diagnostic::similar;
use crate::lint::context::Context;

const TYPES: &[&str] = &["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"];

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for volume in pod.spec.items("volumes") {
            let Some(kind) = volume.get("hostPath.type") else { continue };
            if let Some(text) = kind.str().filter(|t| !TYPES.contains(t)) {
                let help = similar(text, TYPES[1..].iter().copied())
                    .map_or_else(|| format!("one of {}", TYPES[1..].join(", ")), |t| format!("did you mean `{t}`?"));
                cx.report(kind, format!("`{text}` is not a hostPath type"), help);
            }
        }
    }
}
