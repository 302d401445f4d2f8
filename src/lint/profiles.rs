//! Profiles: named choices of rules.

use super::Options;
use super::rules;
use crate::diagnostic::Severity;

/// The names of all profiles.
pub const PROFILES: &[&str] = &["default", "strict", "security", "restricted", "helm", "all"];

/// What is off by default and serves security.
const SECURITY: &[&str] = &[
    "automount-service-account-token",
    "control-plane-flags",
    "default-service-account",
    "delete-logs-events",
    "exposed-load-balancer",
    "host-users",
    "image-no-digest",
    "low-gid",
    "low-uid",
    "manage-config-maps",
    "manage-network-objects",
    "missing-security-context",
    "namespace-no-pod-security-label",
    "non-isolated-pod",
    "port-forward",
    "privileged-ports",
    "pull-policy-not-always",
    "read-secret-from-env-var",
    "secret-in-manifest",
    "sub-path-expr-symlink",
    "tpl-on-user-value",
];

/// What the restricted Pod Security Standard refuses.
const RESTRICTED: &[&str] = &[
    "added-capabilities",
    "app-armor-unconfined",
    "dangerous-capabilities",
    "drop-all-capabilities",
    "host-ipc",
    "host-network",
    "host-path-volume",
    "host-pid",
    "host-port",
    "privilege-escalation",
    "privileged-container",
    "restricted-capabilities",
    "restricted-volume-types",
    "run-as-non-root",
    "run-as-user-zero",
    "se-linux-options",
    "seccomp-profile-unset",
    "seccomp-unconfined",
    "unsafe-proc-mount",
    "unsafe-sysctls",
    "windows-host-process",
];

/// Matters of a team's taste or policy, which only the profile `all` brings.
const TASTE: &[&str] = &[
    "cpu-limit-set",
    "env-label",
    "instance-label-mismatch",
    "line-too-long",
    "no-node-affinity",
    "required-annotation-email",
    "required-label-owner",
    "sorted-keys",
    "unnamed-port",
    "use-namespace",
    "values-undocumented",
];

/// What a profile runs; `None` when there is none of that name.
pub fn profile(name: &str) -> Option<Options> {
    let all = || rules::RULES.iter().map(|r| r.id);
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let mut options = Options::default();
    match name {
        "default" => {}
        "strict" => options.enable = all().filter(|id| !TASTE.contains(id)).map(str::to_owned).collect(),
        "security" => options.enable = owned(SECURITY),
        "restricted" => {
            options.enable = [owned(SECURITY), owned(RESTRICTED)].concat();
            options.severities = owned(RESTRICTED).into_iter().map(|id| (id, Severity::Error)).collect();
        }
        "helm" => options.only = rules::RULES.iter().filter(|r| r.kinds.contains("chart")).map(|r| r.id.to_owned()).collect(),
        "all" => options.enable = all().map(str::to_owned).collect(),
        _ => return None,
    }
    Some(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_name_rules_that_exist() {
        for id in SECURITY.iter().chain(RESTRICTED).chain(TASTE) {
            assert!(rules::RULES.iter().any(|r| r.id == *id), "{id}");
        }
        for name in PROFILES {
            assert!(profile(name).is_some(), "{name}");
        }
    }
}
