//! The registry: one line per rule declares its module, lists it and embeds its page.

use std::sync::LazyLock;

use super::Rule;
use super::context::Context;
use crate::diagnostic::Severity;

/// A rule as registered.
pub(super) struct Entry {
    /// Its id.
    pub(super) id: &'static str,
    /// Its page.
    pub(super) page: &'static str,
    /// Its code.
    pub(super) check: fn(&Context),
}

macro_rules! rules {
    ($($module:ident = $id:literal,)*) => {
        $(mod $module;)*

        /// All rules in order.
        pub(super) static ALL: &[Entry] = &[$(Entry {
            id: $id,
            page: include_str!(concat!("../../rules/", $id, ".md")),
            check: $module::check,
        }),*];
    };
}

rules! {
    added_capabilities = "added-capabilities",
    app_armor_unconfined = "app-armor-unconfined",
    configmap_key_missing = "configmap-key-missing",
    container_runtime_socket = "container-runtime-socket",
    dangerous_capabilities = "dangerous-capabilities",
    dangling_hpa = "dangling-hpa",
    dangling_ingress = "dangling-ingress",
    dangling_networkpolicy = "dangling-networkpolicy",
    dangling_networkpolicy_peer = "dangling-networkpolicy-peer",
    dangling_pdb = "dangling-pdb",
    dangling_service = "dangling-service",
    deprecated_service_account_field = "deprecated-service-account-field",
    drop_all_capabilities = "drop-all-capabilities",
    drop_net_raw = "drop-net-raw",
    duplicate_container_name = "duplicate-container-name",
    duplicate_container_port = "duplicate-container-port",
    duplicate_env_var = "duplicate-env-var",
    duplicate_mount_path = "duplicate-mount-path",
    duplicate_object = "duplicate-object",
    empty_dir_memory_unbounded = "empty-dir-memory-unbounded",
    empty_dir_no_size_limit = "empty-dir-no-size-limit",
    ephemeral_container_forbidden_field = "ephemeral-container-forbidden-field",
    git_repo_volume = "git-repo-volume",
    host_aliases = "host-aliases",
    host_ipc = "host-ipc",
    host_network = "host-network",
    host_path_type_invalid = "host-path-type-invalid",
    host_path_volume = "host-path-volume",
    host_pid = "host-pid",
    host_port = "host-port",
    hpa_max_equals_min = "hpa-max-equals-min",
    hpa_metric_without_request = "hpa-metric-without-request",
    hpa_minimum_replicas = "hpa-minimum-replicas",
    hpa_target_not_scalable = "hpa-target-not-scalable",
    ignored_rule_unknown = "ignored-rule-unknown",
    ingress_backend_port_missing = "ingress-backend-port-missing",
    ingress_catch_all_host = "ingress-catch-all-host",
    ingress_class_missing = "ingress-class-missing",
    ingress_duplicate_path = "ingress-duplicate-path",
    ingress_host_invalid = "ingress-host-invalid",
    ingress_legacy_class_annotation = "ingress-legacy-class-annotation",
    ingress_nginx_snippet = "ingress-nginx-snippet",
    ingress_no_path_type = "ingress-no-path-type",
    ingress_no_tls = "ingress-no-tls",
    ingress_path_not_absolute = "ingress-path-not-absolute",
    ingress_tls_host_mismatch = "ingress-tls-host-mismatch",
    ingress_tls_secret_missing = "ingress-tls-secret-missing",
    label_key_invalid = "label-key-invalid",
    label_value_invalid = "label-value-invalid",
    latest_tag = "latest-tag",
    liveness_port_not_exposed = "liveness-port-not-exposed",
    low_gid = "low-gid",
    low_uid = "low-uid",
    mismatching_selector = "mismatching-selector",
    missing_configmap = "missing-configmap",
    missing_pdb = "missing-pdb",
    missing_pvc = "missing-pvc",
    missing_secret = "missing-secret",
    missing_selector = "missing-selector",
    multiple_volume_sources = "multiple-volume-sources",
    named_target_port_missing = "named-target-port-missing",
    networkpolicy_allow_all = "networkpolicy-allow-all",
    networkpolicy_namespace_unmatched = "networkpolicy-namespace-unmatched",
    networkpolicy_no_dns_egress = "networkpolicy-no-dns-egress",
    networkpolicy_type_mismatch = "networkpolicy-type-mismatch",
    no_read_only_root_fs = "no-read-only-root-fs",
    node_name_pinned = "node-name-pinned",
    node_port_out_of_range = "node-port-out-of-range",
    non_existent_service_account = "non-existent-service-account",
    overlapping_pdb = "overlapping-pdb",
    pdb_blocks_eviction = "pdb-blocks-eviction",
    pdb_min_and_max = "pdb-min-and-max",
    pdb_min_available_exceeds_hpa_min = "pdb-min-available-exceeds-hpa-min",
    pdb_no_policy = "pdb-no-policy",
    pdb_unhealthy_pod_eviction_policy = "pdb-unhealthy-pod-eviction-policy",
    pre_stop_exceeds_grace_period = "pre-stop-exceeds-grace-period",
    privilege_escalation = "privilege-escalation",
    privileged_container = "privileged-container",
    privileged_ports = "privileged-ports",
    probe_timeout_exceeds_period = "probe-timeout-exceeds-period",
    readiness_port_not_exposed = "readiness-port-not-exposed",
    replicas_with_hpa = "replicas-with-hpa",
    request_exceeds_limit = "request-exceeds-limit",
    restricted_capabilities = "restricted-capabilities",
    restricted_volume_types = "restricted-volume-types",
    run_as_non_root = "run-as-non-root",
    run_as_root_group = "run-as-root-group",
    run_as_user_zero = "run-as-user-zero",
    seccomp_profile_unset = "seccomp-profile-unset",
    seccomp_unconfined = "seccomp-unconfined",
    secret_key_missing = "secret-key-missing",
    sensitive_host_mounts = "sensitive-host-mounts",
    service_target_port_not_exposed = "service-target-port-not-exposed",
    share_process_namespace = "share-process-namespace",
    ssh_port = "ssh-port",
    startup_port_not_exposed = "startup-port-not-exposed",
    subpath_no_update = "subpath-no-update",
    unsafe_proc_mount = "unsafe-proc-mount",
    unsafe_sysctls = "unsafe-sysctls",
    unused_volume = "unused-volume",
    volume_claim_template_unmounted = "volume-claim-template-unmounted",
    volume_item_key_missing = "volume-item-key-missing",
    volume_mount_undefined = "volume-mount-undefined",
    windows_host_process = "windows-host-process",
    writable_host_mount = "writable-host-mount",
}

/// What the pages say about the rules, in the order of [`ALL`].
pub(super) static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| ALL.iter().map(read).collect());

/// Reads the front matter of a page.
fn read(entry: &Entry) -> Rule {
    let head = entry.page.split("---\n").nth(1).unwrap_or("");
    let value = |key: &str| {
        let line = head.lines().find_map(|l| l.strip_prefix(key).and_then(|l| l.strip_prefix(':')));
        line.map_or("", str::trim)
    };
    let severity = match value("severity") {
        "error" => Severity::Error,
        "info" => Severity::Info,
        _ => Severity::Warning,
    };
    let what = entry.page.split_once("## What it does\n").map_or("", |(_, rest)| rest);
    let summary = what.split("\n\n").next().unwrap_or("");
    Rule {
        id: entry.id,
        severity,
        on: value("default") != "off",
        kinds: value("kinds"),
        same_as: value("same-as").split(',').map(str::trim).filter(|s| !s.is_empty()).collect(),
        summary,
    }
}
