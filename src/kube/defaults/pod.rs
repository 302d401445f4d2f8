//! Defaults of pods and their templates, and what creating a pod does to it.
//! upstream: pkg/apis/core/v1/defaults.go, pkg/registry/core/pod/strategy.go, plugin/pkg/admission

use serde_json::Value;
use serde_json::json;

use super::super::resource_sums;
use super::{absent, existing, generation, is_zero, items, object, remove, set, text, volume, zero};

const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// The defaults of a pod's own, which its templates lack. upstream: SetDefaults_Pod
pub(super) fn pod(value: &mut Value) {
    let Some(spec) = object(value, "spec") else { return };
    for key in ["containers", "initContainers"] {
        for container in items(spec, key) {
            requests_from_limits(container);
        }
    }
    pod_resources(spec);
    absent(spec, "enableServiceLinks", true);
    if spec.get("hostNetwork").and_then(Value::as_bool) == Some(true) {
        for key in ["containers", "initContainers"] {
            for port in items(spec, key).flat_map(|c| items(c, "ports")) {
                let own = port.get("containerPort").cloned().unwrap_or_else(|| 0.into());
                zero(port, "hostPort", own);
            }
        }
    }
    pod_spec(spec);
}

fn requests_from_limits(container: &mut Value) {
    let Some(r) = existing(container, "resources") else { return };
    let Some(limits) = r.get("limits").and_then(Value::as_object).cloned() else { return };
    let Some(requests) = object(r, "requests") else { return };
    for (name, limit) in limits {
        absent(requests, &name, limit);
    }
}

/// upstream: defaultHugePagePodLimits, defaultPodRequests
fn pod_resources(spec: &mut Value) {
    if spec.get("resources").is_none_or(|r| !r.is_object()) {
        return;
    }
    let own = |spec: &Value, key: &str| resource_sums::amounts(spec.get("resources"), key);
    let huge = |name: &str| name.starts_with("hugepages-");
    let supported = |name: &str| matches!(name, "cpu" | "memory") || huge(name);
    let (mut limits, mut requests) = (own(spec, "limits"), own(spec, "requests"));
    if !limits.is_empty() || !requests.is_empty() {
        for (name, amount) in resource_sums::aggregate(spec, "limits") {
            if huge(&name) && !requests.contains_key(&name) {
                limits.entry(name).or_insert(amount);
            }
        }
    }
    if !limits.is_empty() {
        for (name, amount) in resource_sums::aggregate(spec, "requests") {
            if matches!(name.as_str(), "cpu" | "memory") {
                requests.entry(name).or_insert(amount);
            }
        }
        for (name, amount) in &limits {
            if supported(name) {
                requests.entry(name.clone()).or_insert(*amount);
            }
        }
    }
    let Some(r) = existing(spec, "resources") else { return };
    for (key, list) in [("limits", limits), ("requests", requests)] {
        if !list.is_empty() {
            resource_sums::write(r, key, &list);
        }
    }
}

/// The defaults of a template's pod. upstream: SetDefaults_PodSpec and what is generated around it
pub(super) fn template(template: &mut Value) {
    if let Some(spec) = object(template, "spec") {
        pod_spec(spec);
    }
}

fn pod_spec(spec: &mut Value) {
    zero(spec, "dnsPolicy", "ClusterFirst");
    zero(spec, "restartPolicy", "Always");
    absent(spec, "securityContext", json!({}));
    absent(spec, "terminationGracePeriodSeconds", 30);
    zero(spec, "schedulerName", "default-scheduler");
    for v in items(spec, "volumes") {
        volume::volume(v);
    }
    for key in CONTAINERS {
        for container in items(spec, key) {
            self::container(container);
        }
    }
    resource_sums::round_up(spec, "overhead");
    if let Some(r) = existing(spec, "resources") {
        resource_sums::round_up(r, "limits");
        resource_sums::round_up(r, "requests");
    }
    // Two names of one field.
    if is_zero(spec, "serviceAccountName") {
        let old = text(spec, "serviceAccount").to_owned();
        if !old.is_empty() {
            set(spec, "serviceAccountName", old);
        }
    }
    let name = text(spec, "serviceAccountName").to_owned();
    if !name.is_empty() {
        set(spec, "serviceAccount", name);
    }
    drop_disabled(spec);
}

fn container(container: &mut Value) {
    let policy = volume::pull_policy(text(container, "image"));
    zero(container, "imagePullPolicy", policy);
    zero(container, "terminationMessagePath", "/dev/termination-log");
    zero(container, "terminationMessagePolicy", "File");
    for port in items(container, "ports") {
        zero(port, "protocol", "TCP");
    }
    for env in items(container, "env") {
        let Some(from) = existing(env, "valueFrom") else { continue };
        if let Some(reference) = existing(from, "fieldRef") {
            zero(reference, "apiVersion", "v1");
        }
        if let Some(reference) = existing(from, "fileKeyRef") {
            absent(reference, "optional", false);
        }
    }
    if let Some(r) = existing(container, "resources") {
        resource_sums::round_up(r, "limits");
        resource_sums::round_up(r, "requests");
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = existing(container, probe) else { continue };
        zero(probe, "timeoutSeconds", 1);
        zero(probe, "periodSeconds", 10);
        zero(probe, "successThreshold", 1);
        zero(probe, "failureThreshold", 3);
        http_get(probe);
        if let Some(grpc) = existing(probe, "grpc") {
            absent(grpc, "service", "");
        }
    }
    if let Some(lifecycle) = existing(container, "lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(handler) = existing(lifecycle, hook) {
                http_get(handler);
            }
        }
    }
}

fn http_get(handler: &mut Value) {
    if let Some(action) = existing(handler, "httpGet") {
        zero(action, "path", "/");
        zero(action, "scheme", "HTTP");
    }
}

/// Fields whose features are off are dropped. upstream: DropDisabledPodFields
fn drop_disabled(spec: &mut Value) {
    for source in items(spec, "volumes").filter_map(|v| existing(v, "projected")).flat_map(|p| items(p, "sources")) {
        remove(source, "clusterTrustBundle");
        remove(source, "podCertificate");
    }
    remove(spec, "schedulingGroup");
    for key in CONTAINERS {
        for container in items(spec, key) {
            let Some(lifecycle) = existing(container, "lifecycle") else { continue };
            if remove(lifecycle, "stopSignal").is_some_and(|s| !s.is_null()) && lifecycle.as_object().is_some_and(serde_json::Map::is_empty)
            {
                remove(container, "lifecycle");
            }
        }
    }
}

/// What creating a pod sets beside its defaults.
pub(super) fn prepare(pod: &mut Value) {
    let labels = pod.pointer("/metadata/labels").cloned().unwrap_or(Value::Null);
    generation(pod);
    let Some(spec) = object(pod, "spec") else { return };
    priority(spec);
    tolerate_lost_nodes(spec);
    let quality = resource_sums::quality_of_service(spec);
    let mut status = json!({"phase": "Pending", "qosClass": quality});
    if !is_zero(spec, "schedulingGates") {
        status["conditions"] = json!([{
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": null,
            "lastTransitionTime": "1970-01-01T00:00:00Z",
            "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
        }]);
    }
    for side in ["podAffinity", "podAntiAffinity"] {
        let Some(rules) = existing(spec, "affinity").and_then(|a| existing(a, side)) else { continue };
        for term in items(rules, "preferredDuringSchedulingIgnoredDuringExecution").filter_map(|w| existing(w, "podAffinityTerm")) {
            label_keys(term, &labels);
        }
        for term in items(rules, "requiredDuringSchedulingIgnoredDuringExecution") {
            label_keys(term, &labels);
        }
    }
    for constraint in items(spec, "topologySpreadConstraints") {
        label_keys(constraint, &labels);
    }
    set(pod, "status", status);
    app_armor(pod);
}

/// The priorities that exist in every cluster. upstream: plugin/pkg/admission/priority
fn priority(spec: &mut Value) {
    let value = match text(spec, "priorityClassName") {
        "system-cluster-critical" => 2_000_000_000,
        "system-node-critical" => 2_000_001_000,
        "" => 0,
        _ => return,
    };
    absent(spec, "priority", value);
    absent(spec, "preemptionPolicy", "PreemptLowerPriority");
}

/// upstream: plugin/pkg/admission/defaulttolerationseconds
fn tolerate_lost_nodes(spec: &mut Value) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = items(spec, "tolerations").any(|t| {
            let effect = text(t, "effect");
            matches!(text(t, "key"), "") && matches!(effect, "" | "NoExecute")
                || text(t, "key") == key && matches!(effect, "" | "NoExecute")
        });
        if !tolerated {
            let toleration = json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
            absent(spec, "tolerations", json!([]));
            if let Some(list) = spec.get_mut("tolerations").and_then(Value::as_array_mut) {
                list.push(toleration);
            }
        }
    }
}

/// upstream: applyMatchLabelKeysAndMismatchLabelKeys
fn label_keys(term: &mut Value, labels: &Value) {
    let mut added = Vec::new();
    for (field, operator) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
        for key in term.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if let Some(value) = labels.get(key).and_then(Value::as_str) {
                added.push(json!({"key": key, "operator": operator, "values": [value]}));
            }
        }
    }
    let Some(selector) = existing(term, "labelSelector") else { return };
    if !added.is_empty() {
        absent(selector, "matchExpressions", json!([]));
        if let Some(list) = selector.get_mut("matchExpressions").and_then(Value::as_array_mut) {
            list.extend(added);
        }
    }
}

/// upstream: applyAppArmorVersionSkew
fn app_armor(pod: &mut Value) {
    let annotations = pod.pointer("/metadata/annotations").cloned().unwrap_or(Value::Null);
    let Some(spec) = existing(pod, "spec") else { return };
    if spec.pointer("/os/name").and_then(Value::as_str) == Some("windows") {
        return;
    }
    let of_pod = spec.pointer("/securityContext/appArmorProfile").cloned();
    for key in CONTAINERS {
        for container in items(spec, key) {
            let annotation = format!("container.apparmor.security.beta.kubernetes.io/{}", text(container, "name"));
            let Some(given) = annotations.get(&annotation).and_then(Value::as_str) else { continue };
            if container.pointer("/securityContext/appArmorProfile").is_some() {
                continue;
            }
            let profile = match given {
                "unconfined" => json!({"type": "Unconfined"}),
                "runtime/default" => json!({"type": "RuntimeDefault"}),
                _ => match given.strip_prefix("localhost/") {
                    Some(name) if !name.is_empty() && name.trim() == name && name.len() <= 4095 => {
                        json!({"type": "Localhost", "localhostProfile": name})
                    }
                    _ => continue,
                },
            };
            if of_pod.as_ref() != Some(&profile) {
                if let Some(context) = object(container, "securityContext") {
                    set(context, "appArmorProfile", profile);
                }
            }
        }
    }
}
