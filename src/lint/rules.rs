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
    dangling_service = "dangling-service",
    duplicate_container_name = "duplicate-container-name",
    duplicate_container_port = "duplicate-container-port",
    duplicate_env_var = "duplicate-env-var",
    duplicate_object = "duplicate-object",
    ephemeral_container_forbidden_field = "ephemeral-container-forbidden-field",
    ignored_rule_unknown = "ignored-rule-unknown",
    label_key_invalid = "label-key-invalid",
    label_value_invalid = "label-value-invalid",
    latest_tag = "latest-tag",
    liveness_port_not_exposed = "liveness-port-not-exposed",
    mismatching_selector = "mismatching-selector",
    missing_selector = "missing-selector",
    named_target_port_missing = "named-target-port-missing",
    node_port_out_of_range = "node-port-out-of-range",
    pre_stop_exceeds_grace_period = "pre-stop-exceeds-grace-period",
    probe_timeout_exceeds_period = "probe-timeout-exceeds-period",
    readiness_port_not_exposed = "readiness-port-not-exposed",
    request_exceeds_limit = "request-exceeds-limit",
    service_target_port_not_exposed = "service-target-port-not-exposed",
    startup_port_not_exposed = "startup-port-not-exposed",
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
