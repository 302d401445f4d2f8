//! What the quotas of a set allow and what its pods use of them.

use super::amount;
use super::cluster;
use super::context::Context;
use super::context::Pod;
use super::context::Role;
use super::context::namespace;
use super::field::Field;
use crate::kube::Object;

/// Each limit of each quota: the quota, the name of what it counts, and how much in thousandths.
pub(super) fn limits<'a>(cx: &Context<'a>) -> Vec<(Field<'a>, &'a str, i128)> {
    let mut out = Vec::new();
    for quota in cx.all("ResourceQuota") {
        // Scopes count some pods only.
        if quota.has("spec.scopes") || quota.has("spec.scopeSelector") {
            continue;
        }
        for (name, field) in quota.entries("spec.hard") {
            out.extend(amount::of(&field).map(|hard| (quota, name, hard)));
        }
    }
    out
}

/// Whether the pods of a workload run all the time.
pub(super) fn lasting(pod: &Pod) -> bool {
    !pod.is(&["Job", "CronJob", "DaemonSet"])
}

/// What one pod counts for, in thousandths.
pub(super) fn of(pod: &Pod, name: &str) -> i128 {
    match name {
        "pods" | "count/pods" => 1000,
        "cpu" | "memory" => cluster::requests(pod).get(name).copied().unwrap_or(0),
        _ => match name.split_once('.') {
            Some(("requests", resource)) => cluster::requests(pod).get(resource).copied().unwrap_or(0),
            Some(("limits", resource)) => {
                let limit = |c: &Field| c.get("resources.limits").and_then(|l| l.key(resource)).and_then(|f| amount::of(&f)).unwrap_or(0);
                pod.containers.iter().filter(|c| matches!(c.role, Role::Main | Role::Sidecar)).map(|c| limit(&c.field)).sum()
            }
            _ => 0,
        },
    }
}

/// An amount as people read it.
pub(super) fn shown(name: &str, milli: i128) -> String {
    match name.rsplit('.').next() {
        Some("memory" | "ephemeral-storage") => format!("{}Mi", milli / 1000 / (1 << 20)),
        _ if milli % 1000 == 0 => (milli / 1000).to_string(),
        _ => format!("{milli}m"),
    }
}

/// Whether a LimitRange of the namespace gives containers a default.
pub(super) fn defaults(cx: &Context, beside: &Object, list: &str, resource: &str) -> bool {
    let names: &[&str] = if list == "requests" { &["defaultRequest", "default"] } else { &["default"] };
    cx.all("LimitRange").iter().filter(|r| namespace(r.object) == namespace(beside)).any(|range| {
        range
            .items("spec.limits")
            .iter()
            .any(|l| l.text("type") == Some("Container") && names.iter().any(|n| l.get(n).is_some_and(|d| d.has(resource))))
    })
}
