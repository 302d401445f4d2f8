//! Which findings kval can mend, and how. A fix is safe when the cluster does the same as before, or when it refuses the
//! object as it is; whatever may change how a workload behaves is not.

use serde_json::Value;
use serde_json::json;

use super::others;
use super::pods;
use super::target::Target;
use super::template;
use super::yaml_text;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Edit;
use crate::kube::field::Path;
use crate::lint::Input;
use crate::source::Sources;
use crate::source::Span;

/// A change of an object.
pub(super) type OfObject = fn(&Target) -> Option<Vec<Edit>>;
/// A change of YAML as text.
pub(super) type OfText = fn(&Sources, &Diagnostic, Span) -> Option<Vec<Edit>>;
/// A change of a chart's texts.
pub(super) type OfSource = fn(&Input, &Diagnostic, Span) -> Option<Vec<Edit>>;

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
    /// Another change of the object.
    Object(OfObject),
    /// Another change of the text.
    Text(OfText),
    /// Another change of the chart.
    Source(OfSource),
}

/// How findings of a rule are mended.
pub(super) struct Entry {
    pub(super) action: Action,
    pub(super) safe: bool,
    pub(super) title: String,
}

fn object(safe: bool, change: OfObject, title: &str) -> Option<Entry> {
    entry(safe, Action::Object(change), title)
}

fn yaml(safe: bool, change: OfText, title: &str) -> Option<Entry> {
    entry(safe, Action::Text(change), title)
}

fn source(safe: bool, change: OfSource, title: &str) -> Option<Entry> {
    entry(safe, Action::Source(change), title)
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

fn served_now(t: &Target) -> Option<Vec<Edit>> {
    let id = &t.object.id;
    if id.kind == "Ingress" {
        return others::ingress_of_today(t);
    }
    let (_, _, new) = SERVED.iter().find(|(version, kinds, _)| *version == id.api_version && kinds.contains(&id.kind.as_str()))?;
    t.set(&Path::new("apiVersion"), &json!(new))
}

/// The workload has a checksum of what it mounts.
fn checksum(t: &Target) -> Option<Vec<Edit>> {
    let (path, value) = template::checksum(t.input, t.finding)?;
    t.set(&path, &value)
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
        | "node-port-conflict"
        | "ephemeral-container-forbidden-field"
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
        "dangerous-capabilities" | "added-capabilities" | "restricted-capabilities" => {
            entry(false, Action::Remove, "remove the capability")
        }
        "volatile-label-in-selector" => entry(false, Action::Remove, "remove the label from the selector"),
        "ingress-backend-port-missing" => object(false, others::only_port, "use the port of the Service"),
        "volumes-outside-pod-spec" => object(true, pods::into_pod, "move it into the pod's spec"),
        "missing-selector" => object(true, pods::selector, "select the labels of the template"),
        "duplicate-env-var" => object(true, pods::first_variable, "remove the earlier variable, which does not count"),
        "statefulset-service-missing" => object(false, pods::headless_service, "add a headless Service"),
        "statefulset-service-not-headless" => set(false, "", json!("None")),
        "env-reference-order" => object(false, pods::variable_first, "define the variable before it is used"),
        "command-single-string" => object(false, pods::split, "split the words"),
        "shell-syntax-without-shell" => object(false, pods::shell, "give the words to a shell"),
        "command-wrong-type" => object(true, pods::list, "write a list"),
        "cron-timezone-in-schedule" => object(true, others::time_zone, "use spec.timeZone"),
        "invalid-base64-secret" => object(false, others::encode, "encode the value"),
        "pod-with-controller-fields" => object(true, pods::controller, "make it a Deployment"),
        "no-startup-probe-slow-liveness" => object(false, pods::startup_probe, "wait with a startup probe"),
        "missing-pdb" => object(false, pods::disruption_budget, "add a disruption budget"),
        "pdb-blocks-eviction" => object(false, others::let_one_go, "let one pod go at a time"),
        "no-anti-affinity" | "no-topology-spread" => object(false, pods::spread, "spread the pods over the nodes"),
        "spread-selector-mismatch" | "anti-affinity-selector-mismatch" => {
            object(false, pods::own_selector, "select the workload's own pods")
        }
        "no-rolling-update-strategy" => set(false, "", json!("RollingUpdate")),
        "missing-pre-stop" => set(false, "sleep.seconds", json!(5)),
        "pre-stop-exceeds-grace-period" => object(false, pods::grace_period, "raise the grace period"),
        "bare-pod" => object(false, pods::wrap, "let a controller make the pod"),
        "bare-replicaset" => object(false, pods::deployment, "make it a Deployment"),
        "rwo-volume-rolling-update" => object(false, pods::recreate, "stop the old pod first"),
        "node-name-pinned" => object(false, pods::node_selector, "select the node by its label"),
        "dnsconfig-options" => object(false, pods::ndots, "set ndots to 2"),
        "extended-resource-mismatch" => object(true, pods::same_resource, "let request and limit be equal"),
        "drop-net-raw" => object(false, pods::no_raw_packets, "drop NET_RAW"),
        "app-armor-unconfined" => object(false, pods::app_armor, "use the default profile"),
        "env-var-secret" | "env-var-password-literal" => object(false, pods::secret, "move the value into a Secret"),
        "missing-security-context" => {
            set(false, "", json!({ "allowPrivilegeEscalation": false, "seccompProfile": { "type": "RuntimeDefault" } }))
        }
        "namespace-no-pod-security-label" => object(false, others::pod_security, "enforce the baseline"),
        "non-isolated-pod" => object(false, pods::network_policy, "add a policy that lets in what the ports say"),
        "ingress-host-invalid" => entry(true, Action::Change(others::host), "leave the host name alone"),
        "networkpolicy-no-dns-egress" => object(false, others::dns_egress, "allow DNS"),
        "networkpolicy-type-mismatch" => object(false, others::policy_types, "name the type of the rules"),
        "networkpolicy-peer-and-or" => object(false, others::one_peer, "make it one peer"),
        "unnamed-port" => object(false, others::port_name, "name the port"),
        "service-protocol-mismatch" => object(false, others::protocol, "use the protocol of the container port"),
        "ingress-legacy-class-annotation" => object(false, others::ingress_class, "use spec.ingressClassName"),
        "object-name-invalid" => object(false, others::object_name, "write the name as it may be"),
        "recommended-labels" => object(false, others::recommended_labels, "add the labels"),
        "rbac-unknown-verb" => entry(false, Action::Change(others::verb), "use the verb that was meant"),
        "rbac-api-group-mismatch" => object(false, others::api_group, "use the group of the resource"),
        "service-account-subject-namespace" => object(false, others::subject_namespace, "name the namespace of the account"),
        "api-not-yet-available" => object(false, others::api_before, "use the version that is served"),
        "deprecated-node-label" => object(true, others::node_label, "use the label's name of today"),
        "deprecated-annotation" => object(false, others::annotation, "use the field"),
        "chart-dependencies-in-v1" => object(true, others::chart_v2, "use apiVersion v2"),
        "chart-dependency-undeclared" => object(false, others::declare, "declare the chart"),
        "chart-dependency-condition-undefined" => object(true, others::condition, "define the value"),
        "chart-version-not-bumped" => entry(false, Action::Change(others::bump), "raise the version"),
        "values-schema-key-unknown" => object(false, others::schema_key, "rename the property"),
        "config-checksum-missing" => object(false, checksum, "add the checksum"),
        "duplicate-key" => yaml(false, yaml_text::first_entry, "remove the first entry, which does not count"),
        "tab-indentation" => yaml(true, yaml_text::tabs, "indent with spaces"),
        "tab-before-comment" => yaml(true, yaml_text::tab_before_comment, "use spaces"),
        "unquoted-star-or-special" => yaml(true, yaml_text::quote_rest, "quote the value"),
        "missing-space-after-colon" => yaml(true, yaml_text::space_after_colon, "put a space behind the colon"),
        "fullwidth-punctuation" => yaml(true, yaml_text::ascii, "use the ASCII character"),
        "no-break-space" => yaml(true, yaml_text::visible, "use a space, or nothing"),
        "inconsistent-indentation" => yaml(true, yaml_text::indentation, "indent it like the rest"),
        "empty-document" => yaml(true, yaml_text::marker, "remove the marker"),
        "unused-anchor" => yaml(true, yaml_text::anchor, "remove the anchor"),
        "block-scalar-newline" => yaml(false, yaml_text::strip, "leave out the last line break"),
        "string-bool-condition" => yaml(false, yaml_text::unquote, "write a boolean"),
        "undefined-value" => source(false, template::default_value, "define the value as empty"),
        "nil-pointer-value" => source(true, template::careful, "let each step be missing"),
        "missing-quote" => source(true, template::quote, "quote the value"),
        "missing-nindent" => source(true, template::nindent, "indent the block"),
        "wrong-nindent-width" => source(false, template::width, "use the width of the place"),
        "default-on-boolean" => source(false, template::ternary, "ask whether the value is there"),
        "unused-define" => source(true, template::definition, "remove the definition"),
        "define-not-prefixed" => source(false, template::prefix, "begin the name with the chart's"),
        "template-instead-of-include" => source(false, template::include, "use include and nindent"),
        "dot-rebinding" => source(true, template::dollar, "begin at the top"),
        "large-int-scientific" => source(true, template::whole_number, "write a whole number"),
        "printf-type-mismatch" => source(true, template::int_argument, "make it a whole number"),
        "lookup-without-fallback" => source(true, template::careful_lookup, "let each step be missing"),
        "name-not-truncated" => source(false, template::truncate, "cut the name at 63 characters"),
        "hard-coded-name" => source(false, template::release_name, "begin the name with the release's"),
        "whitespace-control" => source(true, template::dash, "start it with {{-"),
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
        "hook-without-delete-policy" => object(false, others::delete_policy, "remove the old one before the next"),
        "chart-api-version" => set(true, "", json!("v2")),
        "chart-yaml-missing-version" => set(true, "", json!("0.1.0")),
        "removed-api" | "deprecated-api" => object(true, served_now, "use the version that serves it now"),
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
