//! Clusters as kubectl prints them: big lists read item by item, and what runs there already told apart from what the
//! user brings.
//!
//! A captured workload is not expanded, for its pods are in the file; only pods that it still misses are made. What the
//! user brings takes the place of what has the same name, with its pods; claims stay as they are, for volumes hold data.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Value;
use serde_json::json;

use super::scheduler::api::Pod;
use super::scheduler::json::at;
use super::scheduler::json::int;
use super::scheduler::json::list;
use super::scheduler::json::name;
use super::scheduler::json::namespace;
use super::scheduler::json::text;

/// The items of a list as `kubectl get -o yaml` prints it, each where it begins with its dash; `None` for other texts.
pub fn items(text: &str) -> Option<Vec<&str>> {
    let start = text.find("\nitems:\n- ")? + "\nitems:\n".len();
    // Only plain keys may stand before.
    if !text[..start].lines().all(|l| matches!(l, "" | "---" | "apiVersion: v1" | "items:")) {
        return None;
    }
    let mut out = Vec::new();
    let (mut from, mut at) = (start, start);
    for line in text[start..].split_inclusive('\n') {
        match line.as_bytes().first() {
            Some(b'-') if line.starts_with("- ") => {
                if at > from {
                    out.push(&text[from..at]);
                }
                from = at;
            }
            Some(b' ' | b'\n' | b'\r') => {}
            // The end of the list: nothing but its own few keys may follow.
            _ if matches!(line.trim_end(), "kind: List" | "metadata:") => break,
            _ => return None,
        }
        at += line.len();
    }
    if !text[at..].lines().all(|l| matches!(l, "kind: List" | "metadata:") || l.starts_with("  resourceVersion: ") || l.is_empty()) {
        return None;
    }
    out.push(&text[from..at]);
    Some(out)
}

/// Takes out what no prediction reads, for there may be very many objects.
pub fn trim(object: &mut Value) {
    if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        meta.remove("managedFields");
        if let Some(annotations) = meta.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    if object["kind"] == "Pod"
        && let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut)
    {
        for list in ["containers", "initContainers"] {
            for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
                container.retain(|key, _| !matches!(key.as_str(), "env" | "envFrom" | "volumeMounts"));
            }
        }
        // The token that every pod has.
        if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
            volumes.retain(|v| at(v, &["projected"]).is_null());
        }
    }
    if object["kind"] == "Pod"
        && let Some(status) = object.get_mut("status").and_then(Value::as_object_mut)
    {
        status.retain(|key, _| matches!(key.as_str(), "phase" | "startTime" | "nominatedNodeName" | "resourceClaimStatuses"));
    }
}

/// The objects of a JSON text, those of lists one by one, so that a large list is never in memory as a whole.
///
/// # Errors
///
/// Text that is no JSON.
pub fn from_json(text: &[u8]) -> Result<Vec<Value>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let out = ListSeed.deserialize(&mut reader)?;
    reader.end()?;
    Ok(out)
}

struct ListSeed;

impl<'de> DeserializeSeed<'de> for ListSeed {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ListSeed {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut own = serde_json::Map::new();
        let mut items = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" {
                items = Some(map.next_value_seed(ItemsSeed)?);
            } else {
                own.insert(key, map.next_value()?);
            }
        }
        let is_list = own.get("kind").and_then(Value::as_str).is_some_and(|k| k.ends_with("List"));
        Ok(match items {
            Some(items) if is_list => items,
            Some(items) => {
                own.insert("items".to_owned(), items.into());
                vec![Value::Object(own)]
            }
            None => vec![Value::Object(own)],
        })
    }
}

struct ItemsSeed;

impl<'de> DeserializeSeed<'de> for ItemsSeed {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ItemsSeed {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut out = Vec::new();
        while let Some(mut item) = items.next_element::<Value>()? {
            trim(&mut item);
            out.push(item);
        }
        Ok(out)
    }
}

/// The workload that a pod belongs to, as its owner and its labels tell; itself when none.
pub fn workload_of(pod: &Pod) -> (String, String) {
    if pod.source.kind != "Pod" {
        return (pod.source.kind.clone(), pod.source.name.clone());
    }
    let Some(owner) = &pod.owner else { return (pod.source.kind.clone(), pod.source.name.clone()) };
    let hash = pod.labels.get("pod-template-hash").map(String::as_str);
    above(&owner.kind, &owner.name, hash.unwrap_or("")).unwrap_or_else(|| (owner.kind.clone(), owner.name.clone()))
}

/// The Deployment that a ReplicaSet of such a name belongs to.
fn above(kind: &str, own_name: &str, hash: &str) -> Option<(String, String)> {
    let prefix = own_name.strip_suffix(hash).filter(|_| kind == "ReplicaSet" && !hash.is_empty())?.strip_suffix('-')?;
    Some(("Deployment".to_owned(), prefix.to_owned()))
}

/// A kind, a namespace and a name.
type Key = (String, String, String);

const MAKES_PODS: [&str; 7] = ["Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "CronJob"];

/// Objects of no namespace that the user's may not replace, or that hold what must stay.
const STAYS: [&str; 2] = ["Node", "PersistentVolume"];

fn controller_of(object: &Value) -> Option<(&str, &str)> {
    let owner = list(object, &["metadata", "ownerReferences"]).iter().find(|o| at(o, &["controller"]).as_bool() == Some(true))?;
    Some((text(owner, &["kind"]), text(owner, &["name"])))
}

/// A cluster and the user's objects, put together.
#[derive(Debug, Default)]
pub struct Together<'a> {
    /// What there is of the cluster.
    pub cluster: Vec<Cow<'a, Value>>,
    /// Workloads of the cluster whose pods are there: the scheduler reads their selectors only.
    pub listed: Vec<&'a Value>,
    /// The user's objects, each in its place.
    pub objects: Vec<Cow<'a, Value>>,
    /// What was replaced.
    pub told: Vec<String>,
}

fn with_namespace<'a>(object: &'a Value, default: &str) -> Cow<'a, Value> {
    if text(object, &["kind"]) == "Node" || !text(object, &["metadata", "namespace"]).is_empty() {
        return Cow::Borrowed(object);
    }
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("namespace".to_owned(), default.into());
    }
    Cow::Owned(object)
}

/// Puts a cluster and the user's objects together; `default` is the namespace of what names none.
pub fn together<'a>(cluster: &'a [Value], objects: &'a [Value], default: &str) -> Together<'a> {
    let key = |o: &Value| -> Key {
        let own = namespace(o);
        let own = if text(o, &["metadata", "namespace"]).is_empty() { default.to_owned() } else { own };
        (text(o, &["kind"]).to_owned(), own, name(o))
    };
    let brought: BTreeSet<Key> = objects.iter().map(key).filter(|k| !STAYS.contains(&k.0.as_str())).collect();
    let mut claims: BTreeMap<Key, &Value> = BTreeMap::new();
    // Who is above ReplicaSets and Jobs.
    let mut owners: BTreeMap<Key, Key> = BTreeMap::new();
    for object in cluster {
        match text(object, &["kind"]) {
            "PersistentVolumeClaim" => drop(claims.insert(key(object), object)),
            "ReplicaSet" | "Job" => {
                if let Some((kind, owner)) = controller_of(object) {
                    let own = key(object);
                    owners.insert(own.clone(), (kind.to_owned(), own.1, owner.to_owned()));
                }
            }
            _ => {}
        }
    }
    // The workloads of a pod, the nearest first.
    let chain = |pod: &Value| -> Vec<Key> {
        let Some((kind, owner)) = controller_of(pod) else { return Vec::new() };
        let nearest = (kind.to_owned(), key(pod).1, owner.to_owned());
        let hash = text(pod, &["metadata", "labels", "pod-template-hash"]);
        let guess = || above(kind, owner, hash).map(|(kind, own)| (kind, nearest.1.clone(), own));
        let top = owners.get(&nearest).cloned().or_else(guess);
        std::iter::once(nearest.clone()).chain(top).collect()
    };
    let mut out = Together::default();
    let mut replaced: BTreeMap<Key, usize> = BTreeMap::new();
    let mut running: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    let mut captured: Vec<&Value> = Vec::new();
    for object in cluster {
        let kind = text(object, &["kind"]);
        if kind == "Pod" {
            // The scheduler watches no pods that have ended.
            if matches!(text(object, &["status", "phase"]), "Succeeded" | "Failed") {
                continue;
            }
            let chain = chain(object);
            if let Some(own) = chain.iter().find(|k| brought.contains(k)) {
                *replaced.entry(own.clone()).or_default() += 1;
                continue;
            }
            if brought.contains(&key(object)) {
                continue;
            }
            chain.into_iter().for_each(|k| running.entry(k).or_default().push(out.cluster.len()));
        } else if MAKES_PODS.contains(&kind) && !text(object, &["metadata", "uid"]).is_empty() {
            let own = key(object);
            let gone = brought.contains(&own) || owners.get(&own).is_some_and(|k| brought.contains(k));
            if !gone {
                captured.push(object);
            }
            continue;
        } else if kind != "PersistentVolumeClaim" && brought.contains(&key(object)) {
            continue;
        }
        out.cluster.push(with_namespace(object, default));
    }
    let mut surplus: BTreeSet<usize> = BTreeSet::new();
    for object in captured {
        out.listed.push(object);
        let counts = matches!(text(object, &["kind"]), "Deployment" | "ReplicaSet" | "ReplicationController" | "StatefulSet");
        if !counts || controller_of(object).is_some() {
            continue;
        }
        let there = running.get(&key(object)).map_or(&[][..], Vec::as_slice);
        let wanted = usize::try_from(int(object, &["spec", "replicas"]).unwrap_or(1)).unwrap_or(0);
        surplus.extend(there.iter().skip(wanted));
        if wanted > there.len() {
            let mut more = object.clone();
            more["spec"]["replicas"] = (wanted - there.len()).into();
            if text(object, &["kind"]) == "StatefulSet" {
                let start = int(object, &["spec", "ordinals", "start"]).unwrap_or(0);
                more["spec"]["ordinals"] = json!({"start": start + there.len() as i64});
            }
            out.cluster.push(Cow::Owned(more));
        }
    }
    let mut place = 0;
    out.cluster.retain(|_| {
        place += 1;
        !surplus.contains(&(place - 1))
    });
    out.objects = objects
        .iter()
        .map(|o| match claims.get(&key(o)) {
            Some(there) => Cow::Borrowed(*there),
            None => with_namespace(o, default),
        })
        .collect();
    out.told = replaced
        .into_iter()
        .map(|((kind, _, own), n)| {
            let pods = if n == 1 { "its pod is placed anew".to_owned() } else { format!("its {n} pods are placed anew") };
            format!("{kind}/{own} runs already: {pods}")
        })
        .collect();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata:\n    name: a\n- apiVersion: v1\n  kind: Node\n  \
                        metadata:\n    name: b\nkind: List\nmetadata:\n  resourceVersion: \"\"\n";

    #[test]
    fn lists_by_item() {
        let found = items(LIST).expect("a list");
        assert_eq!(found.len(), 2);
        assert!(found[1].starts_with("- apiVersion: v1\n  kind: Node") && found[1].ends_with("name: b\n"));
        for other in ["items: []\n", "apiVersion: v1\nitems:\n- a: 1\n---\nkind: Node\n", "kind: List\nitems:\n- a: 1\nx: 2\n"] {
            assert_eq!(items(other), None, "{other}");
        }
    }

    #[test]
    fn json_lists() {
        let found = from_json(br#"{"apiVersion":"v1","kind":"List","items":[{"kind":"Pod","metadata":{"managedFields":[]}}]}"#);
        assert_eq!(found.expect("objects"), [json!({"kind": "Pod", "metadata": {}})]);
    }

    fn pod(own: &str, phase: &str) -> Value {
        json!({"kind": "Pod", "metadata": {"name": own, "namespace": "default", "labels": {"pod-template-hash": "5d8c"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d8c", "controller": true}]}, "status": {"phase": phase}})
    }

    #[test]
    fn workloads_are_not_counted_twice() {
        let web = |replicas: i64| json!({"kind": "Deployment", "metadata": {"name": "web", "uid": "u"}, "spec": {"replicas": replicas}});
        for (replicas, pods, more) in [(2, 2, None), (5, 2, Some(3)), (1, 1, None)] {
            let cluster = [web(replicas), pod("a", "Running"), pod("b", "Running"), pod("c", "Succeeded")];
            let found = together(&cluster, &[], "default");
            assert_eq!(found.cluster.iter().filter(|o| o["kind"] == "Pod").count(), pods, "{replicas}");
            assert_eq!(found.cluster.iter().find(|o| o["kind"] == "Deployment").and_then(|o| o["spec"]["replicas"].as_i64()), more);
        }
        let cluster = [web(2), pod("a", "Running")];
        let own = [json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 4}})];
        let found = together(&cluster, &own, "default");
        assert!(found.cluster.is_empty());
        assert_eq!(found.told, ["Deployment/web runs already: its pod is placed anew"]);
    }
}
