//! Objects that are judged by less: what Helm runs and forgets (hooks, and the pods of `helm test`), and Windows pods.

use super::context;
use crate::kube::Object;

/// Rules about how long-running workloads are kept safe, sized and probed: a test that runs for seconds, by hand and
/// behind everything else, owes none of that.
const NOT_FOR_TESTS: &[&str] = &[
    "automount-service-account-token",
    "bare-pod",
    "default-service-account",
    "drop-all-capabilities",
    "drop-net-raw",
    "host-users",
    "image-no-digest",
    "latest-tag",
    "low-gid",
    "low-uid",
    "missing-security-context",
    "mutable-tag-if-not-present",
    "name-not-truncated",
    "no-liveness-probe",
    "no-read-only-root-fs",
    "no-readiness-probe",
    "non-isolated-pod",
    "privilege-escalation",
    "pull-policy-not-always",
    "run-as-non-root",
    "run-as-root-group",
    "seccomp-profile-unset",
    "unset-cpu-limits",
    "unset-cpu-requests",
    "unset-ephemeral-storage",
    "unset-memory-limits",
    "unset-memory-requests",
];

/// Rules about what only Linux has: capabilities, users and groups by number, profiles of the kernel, and a DNS policy.
const NOT_FOR_WINDOWS: &[&str] = &[
    "added-capabilities",
    "app-armor-unconfined",
    "drop-all-capabilities",
    "drop-net-raw",
    "host-network-dns-policy",
    "host-pid",
    "host-users",
    "low-gid",
    "low-uid",
    "missing-security-context",
    "no-read-only-root-fs",
    "privilege-escalation",
    "restricted-capabilities",
    "run-as-non-root",
    "run-as-root-group",
    "run-as-user-zero",
    "se-linux-options",
    "seccomp-profile-unset",
    "seccomp-unconfined",
];

/// Whether an object makes pods for Windows nodes.
fn on_windows(object: &Object) -> bool {
    let Some(pod) = context::pod(object) else { return false };
    let system = pod.spec.text("os.name").or_else(|| pod.spec.get("nodeSelector")?.key("kubernetes.io/os")?.str());
    system == Some("windows") || system.is_none() && pod.spec.has("securityContext.windowsOptions")
}

fn hooks(object: &Object) -> impl Iterator<Item = &str> {
    let hook = object.value.pointer("/metadata/annotations/helm.sh~1hook").and_then(|h| h.as_str()).unwrap_or("");
    hook.split(',').map(str::trim).filter(|h| !h.is_empty())
}

/// Whether an object is a hook of Helm.
pub(super) fn is_hook(object: &Object) -> bool {
    hooks(object).next().is_some()
}

/// Whether a rule does not speak about an object: `helm test` runs it, or it is for Windows nodes.
pub(super) fn spared(rule: &str, object: &Object) -> bool {
    NOT_FOR_TESTS.contains(&rule) && hooks(object).any(|h| h.starts_with("test")) || NOT_FOR_WINDOWS.contains(&rule) && on_windows(object)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_rules_exist() {
        for id in super::NOT_FOR_TESTS.iter().chain(super::NOT_FOR_WINDOWS) {
            assert!(crate::lint::page(id).is_some(), "{id}");
        }
    }
}
