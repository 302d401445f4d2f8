//! Server-side apply: who owns which field, what an applied configuration changes and removes, and where two managers
//! disagree. upstream: apimachinery/pkg/util/managedfields, structured-merge-diff/v6/merge

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;

/// The fields of one manager: every node of the tree it owns something at or below, as text such as
/// `.spec.template.spec.containers[name="web"].image`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// Whether the manager applied them; else it updated them.
    pub applied: bool,
    /// The subresource it wrote through.
    pub subresource: String,
    /// The API version it wrote.
    pub api_version: String,
    /// The paths.
    pub paths: BTreeSet<String>,
}

/// The managers of an object by name.
pub type Managers = BTreeMap<String, Owned>;

/// How deep trees are looked into.
const DEEP: usize = 200;

/// The keys by which the items of a list are told apart; none where the list is one value.
fn keys_of(field: &str, items: &[Value]) -> &'static [&'static str] {
    let has = |key: &str| !items.is_empty() && items.iter().all(|i| i.get(key).is_some());
    match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "resourceClaims"
        | "secrets"
        | "webhooks"
            if has("name") =>
        {
            &["name"]
        }
        "ports" if has("containerPort") => &["containerPort", "protocol"],
        "ports" if has("port") => &["port", "protocol"],
        "volumeMounts" if has("mountPath") => &["mountPath"],
        "volumeDevices" if has("devicePath") => &["devicePath"],
        "hostAliases" if has("ip") => &["ip"],
        "topologySpreadConstraints" if has("topologyKey") => &["topologyKey", "whenUnsatisfiable"],
        "conditions" if has("type") => &["type"],
        _ => &[],
    }
}

/// The value of a key of an item; a protocol that is not told is TCP.
fn key_value(item: &Value, key: &str) -> Value {
    match item.get(key) {
        Some(value) => value.clone(),
        None if key == "protocol" => "TCP".into(),
        None => Value::Null,
    }
}

fn item_path(path: &str, item: &Value, keys: &[&str]) -> String {
    let parts: Vec<String> = keys.iter().map(|k| format!("{k}={}", key_value(item, k))).collect();
    format!("{path}[{}]", parts.join(","))
}

fn same_item(a: &Value, b: &Value, keys: &[&str]) -> bool {
    keys.iter().all(|k| key_value(a, k) == key_value(b, k))
}

fn walk(value: &Value, path: &str, field: &str, depth: usize, out: &mut dyn FnMut(&str, Option<&Value>)) {
    match value {
        Value::Object(map) if !map.is_empty() && depth < DEEP => {
            if !path.is_empty() {
                out(path, None);
            }
            for (key, inner) in map.iter().filter(|(_, v)| !v.is_null()) {
                walk(inner, &format!("{path}.{key}"), key, depth + 1, out);
            }
        }
        Value::Array(items) if depth < DEEP && !keys_of(field, items).is_empty() => {
            out(path, None);
            let keys = keys_of(field, items);
            for item in items {
                walk(item, &item_path(path, item, keys), "", depth + 1, out);
            }
        }
        _ => out(path, Some(value)),
    }
}

/// What of an object managers own: identity, version and status aside.
fn managed(object: &Value, status: bool) -> Value {
    let mut out = object.as_object().cloned().unwrap_or_default();
    for key in ["apiVersion", "kind"] {
        out.remove(key);
    }
    if !status {
        out.remove("status");
    }
    let kept: Map<String, Value> = out
        .get("metadata")
        .and_then(Value::as_object)
        .map(|m| m.iter().filter(|(k, _)| matches!(k.as_str(), "labels" | "annotations" | "finalizers" | "ownerReferences")))
        .into_iter()
        .flatten()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    out.remove("metadata");
    if !kept.is_empty() {
        out.insert("metadata".to_owned(), Value::Object(kept));
    }
    Value::Object(out)
}

fn paths(value: &Value) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    walk(value, "", "", 0, &mut |path, _| {
        out.insert(path.to_owned());
    });
    out
}

fn leaves(value: &Value) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    walk(value, "", "", 0, &mut |path, leaf| {
        if let Some(leaf) = leaf {
            out.insert(path.to_owned(), leaf.clone());
        }
    });
    out
}

/// The values of an object by path, identity and status aside.
pub fn values(object: &Value) -> BTreeMap<String, Value> {
    leaves(&managed(object, false))
}

/// Notes that a manager created an object, or wrote what differs between two states of it.
pub fn note_update(managers: &mut Managers, manager: &str, subresource: &str, old: Option<&Value>, new: &Value) {
    let status = subresource == "status";
    let api_version = new["apiVersion"].as_str().unwrap_or("").to_owned();
    let new = managed(new, status);
    let changed: BTreeSet<String> = match old {
        None => paths(&new),
        Some(old) => {
            let (before, after) = (leaves(&managed(old, status)), leaves(&new));
            let differs: Vec<&String> = after.iter().filter(|(p, v)| before.get(*p) != Some(v)).map(|(p, _)| p).collect();
            let gone: Vec<&String> = before.keys().filter(|p| !after.contains_key(*p)).collect();
            for owned in managers.values_mut() {
                for path in differs.iter().chain(&gone) {
                    owned.paths.remove(*path);
                }
            }
            let all = paths(&new);
            let above =
                |p: &String| differs.iter().any(|d| *d == p || d.strip_prefix(p.as_str()).is_some_and(|r| r.starts_with(['.', '['])));
            if differs.is_empty() { BTreeSet::new() } else { all.into_iter().filter(above).collect() }
        }
    };
    if changed.is_empty() {
        return;
    }
    let entry = managers.entry(manager.to_owned()).or_default();
    entry.subresource = subresource.to_owned();
    entry.api_version = api_version;
    entry.paths.extend(changed);
}

/// Merges an applied configuration into an object.
fn merge(live: &mut Value, config: &Value, field: &str, depth: usize) {
    match (live, config) {
        (Value::Object(live), Value::Object(config)) if depth < DEEP => {
            for (key, value) in config.iter().filter(|(_, v)| !v.is_null()) {
                match live.get_mut(key) {
                    Some(slot) => merge(slot, value, key, depth + 1),
                    None => drop(live.insert(key.clone(), value.clone())),
                }
            }
        }
        (Value::Array(live), Value::Array(config)) if !keys_of(field, config).is_empty() && depth < DEEP => {
            let keys = keys_of(field, config);
            let mut out: Vec<Value> = Vec::new();
            // The configuration gives the order; what others added follows.
            for item in config {
                let known = live.iter().find(|l| same_item(l, item, keys)).cloned();
                let mut merged = known.unwrap_or(Value::Null);
                if merged.is_null() {
                    merged = item.clone();
                } else {
                    merge(&mut merged, item, "", depth + 1);
                }
                out.push(merged);
            }
            let others: Vec<Value> = live.iter().filter(|l| !config.iter().any(|c| same_item(l, c, keys))).cloned().collect();
            out.extend(others);
            *live = out;
        }
        (live, config) => *live = config.clone(),
    }
}

/// Takes away what the manager no longer applies and nobody else owns.
fn prune(value: &mut Value, path: &str, field: &str, gone: &dyn Fn(&str) -> bool, depth: usize) {
    if depth > DEEP {
        return;
    }
    match value {
        Value::Object(map) => {
            let dead: Vec<String> = map.keys().filter(|k| gone(&format!("{path}.{k}"))).cloned().collect();
            dead.iter().for_each(|k| drop(map.remove(k)));
            for (key, inner) in map.iter_mut() {
                prune(inner, &format!("{path}.{key}"), key, gone, depth + 1);
            }
        }
        Value::Array(items) => {
            let keys = keys_of(field, items);
            if keys.is_empty() {
                return;
            }
            items.retain(|i| !gone(&item_path(path, i, keys)));
            for item in items {
                let below = item_path(path, item, keys);
                prune(item, &below, "", gone, depth + 1);
            }
        }
        _ => {}
    }
}

/// Applies a configuration for a manager: the object that results, or the sentence about the conflicts.
pub fn apply(managers: &mut Managers, live: &Value, config: &Value, manager: &str, force: bool) -> Result<Value, String> {
    let wanted = managed(config, false);
    let set = leaves(&wanted);
    let now = leaves(&managed(live, false));
    let mut conflicts: Vec<(String, Vec<String>)> = Vec::new();
    for (name, owned) in managers.iter().filter(|(name, owned)| *name != manager || !owned.applied) {
        let differ: Vec<String> =
            set.iter().filter(|(p, v)| owned.paths.contains(*p) && now.get(*p) != Some(v)).map(|(p, _)| p.clone()).collect();
        if !differ.is_empty() && name != manager {
            let through = if owned.subresource.is_empty() { String::new() } else { format!(" with subresource \"{}\"", owned.subresource) };
            conflicts.push((format!("\"{name}\"{through} using {}", owned.api_version), differ));
        }
    }
    let total: usize = conflicts.iter().map(|c| c.1.len()).sum();
    if total > 0 && !force {
        return Err(sentence(&conflicts, total));
    }
    for (_, owned) in managers.iter_mut().filter(|(name, _)| *name != manager) {
        for (path, _) in set.iter().filter(|(p, v)| now.get(*p) != Some(v)) {
            owned.paths.remove(path);
        }
    }
    let last = managers.get(manager).filter(|o| o.applied).map(|o| o.paths.clone()).unwrap_or_default();
    let mut out = live.clone();
    merge(&mut out, config, "", 0);
    let api_version = config["apiVersion"].as_str().unwrap_or("").to_owned();
    managers.insert(manager.to_owned(), Owned { applied: true, subresource: String::new(), api_version, paths: paths(&wanted) });
    let kept: BTreeSet<&String> = managers.values().flat_map(|o| &o.paths).collect();
    let gone = |path: &str| last.contains(path) && !kept.contains(&path.to_owned());
    prune(&mut out, "", "", &gone, 0);
    Ok(out)
}

/// upstream: managedfields/internal/conflict.go
fn sentence(conflicts: &[(String, Vec<String>)], total: usize) -> String {
    let one = |(who, paths): &(String, Vec<String>)| match paths.as_slice() {
        [path] => format!("conflict with {who}: {path}"),
        many => format!("conflicts with {who}:{}", many.iter().map(|p| format!("\n- {p}")).collect::<String>()),
    };
    let list: Vec<String> = conflicts.iter().map(one).collect();
    let word = if total == 1 { "conflict" } else { "conflicts" };
    format!("Apply failed with {total} {word}: {}", list.join("\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn web(replicas: i64, image: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": replicas, "template": {"spec": {"containers": [
            {"name": "c", "image": image, "livenessProbe": {"httpGet": {"path": "/"}}}]}}}})
    }

    #[test]
    fn removes_what_is_no_longer_applied_with_its_defaults() {
        let mut managers = Managers::new();
        let mut live = apply(&mut managers, &json!({}), &web(1, "a"), "helm", false).expect("applies");
        live["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]["periodSeconds"] = 10.into();
        let mut next = web(1, "b");
        next["spec"]["template"]["spec"]["containers"][0] = json!({"name": "c", "image": "b"});
        let out = apply(&mut managers, &live, &next, "helm", false).expect("applies");
        assert_eq!(out["spec"]["template"]["spec"]["containers"][0], json!({"name": "c", "image": "b"}));
    }

    #[test]
    fn conflicts_name_manager_and_field() {
        let mut managers = Managers::new();
        let live = apply(&mut managers, &json!({}), &web(1, "a"), "helm", false).expect("applies");
        let mut scaled = live.clone();
        scaled["spec"]["replicas"] = 3.into();
        note_update(&mut managers, "kubectl", "scale", Some(&live), &scaled);
        let refused = apply(&mut managers, &scaled, &web(1, "b"), "helm", false).expect_err("a conflict");
        assert_eq!(
            refused,
            "Apply failed with 1 conflict: conflict with \"kubectl\" with subresource \"scale\" using apps/v1: .spec.replicas"
        );
        assert!(apply(&mut managers, &scaled, &web(3, "b"), "helm", false).is_ok());
        assert!(apply(&mut managers, &scaled, &web(1, "b"), "helm", true).is_ok());
    }
}
