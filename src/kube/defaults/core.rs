//! Defaults of the core group. upstream: pkg/apis/core/v1/defaults.go, pkg/registry/core

use serde_json::Value;
use serde_json::json;

use super::super::resource_sums;
use super::{absent, existing, generation, is_zero, items, object, pod, remove, set, text, volume, zero};

pub(super) fn defaults(_: &str, kind: &str, value: &mut Value) {
    match kind {
        "Pod" => pod::pod(value),
        "PodTemplate" => {
            if let Some(template) = object(value, "template") {
                pod::template(template);
            }
        }
        "ReplicationController" => replication_controller(value),
        "Service" => service(value),
        "Secret" => secret(value),
        "PersistentVolume" => {
            let Some(spec) = object(value, "spec") else { return };
            zero(spec, "persistentVolumeReclaimPolicy", "Retain");
            absent(spec, "volumeMode", "Filesystem");
            resource_sums::round_up(spec, "capacity");
            volume::source(spec);
        }
        "PersistentVolumeClaim" => claim(value),
        "Endpoints" => {
            for port in items(value, "subsets").flat_map(|s| items(s, "ports")) {
                zero(port, "protocol", "TCP");
            }
        }
        "LimitRange" => {
            if let Some(spec) = existing(value, "spec") {
                items(spec, "limits").for_each(limit);
            }
        }
        "ResourceQuota" => {
            if let Some(spec) = existing(value, "spec") {
                resource_sums::round_up(spec, "hard");
            }
        }
        "Namespace" => {
            let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("").to_owned();
            if !name.is_empty()
                && let Some(labels) = object(value, "metadata").and_then(|m| object(m, "labels"))
            {
                set(labels, "kubernetes.io/metadata.name", name);
            }
        }
        "Node" => {
            // Two spellings of one field, of which the old one wins.
            if let Some(spec) = existing(value, "spec") {
                let old = text(spec, "podCIDR").to_owned();
                let first = spec.get("podCIDRs").and_then(|c| c.get(0)).and_then(Value::as_str).unwrap_or("").to_owned();
                if !old.is_empty() && old != first {
                    set(spec, "podCIDRs", json!([old]));
                } else if old.is_empty() && !first.is_empty() {
                    set(spec, "podCIDR", first);
                }
            }
            let Some(status) = existing(value, "status") else { return };
            if let Some(capacity) = status.get("capacity").filter(|c| c.is_object()).cloned() {
                absent(status, "allocatable", capacity);
            }
            resource_sums::round_up(status, "capacity");
            resource_sums::round_up(status, "allocatable");
        }
        _ => {}
    }
}

/// upstream: SetDefaults_ReplicationController
fn replication_controller(value: &mut Value) {
    let labels = value.pointer("/spec/template/metadata/labels").filter(|l| l.is_object()).cloned();
    let Some(spec) = object(value, "spec") else { return };
    absent(spec, "replicas", 1);
    if let Some(template) = existing(spec, "template") {
        pod::template(template);
    }
    let Some(labels) = labels else { return };
    if is_zero(spec, "selector") {
        set(spec, "selector", labels.clone());
    }
    if let Some(meta) = object(value, "metadata")
        && is_zero(meta, "labels")
    {
        set(meta, "labels", labels);
    }
}

/// upstream: SetDefaults_Service
fn service(value: &mut Value) {
    let Some(spec) = object(value, "spec") else { return };
    zero(spec, "sessionAffinity", "None");
    match text(spec, "sessionAffinity") {
        "None" => {
            remove(spec, "sessionAffinityConfig");
        }
        "ClientIP" => {
            if spec.pointer("/sessionAffinityConfig/clientIP/timeoutSeconds").is_none_or(Value::is_null) {
                set(spec, "sessionAffinityConfig", json!({"clientIP": {"timeoutSeconds": 10800}}));
            }
        }
        _ => {}
    }
    zero(spec, "type", "ClusterIP");
    for port in items(spec, "ports") {
        zero(port, "protocol", "TCP");
        let number = port.get("port").cloned().unwrap_or_else(|| 0.into());
        if matches!(port.get("targetPort"), None | Some(Value::Null)) || port["targetPort"] == 0 || port["targetPort"] == "" {
            set(port, "targetPort", number);
        }
    }
    let kind = text(spec, "type").to_owned();
    let exposed = matches!(kind.as_str(), "LoadBalancer" | "NodePort");
    if exposed || kind == "ClusterIP" && !is_zero(spec, "externalIPs") {
        zero(spec, "externalTrafficPolicy", "Cluster");
    }
    if exposed || kind == "ClusterIP" {
        absent(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        absent(spec, "allocateLoadBalancerNodePorts", true);
    }
}

fn secret(value: &mut Value) {
    zero(value, "type", "Opaque");
    let Some(plain) = remove(value, "stringData") else { return };
    let Some(plain) = plain.as_object().filter(|m| !m.is_empty()) else { return };
    if let Some(data) = object(value, "data") {
        for (key, text) in plain {
            set(data, key, data_encoding::BASE64.encode(text.as_str().unwrap_or("").as_bytes()));
        }
    }
}

/// A claim, also of a stateful set.
pub(super) fn claim(value: &mut Value) {
    if let Some(spec) = object(value, "spec") {
        volume::claim_spec(spec);
    }
    if let Some(status) = object(value, "status") {
        zero(status, "phase", "Pending");
    }
}

/// upstream: SetDefaults_LimitRangeItem
fn limit(item: &mut Value) {
    if text(item, "type") == "Container" {
        for (to, from) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
            let given = item.get(from).and_then(Value::as_object).cloned().unwrap_or_default();
            let Some(target) = object(item, to) else { continue };
            for (name, amount) in given {
                absent(target, &name, amount);
            }
        }
    }
    for list in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
        resource_sums::round_up(item, list);
    }
}

pub(super) fn prepare(_: &str, kind: &str, value: &mut Value) {
    match kind {
        "Pod" => pod::prepare(value),
        "ReplicationController" => {
            generation(value);
            remove(value, "status");
        }
        "PodTemplate" => generation(value),
        "LimitRange" => {
            if let Some(meta) = object(value, "metadata") {
                zero(meta, "name", super::batch::UID);
            }
        }
        "Service" => {
            remove(value, "status");
            let Some(spec) = existing(value, "spec") else { return };
            let ip = text(spec, "clusterIP").to_owned();
            if !ip.is_empty() && is_zero(spec, "clusterIPs") {
                set(spec, "clusterIPs", json!([ip]));
            }
        }
        "ResourceQuota" => {
            remove(value, "status");
        }
        "PersistentVolume" => {
            set(value, "status", json!({"phase": "Pending", "lastPhaseTransitionTime": "1970-01-01T00:00:00Z"}));
            protect(value, "kubernetes.io/pv-protection");
        }
        "PersistentVolumeClaim" => {
            set(value, "status", json!({"phase": "Pending"}));
            protect(value, "kubernetes.io/pvc-protection");
            if let Some(spec) = existing(value, "spec") {
                data_sources(spec);
            }
        }
        "Namespace" => {
            set(value, "status", json!({"phase": "Active"}));
            let Some(spec) = object(value, "spec") else { return };
            absent(spec, "finalizers", json!([]));
            if let Some(list) = spec.get_mut("finalizers").and_then(Value::as_array_mut)
                && !list.iter().any(|f| f == "kubernetes")
            {
                list.push("kubernetes".into());
            }
        }
        "ServiceAccount" => {
            for secret in items(value, "secrets") {
                let name = text(secret, "name").to_owned();
                *secret = json!({"name": name});
            }
        }
        _ => {}
    }
}

/// upstream: plugin/pkg/admission/storage/storageobjectinuseprotection
fn protect(value: &mut Value, finalizer: &str) {
    let Some(meta) = object(value, "metadata") else { return };
    absent(meta, "finalizers", json!([]));
    if let Some(list) = meta.get_mut("finalizers").and_then(Value::as_array_mut)
        && !list.iter().any(|f| f == finalizer)
    {
        list.push(finalizer.into());
    }
}

/// upstream: EnforceDataSourceBackwardsCompatibility, NormalizeDataSources
pub(crate) fn data_sources(spec: &mut Value) {
    if spec.get("dataSourceRef").is_some_and(|r| !text(r, "namespace").is_empty()) {
        remove(spec, "dataSourceRef");
    }
    let has = |spec: &Value, key: &str| spec.get(key).is_some_and(Value::is_object);
    if !has(spec, "dataSourceRef") && has(spec, "dataSource") {
        let (group, kind) = (text(&spec["dataSource"], "apiGroup"), text(&spec["dataSource"], "kind"));
        let known = kind == "PersistentVolumeClaim" || kind == "VolumeSnapshot" && group == "snapshot.storage.k8s.io";
        if !known {
            remove(spec, "dataSource");
        }
    }
    same_sources(spec);
}

/// Each of the two fields that name where data comes from says what the other one does. upstream: NormalizeDataSources
pub(crate) fn same_sources(spec: &mut Value) {
    let has = |spec: &Value, key: &str| spec.get(key).is_some_and(Value::is_object);
    for (from, to) in [("dataSource", "dataSourceRef"), ("dataSourceRef", "dataSource")] {
        if has(spec, from) && !has(spec, to) {
            let mut copy = spec[from].clone();
            remove(&mut copy, "namespace");
            set(spec, to, copy);
        }
    }
}

pub(super) fn finish(_: &str, kind: &str, value: &mut Value) {
    if kind == "Service" {
        service_addresses(value);
    }
}

/// What a cluster with IPv4 services makes of the families. upstream: initIPFamilyFields
fn service_addresses(value: &mut Value) {
    let Some(spec) = existing(value, "spec") else { return };
    if text(spec, "type") == "ExternalName" {
        return;
    }
    let bare = text(spec, "clusterIP") == "None" && is_zero(spec, "selector");
    let policy = if bare { "RequireDualStack" } else { "SingleStack" };
    absent(spec, "ipFamilyPolicy", policy);
    let ips: Vec<String> =
        spec.get("clusterIPs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let mut families: Vec<String> =
        spec.get("ipFamilies").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let family = |ip: &str| if ip.contains(':') { "IPv6".to_owned() } else { "IPv4".to_owned() };
    for ip in ips.iter().skip(families.len()).take_while(|ip| *ip != "None") {
        families.push(family(ip));
    }
    if families.is_empty() {
        families.push("IPv4".to_owned());
    }
    if bare && families.len() < 2 && text(spec, "ipFamilyPolicy") != "SingleStack" {
        families.push(if families[0] == "IPv4" { "IPv6".to_owned() } else { "IPv4".to_owned() });
    }
    set(spec, "ipFamilies", families);
}
