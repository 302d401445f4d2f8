//! Resource quotas: what an object takes from them and when they forbid it.
//! upstream: apiserver pkg/admission/plugin/resourcequota, pkg/quota/v1/evaluator/core

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use super::super::quantity;
use super::super::quantity::Format;
use super::super::quantity::Quantity;
use super::super::resource_sums;
use super::super::resource_sums::Amounts;
use super::{list, namespace_of, of_kind, text};

const POD_RESOURCES: [&str; 11] = [
    "count/pods",
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
];
const IGNORED: [&str; 4] = ["bindings", "componentstatuses", "events", "events.events.k8s.io"];
const STORAGE_CLASS: &str = ".storageclass.storage.k8s.io/";
const DEVICE_CLASS: &str = ".deviceclass.resource.k8s.io/devices";
const VALIDATED: [&str; 6] = ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];

fn count(n: usize) -> (Quantity, Format) {
    (Quantity { nanos: n as i128 * 1_000_000_000 }, Format::Decimal)
}

/// Whether a pod's resource has a name of its own, such as `example.com/gpu`. upstream: !IsNativeResource
fn is_extended(name: &str) -> bool {
    name.contains('/') && !name.contains("kubernetes.io/")
}

/// What one object of a resource (`pods`, `deployments.apps`) takes.
pub(crate) fn usage(object: &Value, resource: &str) -> Amounts {
    let none = Value::Null;
    let spec = object.get("spec").unwrap_or(&none);
    let mut out = Amounts::from([(format!("count/{resource}"), count(1))]);
    let mut put = |name: String, amount| {
        out.insert(name, amount);
    };
    match resource {
        "pods" => {
            if !matches!(object.pointer("/status/phase").and_then(Value::as_str), Some("Succeeded" | "Failed")) {
                pod_usage(&whole(spec, "requests"), &whole(spec, "limits")).into_iter().for_each(|(k, v)| put(k, v));
            }
        }
        "services" => {
            let ports = list(spec, "ports");
            let (kind, allocates) = (text(spec, "type"), spec.get("allocateLoadBalancerNodePorts") != Some(&Value::Bool(false)));
            let fixed = ports.iter().filter(|p| p.get("nodePort").and_then(Value::as_i64).unwrap_or(0) != 0).count();
            let node_ports = match kind {
                "NodePort" => ports.len(),
                "LoadBalancer" if allocates => ports.len(),
                "LoadBalancer" => fixed,
                _ => 0,
            };
            put("services".to_owned(), count(1));
            put("services.nodeports".to_owned(), count(node_ports));
            put("services.loadbalancers".to_owned(), count(usize::from(kind == "LoadBalancer")));
        }
        "persistentvolumeclaims" => {
            put(resource.to_owned(), count(1));
            let old = object.pointer("/metadata/annotations/volume.beta.kubernetes.io~1storage-class").and_then(Value::as_str);
            let class = old.unwrap_or_else(|| text(spec, "storageClassName"));
            let size = resource_sums::amounts(spec.get("resources"), "requests").remove("storage");
            // Parts of bytes are rounded up.
            let size = size.map(|(q, format)| (Quantity { nanos: i128::from(q.value()) * 1_000_000_000 }, format));
            if let Some(size) = size {
                put("requests.storage".to_owned(), size);
            }
            if !class.is_empty() {
                put(format!("{class}{STORAGE_CLASS}persistentvolumeclaims"), count(1));
                if let Some(size) = size {
                    put(format!("{class}{STORAGE_CLASS}requests.storage"), size);
                }
            }
        }
        "resourceclaims.resource.k8s.io" => {
            for (class, n) in devices(spec) {
                put(format!("{class}{DEVICE_CLASS}"), count(n));
            }
        }
        "configmaps" | "secrets" | "replicationcontrollers" | "resourcequotas" => put(resource.to_owned(), count(1)),
        _ => {}
    }
    out
}

/// Devices a claim asks for by class. upstream: claimEvaluator.Usage
fn devices(spec: &Value) -> BTreeMap<String, usize> {
    /// The most devices of one claim.
    const ALL: usize = 32;
    let wanted = |request: &Value| match text(request, "allocationMode") {
        "All" => ALL,
        _ => request.get("count").and_then(Value::as_u64).map_or(1, |n| n as usize),
    };
    let none = Value::Null;
    let mut out: BTreeMap<String, usize> = BTreeMap::new();
    for request in list(spec.get("devices").unwrap_or(&none), "requests") {
        if let Some(exactly) = request.get("exactly").filter(|e| e.is_object()) {
            *out.entry(text(exactly, "deviceClassName").to_owned()).or_default() += wanted(exactly);
        }
        // Of alternatives each class counts with its largest.
        let mut most: BTreeMap<&str, usize> = BTreeMap::new();
        for sub in list(request, "firstAvailable") {
            let entry = most.entry(text(sub, "deviceClassName")).or_default();
            *entry = (*entry).max(wanted(sub));
        }
        for (class, n) in most {
            *out.entry(class.to_owned()).or_default() += n;
        }
    }
    out
}

/// What a pod asks for with what its level and its overhead add. upstream: component-helpers/resource PodRequests, PodLimits
fn whole(spec: &Value, key: &str) -> Amounts {
    let mut total = resource_sums::aggregate(spec, key);
    let supported = |name: &str| matches!(name, "cpu" | "memory") || name.starts_with("hugepages-");
    total.extend(resource_sums::amounts(spec.get("resources"), key).into_iter().filter(|(name, _)| supported(name)));
    let mut overhead = resource_sums::amounts(Some(spec), "overhead");
    overhead.retain(|name, _| key == "requests" || total.get(name).is_some_and(|t| t.0.nanos != 0));
    resource_sums::add(&mut total, &overhead);
    total
}

/// The quota's names of what a pod or container asks for. upstream: podComputeUsageHelper
fn pod_usage(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut out = Amounts::from([("pods".to_owned(), count(1))]);
    for (name, amount) in requests {
        let own = matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
        if own {
            out.insert(name.clone(), *amount);
        }
        if own || is_extended(name) {
            out.insert(format!("requests.{name}"), *amount);
        }
    }
    for name in ["cpu", "memory", "ephemeral-storage"] {
        if let Some(amount) = limits.get(name) {
            out.insert(format!("limits.{name}"), *amount);
        }
    }
    out
}

/// Whether a name in a quota is about a resource. upstream: MatchingResources
fn concerns(name: &str, resource: &str) -> bool {
    let counted = name.strip_prefix("count/") == Some(resource);
    match resource {
        "pods" => {
            POD_RESOURCES.contains(&name)
                || name.starts_with("hugepages-")
                || name.starts_with("requests.hugepages-")
                || name
                    .strip_prefix("requests.")
                    .is_some_and(|n| n.contains('/') && (!n.contains("kubernetes.io/") || n.starts_with("deviceclass.")))
        }
        "services" => counted || matches!(name, "services" | "services.nodeports" | "services.loadbalancers"),
        "persistentvolumeclaims" => {
            counted
                || matches!(name, "persistentvolumeclaims" | "requests.storage")
                || ["persistentvolumeclaims", "requests.storage"].iter().any(|r| name.ends_with(&format!("{STORAGE_CLASS}{r}")))
        }
        "resourceclaims.resource.k8s.io" => counted || name.ends_with(DEVICE_CLASS),
        "configmaps" | "secrets" | "replicationcontrollers" | "resourcequotas" => counted || name == resource,
        _ => counted,
    }
}

/// Whether an object is in every scope of a quota.
fn in_scopes(quota: &Value, object: &Value) -> bool {
    let none = Value::Null;
    let spec = quota.get("spec").unwrap_or(&none);
    let plain = list(spec, "scopes").iter().map(|s| (s.as_str().unwrap_or(""), "Exists", &[][..]));
    let expressions = list(spec.get("scopeSelector").unwrap_or(&none), "matchExpressions");
    let stated = expressions.iter().map(|e| (text(e, "scopeName"), text(e, "operator"), list(e, "values")));
    plain.chain(stated).all(|(scope, operator, values)| in_scope(object, scope, operator, values))
}

/// upstream: podMatchesScopeFunc, pvcMatchesScopeFunc
fn in_scope(object: &Value, scope: &str, operator: &str, values: &[Value]) -> bool {
    let none = Value::Null;
    let spec = object.get("spec").unwrap_or(&none);
    let selected = |name: &str| {
        let among = values.iter().any(|v| v.as_str() == Some(name));
        match operator {
            "In" => !name.is_empty() && among,
            "NotIn" => name.is_empty() || !among,
            "DoesNotExist" => name.is_empty(),
            _ => !name.is_empty(),
        }
    };
    match (text(object, "kind"), scope) {
        ("Pod", "Terminating") => terminates(spec),
        ("Pod", "NotTerminating") => !terminates(spec),
        ("Pod", "BestEffort") => resource_sums::quality_of_service(spec) == "BestEffort",
        ("Pod", "NotBestEffort") => resource_sums::quality_of_service(spec) != "BestEffort",
        ("Pod", "PriorityClass") => selected(text(spec, "priorityClassName")),
        ("Pod", "CrossNamespacePodAffinity") => crosses_namespaces(spec),
        ("PersistentVolumeClaim", "VolumeAttributesClass") => selected(text(spec, "volumeAttributesClassName")),
        _ => false,
    }
}

fn terminates(spec: &Value) -> bool {
    spec.get("activeDeadlineSeconds").and_then(Value::as_i64).is_some_and(|s| s >= 0)
}

fn crosses_namespaces(spec: &Value) -> bool {
    let crosses = |term: &Value| !list(term, "namespaces").is_empty() || term.get("namespaceSelector").is_some_and(|s| !s.is_null());
    let none = Value::Null;
    ["podAffinity", "podAntiAffinity"].iter().any(|key| {
        let affinity = spec.get("affinity").and_then(|a| a.get(*key)).unwrap_or(&none);
        list(affinity, "requiredDuringSchedulingIgnoredDuringExecution").iter().any(crosses)
            || list(affinity, "preferredDuringSchedulingIgnoredDuringExecution")
                .iter()
                .any(|w| crosses(w.get("podAffinityTerm").unwrap_or(&none)))
    })
}

/// What containers must state for a quota to count them. upstream: podEvaluator.Constraints
fn unstated(object: &Value, hard: &Amounts) -> Option<String> {
    let spec = object.get("spec")?;
    let at_pod = |key: &str| !resource_sums::amounts(spec.get("resources"), key).is_empty();
    if at_pod("requests") || at_pod("limits") {
        return None;
    }
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for container in list(spec, "containers").iter().chain(list(spec, "initContainers")) {
        let own = |key: &str| resource_sums::amounts(container.get("resources"), key);
        let stated = pod_usage(&own("requests"), &own("limits"));
        for name in VALIDATED.iter().filter(|name| hard.contains_key(**name) && !stated.contains_key(**name)) {
            missing.entry(name).or_default().insert(text(container, "name"));
        }
    }
    let rows = missing.iter().map(|(name, who)| format!("{name} for: {}", who.iter().copied().collect::<Vec<_>>().join(",")));
    let rows: Vec<String> = rows.collect();
    (!rows.is_empty()).then(|| format!("must specify {}", rows.join("; ")))
}

fn shown(amounts: &Amounts, names: &[&String]) -> String {
    let row = |name: &&&String| amounts.get(**name).map(|(q, format)| format!("{name}={}", quantity::text(*q, *format)));
    names.iter().filter_map(|name| row(&name)).collect::<Vec<_>>().join(",")
}

/// Why a quota of its namespace forbids an object; quotas without a status are not in force yet.
pub(crate) fn refusal(cluster: &[Value], object: &Value, resource: &str) -> Option<String> {
    if IGNORED.contains(&resource) || resource.ends_with("reviews.authorization.k8s.io") {
        return None;
    }
    let mut wanted = None;
    for quota in of_kind(cluster, "ResourceQuota", namespace_of(object)) {
        let status = quota.get("status");
        let (hard, used) = (resource_sums::amounts(status, "hard"), resource_sums::amounts(status, "used"));
        let mut concerned = hard.keys().filter(|name| concerns(name, resource)).peekable();
        if concerned.peek().is_none() || !in_scopes(quota, object) {
            continue;
        }
        let name = text(&quota["metadata"], "name");
        if resource == "pods"
            && let Some(why) = unstated(object, &hard)
        {
            return Some(format!("failed quota: {name}: {why}"));
        }
        let unknown: Vec<&str> = concerned.filter(|name| !used.contains_key(*name)).map(String::as_str).collect();
        if !unknown.is_empty() {
            return Some(format!("status unknown for quota: {name}, resources: {}", unknown.join(",")));
        }
        let wanted = wanted.get_or_insert_with(|| usage(object, resource));
        let exceeds = |(name, (q, _)): &(&String, &(Quantity, Format))| {
            let have = used.get(*name).map_or(0, |u| u.0.nanos);
            q.nanos != 0 && hard.get(*name).is_some_and(|h| have.saturating_add(q.nanos) > h.0.nanos)
        };
        let over: Vec<&String> = wanted.iter().filter(exceeds).map(|(name, _)| name).collect();
        if !over.is_empty() {
            let [requested, used, limited] = [wanted, &used, &hard].map(|a| shown(a, &over));
            return Some(format!("exceeded quota: {name}, requested: {requested}, used: {used}, limited: {limited}"));
        }
    }
    None
}

/// What an object takes of what a quota of its namespace limits.
pub(crate) fn share(quota: &Value, object: &Value, resource: &str) -> Amounts {
    let hard = resource_sums::amounts(quota.get("spec"), "hard");
    if namespace_of(object) != namespace_of(quota) || !hard.keys().any(|n| concerns(n, resource)) || !in_scopes(quota, object) {
        return Amounts::new();
    }
    let mut own = usage(object, resource);
    own.retain(|name, _| hard.contains_key(name));
    own
}

/// Gives a quota that has no status the one its controller would: the limits, and what `objects` (each with its resource)
/// of its namespace use.
pub(crate) fn observe(quota: &mut Value, objects: &[(&Value, String)]) {
    let mut used = Amounts::new();
    for (object, resource) in objects {
        resource_sums::add(&mut used, &share(quota, object, resource));
    }
    set_used(quota, &used);
}

/// Writes the status of a quota whose namespace uses so much.
pub(crate) fn set_used(quota: &mut Value, used: &Amounts) {
    let hard = resource_sums::amounts(quota.get("spec"), "hard");
    let mut all: Amounts = hard.iter().map(|(name, (_, format))| (name.clone(), (Quantity::default(), *format))).collect();
    resource_sums::add(&mut all, used);
    let mut status = json!({});
    resource_sums::write(&mut status, "hard", &hard);
    resource_sums::write(&mut status, "used", &all);
    quota["status"] = status;
}
