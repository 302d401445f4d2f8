//! Amounts of resources as the scheduler counts them: milli-CPUs, bytes and whole numbers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json::{at, list, scalar, text};
use crate::kube::quantity;

/// CPU counted for a container without a request when nodes are scored.
pub const DEFAULT_MILLI_CPU_REQUEST: i64 = 100;
/// Memory counted for a container without a request when nodes are scored.
pub const DEFAULT_MEMORY_REQUEST: i64 = 200 * 1024 * 1024;

/// Amounts by resource. upstream: pkg/scheduler/framework/types.go
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// In thousandths of a CPU.
    pub milli_cpu: i64,
    /// In bytes.
    pub memory: i64,
    /// In bytes.
    pub ephemeral_storage: i64,
    /// How many pods a node takes.
    pub allowed_pod_number: i64,
    /// Extended resources, huge pages and the like.
    pub scalar: BTreeMap<String, i64>,
}

fn zip(a: &mut Resource, b: &Resource, f: impl Fn(i64, i64) -> i64) {
    a.milli_cpu = f(a.milli_cpu, b.milli_cpu);
    a.memory = f(a.memory, b.memory);
    a.ephemeral_storage = f(a.ephemeral_storage, b.ephemeral_storage);
    for (name, amount) in &b.scalar {
        let entry = a.scalar.entry(name.clone()).or_insert(0);
        *entry = f(*entry, *amount);
    }
}

impl Resource {
    /// From a `ResourceList`.
    pub fn new(list: &Value) -> Self {
        let mut out = Self::default();
        let Some(map) = list.as_object() else { return out };
        for (name, amount) in map {
            let amount = scalar(amount);
            match name.as_str() {
                "cpu" => out.milli_cpu = milli_value(&amount),
                "memory" => out.memory = value(&amount),
                "ephemeral-storage" => out.ephemeral_storage = value(&amount),
                "pods" => out.allowed_pod_number = value(&amount),
                name if is_scalar(name) => {
                    out.scalar.insert(name.to_owned(), value(&amount));
                }
                _ => {}
            }
        }
        out
    }

    /// Adds amounts.
    pub fn add(&mut self, other: &Self) {
        zip(self, other, i64::saturating_add);
    }

    /// Takes amounts away.
    pub fn sub(&mut self, other: &Self) {
        zip(self, other, i64::saturating_sub);
    }

    /// Raises each amount to the other's when that is greater.
    pub fn max(&mut self, other: &Self) {
        zip(self, other, i64::max);
    }

    /// Whether nothing is asked for.
    pub fn is_zero(&self) -> bool {
        self.milli_cpu == 0 && self.memory == 0 && self.ephemeral_storage == 0 && self.scalar.is_empty()
    }
}

/// Whether a resource is counted in whole numbers by name.
pub fn is_scalar(name: &str) -> bool {
    name.contains('/') || name.starts_with("hugepages-") || name.starts_with("attachable-volumes-")
}

/// A quantity in thousandths, rounded up; 0 for what is no quantity.
pub fn milli_value(text: &str) -> i64 {
    quantity::parse(text).map_or(0, quantity::Quantity::milli_value)
}

/// A quantity in whole units, rounded up; 0 for what is no quantity.
pub fn value(text: &str) -> i64 {
    quantity::parse(text).map_or(0, quantity::Quantity::value)
}

/// What a container asks for: its requests, and its limits where a request is missing (the API server's defaulting).
fn container_requests(container: &Value) -> Resource {
    let requests = at(container, &["resources", "requests"]);
    let limits = at(container, &["resources", "limits"]);
    let mut merged = limits.as_object().cloned().unwrap_or_default();
    for (name, amount) in requests.as_object().into_iter().flatten() {
        merged.insert(name.clone(), amount.clone());
    }
    Resource::new(&Value::Object(merged))
}

fn asks(container: &Value, name: &str) -> bool {
    ["requests", "limits"].iter().any(|kind| !at(container, &["resources", kind, name]).is_null())
}

/// With defaults for the CPU and the memory that a container does not ask for, where they are wanted.
fn non_zero(container: &Value, (cpu, memory): (bool, bool)) -> Resource {
    let mut requests = container_requests(container);
    if cpu && !asks(container, "cpu") {
        requests.milli_cpu = DEFAULT_MILLI_CPU_REQUEST;
    }
    if memory && !asks(container, "memory") {
        requests.memory = DEFAULT_MEMORY_REQUEST;
    }
    requests
}

/// upstream: component-helpers/resource/helpers.go AggregateContainerRequests
fn aggregate(spec: &Value, of: impl Fn(&Value) -> Resource) -> Resource {
    let mut requests = Resource::default();
    for container in list(spec, &["containers"]) {
        requests.add(&of(container));
    }
    let mut restartable = Resource::default();
    let mut init = Resource::default();
    for container in list(spec, &["initContainers"]) {
        let mut own = of(container);
        if text(container, &["restartPolicy"]) == "Always" {
            requests.add(&own);
            restartable.add(&own);
            own = restartable.clone();
        } else {
            own.add(&restartable);
        }
        init.max(&own);
    }
    requests.max(&init);
    requests
}

/// What a pod asks for.
#[derive(Clone, Debug, Default)]
pub struct PodRequests {
    /// As filters count it.
    pub requests: Resource,
    /// With defaults for containers that do not say, as scoring counts the pods of a node.
    pub non_zero: Resource,
    /// The same for the pod that is to be placed, of which the score of NodeResourcesFit does not see what is asked for at
    /// the level of the pod: upstream's scorer is made without that feature (plugins/noderesources/fit.go).
    pub incoming: Resource,
}

/// The requests of a pod. upstream: component-helpers/resource/helpers.go PodRequests
pub fn pod_requests(spec: &Value) -> PodRequests {
    let pod_level = at(spec, &["resources"]);
    let at_level = |name: &str| ["limits", "requests"].iter().any(|k| !at(pod_level, &[k, name]).is_null());
    let levels = || ["limits", "requests"].iter().flat_map(|k| at(pod_level, &[k]).as_object().into_iter().flatten());
    let is_level = |name: &str| matches!(name, "cpu" | "memory") || name.starts_with("hugepages-");
    let level_set = levels().any(|(name, _)| is_level(name));
    let containers = || list(spec, &["containers"]).iter().chain(list(spec, &["initContainers"]));
    // With requests of the pod only what nobody asks for has a default. upstream: getNonMissingContainerRequests
    let wants = |name: &str| !level_set || !(at_level(name) || containers().any(|c| asks(c, name)));
    let defaults = (wants("cpu"), wants("memory"));
    let mut requests = aggregate(spec, container_requests);
    let mut scoring = aggregate(spec, |c| non_zero(c, defaults));
    let mut incoming = aggregate(spec, |c| non_zero(c, (true, true)));
    for (name, amount) in levels() {
        let explicit = !at(pod_level, &["requests", name]).is_null();
        let used = list(spec, &["containers"]).iter().chain(list(spec, &["initContainers"])).any(|c| asks(c, name));
        // A limit of the pod becomes its request only when neither the pod nor a container asks for the resource; huge
        // pages cannot be overcommitted, so theirs always does.
        if !explicit && used && !name.starts_with("hugepages-") {
            continue;
        }
        let amount = scalar(amount);
        for list in [&mut requests, &mut scoring] {
            match name.as_str() {
                "cpu" => list.milli_cpu = milli_value(&amount),
                "memory" => list.memory = value(&amount),
                name if name.starts_with("hugepages-") => {
                    list.scalar.insert(name.to_owned(), value(&amount));
                }
                _ => {}
            }
        }
    }
    let overhead = Resource::new(at(spec, &["overhead"]));
    [&mut requests, &mut scoring, &mut incoming].into_iter().for_each(|list| list.add(&overhead));
    PodRequests { requests, non_zero: scoring, incoming }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities() {
        assert_eq!(milli_value("100m"), 100);
        assert_eq!(milli_value("1.5"), 1500);
        assert_eq!(value("100m"), 1);
        assert_eq!(value("1Gi"), 1 << 30);
        assert_eq!(value("0.5Gi"), 1 << 29);
        assert_eq!(value("1e3"), 1000);
        assert_eq!(value("1E"), 1_000_000_000_000_000_000);
        assert_eq!(value("x"), 0);
    }
}
