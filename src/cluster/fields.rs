//! Server-side apply: who owns which field, what an applied configuration changes and removes, and where two managers
//! disagree. upstream: apimachinery/pkg/util/managedfields, structured-merge-diff/v6/merge

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde_json::Map;
use serde_json::Value;

use crate::kube::apply::Items;
use crate::kube::apply::Place;
use crate::kube::apply::merged;

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

impl Serialize for Owned {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (self.applied, &self.subresource, &self.api_version, &self.paths).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Owned {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (applied, subresource, api_version, paths) = Deserialize::deserialize(from)?;
        Ok(Self { applied, subresource, api_version, paths })
    }
}

/// The managers of an object by name.
pub type Managers = BTreeMap<String, Owned>;

impl super::held::Told for Managers {}

/// How deep trees are looked into.
const DEEP: usize = 200;

fn item_path(path: &str, item: &Value, items: Items) -> String {
    let parts: Vec<String> = items.name(item).iter().map(|(k, v)| format!("{k}={v}")).collect();
    format!("{path}[{}]", parts.join(","))
}

/// Tells of every node, the leaves with their values; maps that merge as a whole are leaves when `whole` says so.
fn walk(value: &Value, path: &str, place: Place, whole: bool, depth: usize, out: &mut dyn FnMut(&str, Option<&Value>)) {
    match (value, place.items()) {
        (Value::Object(map), _) if !map.is_empty() && depth < DEEP && !(whole && place.is_whole()) => {
            if !path.is_empty() {
                out(path, None);
            }
            for (key, inner) in map.iter().filter(|(_, v)| !v.is_null()) {
                walk(inner, &format!("{path}.{key}"), place.below(key), whole, depth + 1, out);
            }
        }
        (Value::Array(all), items) if depth < DEEP && items != Items::Whole => {
            out(path, None);
            for item in all {
                walk(item, &item_path(path, item, items), place.item(), whole, depth + 1, out);
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

fn paths(value: &Value, root: Place) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    walk(value, "", root, true, 0, &mut |path, _| {
        out.insert(path.to_owned());
    });
    out
}

fn leaves(value: &Value, root: Place, whole: bool) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    walk(value, "", root, whole, 0, &mut |path, leaf| {
        if let Some(leaf) = leaf {
            out.insert(path.to_owned(), leaf.clone());
        }
    });
    out
}

/// The values of an object by path, identity and status aside.
pub fn values(object: &Value) -> BTreeMap<String, Value> {
    leaves(&managed(object, false), Place::root(object), false)
}

/// What differs between two values: paths of leaves that are new or other, of leaves that are gone, and of what stands above
/// the former and holds them.
#[derive(Default)]
struct Differences {
    differ: BTreeSet<String>,
    gone: BTreeSet<String>,
    above: BTreeSet<String>,
}

impl Differences {
    fn between(&mut self, old: &Value, new: &Value, path: &str, place: Place, over: &mut Vec<String>) {
        if old == new || over.len() > DEEP {
            return;
        }
        match (old, new, place.items()) {
            (Value::Object(a), Value::Object(b), _) if !a.is_empty() && !b.is_empty() && !place.is_whole() => {
                over.push(path.to_owned());
                for (key, inner) in b {
                    self.between(a.get(key).unwrap_or(&Value::Null), inner, &format!("{path}.{key}"), place.below(key), over);
                }
                for (key, inner) in a.iter().filter(|(k, _)| !b.contains_key(*k)) {
                    self.between(inner, &Value::Null, &format!("{path}.{key}"), place.below(key), over);
                }
                over.pop();
            }
            (Value::Array(a), Value::Array(b), items @ (Items::Set | Items::Keyed(_))) => {
                let same = |x: &Value, y: &Value| items.name(x) == items.name(y);
                over.push(path.to_owned());
                for item in b {
                    let was = a.iter().find(|i| same(i, item)).unwrap_or(&Value::Null);
                    self.between(was, item, &item_path(path, item, items), place.item(), over);
                }
                for item in a.iter().filter(|i| !b.iter().any(|o| same(i, o))) {
                    self.between(item, &Value::Null, &item_path(path, item, items), place.item(), over);
                }
                over.pop();
            }
            _ => self.replaced(old, new, path, place, over),
        }
    }

    /// One value takes the place of another of another shape.
    fn replaced(&mut self, old: &Value, new: &Value, path: &str, place: Place, over: &[String]) {
        let of = |value: &Value| {
            let (mut leaves, mut all) = (BTreeMap::new(), Vec::new());
            if !value.is_null() {
                walk(value, path, place, true, over.len(), &mut |path, leaf| {
                    all.push(path.to_owned());
                    if let Some(leaf) = leaf {
                        leaves.insert(path.to_owned(), leaf.clone());
                    }
                });
            }
            (leaves, all)
        };
        let ((before, _), (after, nodes)) = (of(old), of(new));
        let differ: Vec<&String> = after.iter().filter(|(p, v)| before.get(*p) != Some(v)).map(|(p, _)| p).collect();
        self.gone.extend(before.into_keys().filter(|p| !after.contains_key(p)));
        if differ.is_empty() {
            return;
        }
        let holds = |p: &&String| differ.iter().any(|d| d.strip_prefix(p.as_str()).is_some_and(|r| r.starts_with(['.', '['])));
        self.above.extend(nodes.iter().filter(holds).cloned());
        self.above.extend(over.iter().filter(|p| !p.is_empty()).cloned());
        self.differ.extend(differ.into_iter().cloned());
    }
}

/// The fields of an object that managers own.
fn owned_fields(object: &Value, status: bool) -> impl Iterator<Item = (String, Place, &Value)> {
    const META: [&str; 4] = ["labels", "annotations", "finalizers", "ownerReferences"];
    let own = move |k: &str| !matches!(k, "apiVersion" | "kind" | "metadata") && (status || k != "status");
    let root = Place::root(object);
    let top = object.as_object().into_iter().flatten().filter(move |(k, _)| own(k));
    let meta = object.get("metadata").and_then(Value::as_object).into_iter().flatten().filter(|(k, _)| META.contains(&k.as_str()));
    let about = root.below("metadata");
    top.map(move |(k, v)| (format!(".{k}"), root.below(k), v)).chain(meta.map(move |(k, v)| (format!(".metadata.{k}"), about.below(k), v)))
}

fn differences(old: &Value, new: &Value, status: bool) -> Differences {
    let mut out = Differences::default();
    let (before, mut after): (Vec<_>, Vec<_>) = (owned_fields(old, status).collect(), owned_fields(new, status).collect());
    for (path, place, was) in before {
        let now = after.iter().position(|a| a.0 == path).map_or(&Value::Null, |i| after.swap_remove(i).2);
        out.between(was, now, &path, place, &mut above(&path));
    }
    for (path, place, now) in after {
        out.between(&Value::Null, now, &path, place, &mut above(&path));
    }
    out
}

fn above(path: &str) -> Vec<String> {
    if path.starts_with(".metadata.") { vec![".metadata".to_owned()] } else { Vec::new() }
}

/// Notes that a manager created an object, or wrote what differs between two states of it.
pub fn note_update(managers: &mut Managers, manager: &str, subresource: &str, old: Option<&Value>, new: &Value) {
    let status = subresource == "status";
    let api_version = new["apiVersion"].as_str().unwrap_or("").to_owned();
    let changed: BTreeSet<String> = match old {
        None => paths(&managed(new, status), Place::root(new)),
        Some(old) => {
            let Differences { mut differ, gone, above } = differences(old, new, status);
            for owned in managers.values_mut() {
                for path in differ.iter().chain(&gone) {
                    owned.paths.remove(path);
                }
            }
            differ.extend(above);
            differ
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

/// A value without fields that say nothing.
fn told(value: &Value, depth: usize) -> Value {
    match value {
        Value::Object(map) if depth < DEEP => {
            map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), told(v, depth + 1))).collect()
        }
        Value::Array(items) if depth < DEEP => items.iter().map(|v| told(v, depth + 1)).collect(),
        other => other.clone(),
    }
}

/// Takes away what the manager no longer applies and nobody else owns.
fn prune(value: &mut Value, path: &str, place: Place, gone: &dyn Fn(&str) -> bool, depth: usize) {
    if depth > DEEP {
        return;
    }
    match (value, place.items()) {
        (Value::Object(map), _) if !place.is_whole() => {
            let dead: Vec<String> = map.keys().filter(|k| gone(&format!("{path}.{k}"))).cloned().collect();
            dead.iter().for_each(|k| drop(map.remove(k)));
            for (key, inner) in map.iter_mut() {
                prune(inner, &format!("{path}.{key}"), place.below(key), gone, depth + 1);
            }
        }
        (Value::Array(all), items) if items != Items::Whole => {
            all.retain(|i| !gone(&item_path(path, i, items)));
            for item in all {
                let below = item_path(path, item, items);
                prune(item, &below, place.item(), gone, depth + 1);
            }
        }
        _ => {}
    }
}

/// Applies a configuration for a manager: the object that results, or the sentence about the conflicts.
pub fn apply(managers: &mut Managers, live: &Value, config: &Value, manager: &str, force: bool) -> Result<Value, String> {
    let root = Place::root(config);
    let wanted = managed(config, false);
    let (mut set, mut owns) = (BTreeMap::new(), BTreeSet::new());
    walk(&wanted, "", root, true, 0, &mut |path, leaf| {
        owns.insert(path.to_owned());
        if let Some(leaf) = leaf {
            set.insert(path.to_owned(), leaf.clone());
        }
    });
    let now = leaves(&managed(live, false), root, true);
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
    let mut out = merged(live, &told(config, 0), root, 0);
    let api_version = config["apiVersion"].as_str().unwrap_or("").to_owned();
    managers.insert(manager.to_owned(), Owned { applied: true, subresource: String::new(), api_version, paths: owns });
    let gone: BTreeSet<&String> = last.iter().filter(|path| !managers.values().any(|o| o.paths.contains(*path))).collect();
    if !gone.is_empty() {
        prune(&mut out, "", root, &|path| gone.contains(&path.to_owned()), 0);
    }
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
