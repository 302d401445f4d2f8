//! Clusters as kubectl prints them: what runs there already told apart from what the user brings.
//!
//! A captured workload is not expanded, for its pods are in the file; only pods that it still misses are made. What the
//! user brings takes the place of what has the same name, with its pods; claims stay as they are, for volumes hold data.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::Value;
use serde_json::json;

use super::piece::Piece;
use super::scheduler::api::Pod;
use super::scheduler::json::at;
use super::scheduler::json::int;
use super::scheduler::json::list;
use super::scheduler::json::text;

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
    /// What there is of the cluster, its DaemonSets first.
    pub cluster: Vec<Cow<'a, Piece>>,
    /// The nodes on which each of these DaemonSets has its pod already.
    pub daemons: Vec<BTreeSet<String>>,
    /// Workloads of the cluster whose pods are there: the scheduler reads their selectors only.
    pub listed: Vec<&'a Value>,
    /// The user's objects, each in its place.
    pub objects: Vec<Cow<'a, Piece>>,
    /// What was replaced.
    pub told: Vec<String>,
}

/// Gives objects the namespace of those that name none.
struct Home<'d> {
    default: &'d str,
    /// The pods' shared parts with a namespace, by the address of those without.
    models: FxHashMap<usize, Arc<Value>>,
}

impl Home<'_> {
    fn place<'a>(&mut self, piece: &'a Piece) -> Cow<'a, Piece> {
        let value = piece.value();
        if piece.kind() == "Node" || !text(value, &["metadata", "namespace"]).is_empty() {
            return Cow::Borrowed(piece);
        }
        let with = |value: &Value| {
            let mut value = value.clone();
            if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("namespace".to_owned(), self.default.into());
            }
            value
        };
        Cow::Owned(match piece {
            Piece::Whole(value) => Piece::Whole(with(value)),
            Piece::Pod(own, model) => {
                let placed = self.models.entry(Arc::as_ptr(model) as usize).or_insert_with(|| Arc::new(with(model)));
                Piece::Pod(own.clone(), Arc::clone(placed))
            }
        })
    }
}

fn key_of(piece: &Piece, default: &str) -> Key {
    let own = match text(piece.value(), &["metadata", "namespace"]) {
        "" => default,
        own => own,
    };
    (piece.kind().to_owned(), own.to_owned(), piece.name().into_owned())
}

/// Puts a cluster and the user's objects together; `default` is the namespace of what names none.
pub fn together<'a>(cluster: &'a [Piece], objects: &'a [Piece], default: &str) -> Together<'a> {
    let key = |o: &Piece| key_of(o, default);
    let brought: BTreeSet<Key> = objects.iter().map(key).filter(|k| !STAYS.contains(&k.0.as_str())).collect();
    let mut claims: BTreeMap<Key, &Piece> = BTreeMap::new();
    // Who is above ReplicaSets and Jobs.
    let mut owners: BTreeMap<Key, Key> = BTreeMap::new();
    for object in cluster {
        match object.kind() {
            "PersistentVolumeClaim" => drop(claims.insert(key(object), object)),
            "ReplicaSet" | "Job" => {
                if let Some((kind, owner)) = controller_of(object.value()) {
                    let own = key(object);
                    owners.insert(own.clone(), (kind.to_owned(), own.1, owner.to_owned()));
                }
            }
            _ => {}
        }
    }
    // The workloads of a pod, the nearest first.
    let chain = |pod: &Piece| -> Vec<Key> {
        let Some((kind, owner)) = controller_of(pod.value()) else { return Vec::new() };
        let nearest = (kind.to_owned(), key(pod).1, owner.to_owned());
        let hash = text(pod.value(), &["metadata", "labels", "pod-template-hash"]);
        let guess = || above(kind, owner, hash).map(|(kind, own)| (kind, nearest.1.clone(), own));
        let top = owners.get(&nearest).cloned().or_else(guess);
        std::iter::once(nearest.clone()).chain(top).collect()
    };
    // Pods that share all but their names have one owner too.
    let mut chains: FxHashMap<usize, Arc<[Key]>> = FxHashMap::default();
    let mut chain_of = |pod: &Piece| match pod.model() {
        Some(model) => Arc::clone(chains.entry(Arc::as_ptr(model) as usize).or_insert_with(|| chain(pod).into())),
        None => chain(pod).into(),
    };
    let mut home = Home { default, models: FxHashMap::default() };
    let mut out = Together::default();
    let mut replaced: BTreeMap<Key, usize> = BTreeMap::new();
    let mut running: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    let mut captured: Vec<&Piece> = Vec::new();
    for object in cluster {
        let kind = object.kind();
        if kind == "Pod" {
            // The scheduler watches no pods that have ended.
            if matches!(text(object.value(), &["status", "phase"]), "Succeeded" | "Failed") {
                continue;
            }
            let chain = chain_of(object);
            if let Some(own) = chain.iter().find(|k| brought.contains(*k)) {
                *replaced.entry(own.clone()).or_default() += 1;
                continue;
            }
            if !brought.is_empty() && brought.contains(&key(object)) {
                continue;
            }
            for above in chain.iter() {
                match running.get_mut(above) {
                    Some(there) => there.push(out.cluster.len()),
                    None => drop(running.insert(above.clone(), vec![out.cluster.len()])),
                }
            }
        } else if MAKES_PODS.contains(&kind) && !text(object.value(), &["metadata", "uid"]).is_empty() {
            let own = key(object);
            let gone = brought.contains(&own) || owners.get(&own).is_some_and(|k| brought.contains(k));
            if !gone {
                captured.push(object);
            }
            continue;
        } else if kind != "PersistentVolumeClaim" && brought.contains(&key(object)) {
            continue;
        }
        out.cluster.push(home.place(object));
    }
    let mut surplus: BTreeSet<usize> = BTreeSet::new();
    let mut daemon_sets = Vec::new();
    for piece in captured {
        let object = piece.value();
        out.listed.push(object);
        if controller_of(object).is_some() {
            continue;
        }
        let there = running.get(&key(piece)).map_or(&[][..], Vec::as_slice);
        if piece.kind() == "DaemonSet" {
            // It has a pod on each node that it may use; those that are there are not made again.
            out.daemons.push(there.iter().map(|i| out.cluster[*i].node().to_owned()).collect());
            daemon_sets.push(home.place(piece));
            continue;
        }
        if !matches!(piece.kind(), "Deployment" | "ReplicaSet" | "ReplicationController" | "StatefulSet") {
            continue;
        }
        let wanted = usize::try_from(int(object, &["spec", "replicas"]).unwrap_or(1)).unwrap_or(0);
        surplus.extend(there.iter().skip(wanted));
        if wanted > there.len() {
            let mut more = object.clone();
            more["spec"]["replicas"] = (wanted - there.len()).into();
            if piece.kind() == "StatefulSet" {
                let start = int(object, &["spec", "ordinals", "start"]).unwrap_or(0);
                more["spec"]["ordinals"] = json!({"start": start + there.len() as i64});
            }
            out.cluster.push(Cow::Owned(Piece::Whole(more)));
        }
    }
    if !surplus.is_empty() {
        let mut place = 0;
        out.cluster.retain(|_| {
            place += 1;
            !surplus.contains(&(place - 1))
        });
    }
    // A new node has the pods of DaemonSets before any other.
    out.cluster.splice(0..0, daemon_sets);
    out.objects = objects
        .iter()
        .map(|o| match claims.get(&key(o)).filter(|_| o.kind() == "PersistentVolumeClaim") {
            Some(there) => Cow::Borrowed(*there),
            None => home.place(o),
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

    fn pod(own: &str, phase: &str) -> Value {
        json!({"kind": "Pod", "metadata": {"name": own, "namespace": "default", "labels": {"pod-template-hash": "5d8c"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d8c", "controller": true}]}, "status": {"phase": phase}})
    }

    #[test]
    fn workloads_are_not_counted_twice() {
        let web = |replicas: i64| json!({"kind": "Deployment", "metadata": {"name": "web", "uid": "u"}, "spec": {"replicas": replicas}});
        for (replicas, pods, more) in [(2, 2, None), (5, 2, Some(3)), (1, 1, None)] {
            let cluster = [web(replicas), pod("a", "Running"), pod("b", "Running"), pod("c", "Succeeded")].map(Piece::Whole);
            let found = together(&cluster, &[], "default");
            assert_eq!(found.cluster.iter().filter(|o| o.kind() == "Pod").count(), pods, "{replicas}");
            let made = found.cluster.iter().find(|o| o.kind() == "Deployment").and_then(|o| o.value()["spec"]["replicas"].as_i64());
            assert_eq!(made, more);
        }
        let cluster = [web(2), pod("a", "Running")].map(Piece::Whole);
        let own = [json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 4}})].map(Piece::Whole);
        let found = together(&cluster, &own, "default");
        assert!(found.cluster.is_empty());
        assert_eq!(found.told, ["Deployment/web runs already: its pod is placed anew"]);
    }
}
