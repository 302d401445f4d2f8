//! Descriptions of a cluster: Node objects, the short form `nodes: [{count: 3, cpu: 4, memory: 16Gi}]`, the argument
//! `3x4cpu,16Gi`, and the built-in default of three plain nodes.

use serde_json::{Map, Value, json};

use super::scheduler::json::{at, int, list, name, scalar, text};
use crate::kube::quantity;

/// How many nodes a short form may make.
const MAX_NODES: i64 = 20_000;

/// A Node object of the given size.
fn node(node_name: &str, amounts: &Value, labels: &Map<String, Value>, taints: &Value) -> Value {
    let mut all = json!({
        "kubernetes.io/hostname": node_name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
    });
    for (key, value) in labels {
        all[key.as_str()] = scalar(value).into();
    }
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node_name, "labels": all},
        "spec": {"taints": taints},
        "status": {"capacity": amounts, "allocatable": amounts},
    })
}

/// The storage class of a cluster of which only sizes are known: volumes are made where their first pod goes.
pub fn default_storage() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "simulate.kval.dev/any",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    })
}

/// Three nodes of 4 CPUs and 16 GiB.
pub fn default_nodes() -> Vec<Value> {
    short_form(&json!({"nodes": [{"count": 3}]})).unwrap_or_default()
}

/// The keys of an entry of the short form.
const KEYS: [&str; 11] =
    ["count", "name", "cpu", "memory", "pods", "ephemeral-storage", "resources", "labels", "taints", "zones", "unschedulable"];

/// Keys that nobody knows, and amounts that are none.
fn check_entry(position: usize, entry: &Value) -> Result<(), String> {
    let Some(fields) = entry.as_object() else { return Err(format!("nodes[{position}]: expected a map such as {{count: 3, cpu: 4}}")) };
    if let Some(key) = fields.keys().find(|k| !KEYS.contains(&k.as_str())) {
        return Err(format!("nodes[{position}].{key}: there is no such field; there are {}", KEYS.join(", ")));
    }
    let own = ["cpu", "memory", "pods", "ephemeral-storage"].into_iter().map(|key| (key.to_owned(), at(entry, &[key])));
    let more = at(entry, &["resources"]).as_object().into_iter().flatten().map(|(key, v)| (format!("resources.{key}"), v));
    for (key, amount) in own.chain(more).filter(|(_, v)| !v.is_null()) {
        let text = scalar(amount);
        if quantity::parse(&text).is_err() {
            return Err(format!("nodes[{position}].{key}: {text:?} is not an amount such as 4, 500m or 16Gi"));
        }
    }
    Ok(())
}

/// Nodes of the short form; `Err` says what is wrong with it.
///
/// Keys of an entry: `count`, `name` (a prefix, or the name when there is one node), `cpu`, `memory`, `pods`,
/// `ephemeral-storage`, `resources` (more amounts by name), `labels`, `taints` (objects or `key=value:Effect`),
/// `zones` (names given to the nodes in turn) and `unschedulable`.
pub fn short_form(value: &Value) -> Result<Vec<Value>, String> {
    let Some(entries) = at(value, &["nodes"]).as_array() else { return Err("nodes: expected a list".to_owned()) };
    let mut out = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let count = int(entry, &["count"]).unwrap_or(1);
        if !(0..=MAX_NODES).contains(&count) {
            return Err(format!("nodes[{position}].count: must be between 0 and {MAX_NODES}"));
        }
        check_entry(position, entry)?;
        let or = |key: &str, default: &str| match scalar(at(entry, &[key])) {
            text if text.is_empty() => default.to_owned(),
            text => text,
        };
        let mut amounts = json!({"cpu": or("cpu", "4"), "memory": or("memory", "16Gi"), "pods": or("pods", "110"),
            "ephemeral-storage": or("ephemeral-storage", "100Gi")});
        for (key, amount) in at(entry, &["resources"]).as_object().into_iter().flatten() {
            amounts[key.as_str()] = scalar(amount).into();
        }
        let mut taints = Vec::new();
        for taint in list(entry, &["taints"]) {
            taints.push(match taint.as_str() {
                Some(short) => {
                    parse_taint(short).ok_or_else(|| format!("nodes[{position}].taints: {short:?} is not key[=value]:Effect"))?
                }
                None => taint.clone(),
            });
        }
        let zones = list(entry, &["zones"]);
        for i in 0..count {
            let node_name = match text(entry, &["name"]) {
                "" => format!("node-{}", out.len() + 1),
                given if count == 1 => given.to_owned(),
                given => format!("{given}-{}", i + 1),
            };
            let mut labels = at(entry, &["labels"]).as_object().cloned().unwrap_or_default();
            if !zones.is_empty() {
                let zone = scalar(&zones[i as usize % zones.len()]);
                labels.insert("topology.kubernetes.io/zone".to_owned(), zone.into());
            }
            let mut made = node(&node_name, &amounts, &labels, &Value::Array(taints.clone()));
            if at(entry, &["unschedulable"]).as_bool() == Some(true) {
                made["spec"]["unschedulable"] = true.into();
            }
            out.push(made);
        }
    }
    Ok(out)
}

/// `key=value:Effect` or `key:Effect`.
pub(crate) fn parse_taint(short: &str) -> Option<Value> {
    let (key, effect) = short.rsplit_once(':')?;
    let (key, value) = key.split_once('=').unwrap_or((key, ""));
    matches!(effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute").then(|| json!({"key": key, "value": value, "effect": effect}))
}

/// Nodes of the argument form: `3x4cpu,16Gi` is three nodes of 4 CPUs and 16 GiB, `4cpu,16Gi` one; several groups are
/// separated by `+`. A third part such as `50pods` limits the pods.
pub fn parse_argument(argument: &str) -> Result<Vec<Value>, String> {
    let mut groups = Vec::new();
    for group in argument.split('+') {
        let wrong = || format!("{group:?} is not of the form 3x4cpu,16Gi");
        let (count, rest) = match group.split_once('x') {
            Some((count, rest)) => (count.trim().parse::<i64>().map_err(|_| wrong())?, rest),
            None => (1, group),
        };
        let mut entry = json!({"count": count});
        for part in rest.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let (key, amount) = match part.strip_suffix("cpu") {
                Some(cpu) => ("cpu", cpu),
                None => part.strip_suffix("pods").map_or(("memory", part), |pods| ("pods", pods)),
            };
            if !amount.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(wrong());
            }
            entry[key] = amount.into();
        }
        groups.push(entry);
    }
    short_form(&json!({"nodes": groups}))
}

/// The nodes and other objects of a document of a cluster file: an object as it is, a short form expanded.
///
/// # Errors
/// What is wrong with a short form.
pub fn from_document(document: Value) -> Result<Vec<Value>, String> {
    let mut out = if at(&document, &["kind"]).is_null() && at(&document, &["nodes"]).is_array() {
        let mut out = short_form(&document)?;
        out.extend(list(&document, &["objects"]).iter().cloned());
        out
    } else if matches!(text(&document, &["kind"]), "List" | "NodeList" | "PodList") {
        list(&document, &["items"]).to_vec()
    } else if document.is_object() {
        vec![document]
    } else {
        Vec::new()
    };
    out.iter_mut().for_each(name_node);
    Ok(out)
}

/// As [`from_document`], for all documents of a file.
///
/// # Errors
/// What is wrong with a short form.
pub fn from_documents(documents: &[Value]) -> Result<Vec<Value>, String> {
    let each: Vec<Vec<Value>> = documents.iter().cloned().map(from_document).collect::<Result<_, _>>()?;
    Ok(each.concat())
}

/// A node without labels gets that of its name, as the kubelet would set it.
pub fn name_node(object: &mut Value) {
    if text(object, &["kind"]) == "Node" && at(object, &["metadata", "labels"]).is_null() && at(object, &["metadata"]).is_object() {
        object["metadata"]["labels"] = json!({"kubernetes.io/hostname": name(object)});
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argument() {
        let nodes = parse_argument("2x4cpu,16Gi+1x8cpu,32Gi,50pods").expect("a good argument");
        assert_eq!(nodes.len(), 3);
        assert_eq!(text(&nodes[2], &["status", "allocatable", "pods"]), "50");
        assert_eq!(text(&nodes[0], &["status", "allocatable", "cpu"]), "4");
        assert!(parse_argument("manyx4cpu").is_err());
    }

    #[test]
    fn default_is_three_nodes() {
        assert_eq!(default_nodes().len(), 3);
    }
}
