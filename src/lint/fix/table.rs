//! Which findings kval can mend, and how. A fix is safe when the cluster does the same as before, or when it refuses the
//! object as it is; whatever may change how a workload behaves is not.

use serde_json::Value;
use serde_json::json;

/// What is changed, beginning at the field of the finding.
pub(super) enum Action {
    /// The field goes away.
    Remove,
    /// The list item that the field belongs to goes away.
    RemoveItem,
    /// The field, or one below it, gets a value.
    Set(&'static str, Value),
    /// A field beside the finding's gets a value.
    Beside(&'static str, Value),
    /// The field gets the value that a function of its old one gives.
    Change(fn(&str) -> Option<String>),
    /// The field gets the value that a function gives for the whole object and what the field stands in.
    Compute(fn(&Value, &Value) -> Option<Value>),
    /// The field gets this text of a template.
    Template(&'static str),
    /// The field gets another name.
    Rename(&'static str),
    /// The scalar is quoted.
    Quote,
    /// White space at the end of the line goes away.
    TrimLine,
    /// The file ends with a line break.
    EndFile,
    /// All line breaks of the file become `\n`.
    LineBreaks,
}

/// How findings of a rule are mended.
pub(super) struct Entry {
    pub(super) action: Action,
    pub(super) safe: bool,
    pub(super) title: String,
}

fn entry(safe: bool, action: Action, title: &str) -> Option<Entry> {
    Some(Entry { action, safe, title: title.to_owned() })
}

fn set(safe: bool, below: &'static str, value: Value) -> Option<Entry> {
    let title = if below.is_empty() { format!("set it to {value}") } else { format!("set {below} to {value}") };
    Some(Entry { action: Action::Set(below, value), safe, title })
}

fn beside(safe: bool, name: &'static str, value: Value) -> Option<Entry> {
    let title = format!("set {name} to {value}");
    Some(Entry { action: Action::Beside(name, value), safe, title })
}

/// A memory quantity in thousandths or bytes as it was likely meant.
fn mebibytes(old: &str) -> Option<String> {
    let number = old.strip_suffix('m').unwrap_or(old);
    number.parse::<u32>().ok().map(|n| format!("{n}Mi"))
}

fn binary_unit(old: &str) -> Option<String> {
    let (number, unit) = old.split_at(old.len().checked_sub(1)?);
    let sound = number.parse::<f64>().is_ok() && ["M", "G", "T"].contains(&unit);
    sound.then(|| format!("{number}{unit}i"))
}

fn millis(old: &str) -> Option<String> {
    old.parse::<u32>().ok().map(|n| format!("{n}m"))
}

fn registry(old: &str) -> Option<String> {
    let prefixes = ["k8s.gcr.io/", "gcr.io/google-containers/", "gcr.io/google_containers/"];
    prefixes.iter().find_map(|p| old.strip_prefix(p)).map(|rest| format!("registry.k8s.io/{rest}"))
}

fn absolute(old: &str) -> Option<String> {
    (!old.starts_with('/')).then(|| format!("/{old}"))
}

/// Groups and versions that are gone, and what serves the same objects now.
const SERVED: &[(&str, &[&str], &str)] = &[
    ("extensions/v1beta1", &["Deployment", "DaemonSet", "ReplicaSet"], "apps/v1"),
    ("extensions/v1beta1", &["NetworkPolicy"], "networking.k8s.io/v1"),
    ("apps/v1beta1", &["Deployment", "StatefulSet"], "apps/v1"),
    ("apps/v1beta2", &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"], "apps/v1"),
    ("batch/v1beta1", &["CronJob"], "batch/v1"),
    ("batch/v2alpha1", &["CronJob"], "batch/v1"),
    ("policy/v1beta1", &["PodDisruptionBudget"], "policy/v1"),
    ("autoscaling/v2beta2", &["HorizontalPodAutoscaler"], "autoscaling/v2"),
    ("networking.k8s.io/v1beta1", &["IngressClass"], "networking.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", &["StorageClass", "CSIDriver", "CSINode", "VolumeAttachment", "CSIStorageCapacity"], "storage.k8s.io/v1"),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"], "scheduling.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", &["Lease"], "coordination.k8s.io/v1"),
    ("node.k8s.io/v1beta1", &["RuntimeClass"], "node.k8s.io/v1"),
    ("discovery.k8s.io/v1beta1", &["EndpointSlice"], "discovery.k8s.io/v1"),
    ("rbac.authorization.k8s.io/v1beta1", &["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"], "rbac.authorization.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", &["APIService"], "apiregistration.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", &["FlowSchema", "PriorityLevelConfiguration"], "flowcontrol.apiserver.k8s.io/v1"),
];

fn served(root: &Value, _: &Value) -> Option<Value> {
    let (old, kind) = (root["apiVersion"].as_str()?, root["kind"].as_str()?);
    let (_, _, new) = SERVED.iter().find(|(version, kinds, _)| *version == old && kinds.contains(&kind))?;
    Some(json!(new))
}

fn period(_: &Value, probe: &Value) -> Option<Value> {
    Some(probe.get("periodSeconds").cloned().unwrap_or_else(|| json!(10)))
}

fn port_name(_: &Value, port: &Value) -> Option<Value> {
    let protocol = port["protocol"].as_str().unwrap_or("tcp").to_lowercase();
    Some(json!(format!("{protocol}-{}", port["port"].as_i64()?)))
}

fn same_port(_: &Value, port: &Value) -> Option<Value> {
    port.get("port").cloned()
}

/// How findings of a rule are mended; `None` for those that need thought.
pub(super) fn of(code: &str) -> Option<Entry> {
    match code {
        "cluster-scoped-namespace"
        | "status-in-manifest"
        | "server-populated-fields"
        | "controller-owned-annotation"
        | "external-name-with-selector"
        | "external-traffic-policy-on-cluster-ip"
        | "probe-success-threshold"
        | "workload-restart-policy"
        | "init-container-probe"
        | "node-port-out-of-range"
        | "null-value" => entry(true, Action::Remove, "remove the field"),
        "cronjob-job-ttl-set"
        | "cpu-limit-set"
        | "privileged-container"
        | "host-network"
        | "host-pid"
        | "host-ipc"
        | "host-port"
        | "cluster-ip-hardcoded"
        | "replicas-with-hpa"
        | "zero-grace-period"
        | "revision-history-zero"
        | "probe-loopback-host"
        | "unsafe-proc-mount"
        | "unused-value" => entry(false, Action::Remove, "remove the field"),
        "unused-volume" => entry(true, Action::RemoveItem, "remove the volume"),
        "job-restart-policy" => set(true, "", json!("OnFailure")),
        "host-network-dns-policy" => set(false, "", json!("ClusterFirstWithHostNet")),
        "reclaim-policy-recycle" => set(false, "", json!("Retain")),
        "ingress-no-path-type" => set(true, "", json!("Prefix")),
        "ingress-path-not-absolute" => entry(true, Action::Change(absolute), "let the path begin with a slash"),
        "pdb-unhealthy-pod-eviction-policy" => set(false, "", json!("AlwaysAllow")),
        "pdb-no-policy" => set(false, "maxUnavailable", json!(1)),
        "minimum-replicas" | "hpa-minimum-replicas" => set(false, "", json!(2)),
        "pull-policy-not-always" | "mutable-tag-if-not-present" => set(false, "", json!("Always")),
        "pull-policy-never" => set(false, "", json!("IfNotPresent")),
        "privilege-escalation" | "host-users" | "automount-service-account-token" => set(false, "", json!(false)),
        "run-as-non-root" | "no-read-only-root-fs" | "writable-host-mount" | "config-map-not-immutable" => set(false, "", json!(true)),
        "seccomp-profile-unset" => set(false, "type", json!("RuntimeDefault")),
        "seccomp-unconfined" => set(false, "", json!("RuntimeDefault")),
        "drop-all-capabilities" => set(false, "", json!(["ALL"])),
        "rolling-update-no-progress" => set(true, "", json!(1)),
        "rolling-update-all-unavailable" => set(false, "", json!("25%")),
        "cronjob-no-starting-deadline" => set(false, "", json!(300)),
        "job-ttl-seconds-after-finished" => set(false, "", json!(86400)),
        "hook-without-delete-policy" => set(false, "", json!("before-hook-creation")),
        "chart-api-version" => set(true, "", json!("v2")),
        "chart-yaml-missing-version" => set(true, "", json!("0.1.0")),
        "removed-api" | "deprecated-api" => entry(true, Action::Compute(served), "use the version that serves it now"),
        "probe-timeout-exceeds-period" => entry(false, Action::Compute(period), "let the timeout be the period"),
        "service-port-name-required" => entry(true, Action::Compute(port_name), "name the port by protocol and number"),
        "headless-port-mismatch" => entry(false, Action::Compute(same_port), "let the target be the port"),
        "probe-scheme-port" => beside(false, "scheme", json!("HTTPS")),
        "deprecated-service-account-field" => entry(true, Action::Rename("serviceAccountName"), "use serviceAccountName"),
        "deprecated-registry" => entry(false, Action::Change(registry), "use registry.k8s.io"),
        "suspicious-memory-unit" => entry(false, Action::Change(mebibytes), "use Mi"),
        "suspicious-cpu-unit" => entry(false, Action::Change(millis), "use thousandths of a core"),
        "decimal-memory-unit" => entry(false, Action::Change(binary_unit), "use the binary unit"),
        "hard-coded-namespace" => entry(false, Action::Template("{{ .Release.Namespace }}"), "use the namespace of the release"),
        "label-not-string" | "truthy-value" | "octal-value" | "float-like-version" | "chart-app-version-not-string" => {
            entry(true, Action::Quote, "quote the value")
        }
        "trailing-spaces" => entry(true, Action::TrimLine, "remove the white space"),
        "no-newline-at-end" => entry(true, Action::EndFile, "end the file with a line break"),
        "crlf-line-endings" => entry(true, Action::LineBreaks, "use \\n as line break"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_change_as_meant() {
        assert_eq!(mebibytes("128m").as_deref(), Some("128Mi"));
        assert_eq!(binary_unit("1G").as_deref(), Some("1Gi"));
        assert_eq!(millis("100").as_deref(), Some("100m"));
        assert_eq!(registry("k8s.gcr.io/pause:3.9").as_deref(), Some("registry.k8s.io/pause:3.9"));
        assert_eq!(registry("nginx"), None);
    }
}
