//! The objects, and what may be done with them: create, update, delete, with the log that watchers read.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::Nanos;
use super::SECOND;
use super::Uid;
use super::admission;
use super::facts;
use super::facts::node_name;
use super::facts::phase;
use super::mould::Kind;
use super::object::Object;
use super::objects::InOrder;
use super::objects::Objects;
use super::shared::Shared;
use crate::kube;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::scalar;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::selector::Selector;

/// A refused request, in the server's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub code: u16,
    /// Such as `Forbidden`.
    pub reason: &'static str,
    /// The sentence.
    pub message: String,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It was created.
    Added,
    /// It was changed.
    Modified,
    /// It is gone.
    Deleted,
}

/// One entry of the log.
#[derive(Clone, Debug)]
pub struct Change {
    /// When.
    pub at: Nanos,
    /// What.
    pub operation: Operation,
    /// The object before, for changes.
    pub old: Option<Arc<Object>>,
    /// The object after, or as it was last.
    pub object: Arc<Object>,
}

/// What becomes of the objects that belong to a deleted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted afterwards.
    Background,
    /// They are deleted first.
    Foreground,
    /// They stay.
    Orphan,
}

/// An event, as `kubectl describe` would show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Nanos,
    /// The object it is about, as `Kind/name`.
    pub object: String,
    /// Its uid.
    pub uid: Uid,
    /// Whether it warns.
    pub warning: bool,
    /// Such as `ScalingReplicaSet`.
    pub reason: &'static str,
    /// The sentence.
    pub message: String,
}

/// The first status of a pod.
static PENDING: LazyLock<Shared> = LazyLock::new(|| Arc::new(Kind::default()).first(serde_json::json!({"phase": "Pending"}), Vec::new()));

/// The finalizer of a foreground deletion.
pub const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer of a deletion that leaves the dependents.
pub const ORPHAN: &str = "orphan";

/// Uids by kind, namespace and name.
#[derive(Clone, Debug, Default)]
struct Names(FxHashMap<String, FxHashMap<String, FxHashMap<String, Uid>>>);

impl Names {
    fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Uid> {
        self.0.get(kind)?.get(namespace)?.get(name).copied()
    }

    fn insert(&mut self, object: &Object) {
        let known = self.0.get_mut(&object.kind).and_then(|all| all.get_mut(&object.meta.namespace));
        let here = match known {
            Some(here) => here,
            None => self.0.entry(object.kind.clone()).or_default().entry(object.meta.namespace.clone()).or_default(),
        };
        here.insert(object.meta.name.clone(), object.meta.uid);
    }

    fn remove(&mut self, object: &Object) {
        if let Some(here) = self.0.get_mut(&object.kind).and_then(|all| all.get_mut(&object.meta.namespace)) {
            here.remove(&object.meta.name);
        }
    }
}

/// Uids of pods by label and value.
#[derive(Clone, Debug, Default)]
struct Labelled(FxHashMap<String, FxHashMap<String, BTreeSet<Uid>>>);

impl Labelled {
    fn insert(&mut self, pod: &Object) {
        for (key, value) in &pod.meta.labels {
            let known = self.0.get_mut(key).and_then(|all| all.get_mut(value));
            let uids = match known {
                Some(uids) => uids,
                None => self.0.entry(key.clone()).or_default().entry(value.clone()).or_default(),
            };
            uids.insert(pod.meta.uid);
        }
    }

    fn remove(&mut self, pod: &Object) {
        for (key, value) in &pod.meta.labels {
            if let Some(uids) = self.0.get_mut(key).and_then(|all| all.get_mut(value)) {
                uids.remove(&pod.meta.uid);
            }
        }
    }
}

/// What a server counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The uid of the object created last.
    pub last_uid: Uid,
    /// The resource version given last.
    pub version: u64,
    /// The state of the random numbers.
    pub random: u64,
}

/// The server.
#[derive(Clone, Debug, Default)]
pub struct ApiServer {
    /// The virtual time.
    pub now: Nanos,
    /// All changes since the start, oldest first.
    pub log: Vec<Change>,
    /// Events, oldest first.
    pub events: Vec<Event>,
    objects: Objects,
    names: Names,
    kinds: BTreeMap<String, BTreeSet<Uid>>,
    dependents: FxHashMap<Uid, InOrder>,
    /// Pods and ReplicaSets that nobody manages.
    lone: BTreeSet<Uid>,
    /// Pods by label and value, once somebody has asked for pods so.
    labelled: Option<Labelled>,
    last_uid: Uid,
    version: u64,
    /// The version at the last change of a Service.
    services_changed: u64,
    random: u64,
    pub(super) rules: admission::Rules,
}

impl ApiServer {
    /// An empty server at a time; the seed decides random names.
    pub fn new(now: Nanos, seed: u64) -> Self {
        Self { now, random: seed ^ 0x9e37_79b9_7f4a_7c15, ..Self::default() }
    }

    /// A server that goes on where another stopped: its counters and its objects, in order of creation. The log is empty.
    pub fn resume(now: Nanos, counters: Counters, objects: impl IntoIterator<Item = Object>) -> Self {
        let Counters { last_uid, version, random } = counters;
        let mut out = Self { now, last_uid, version, random, services_changed: version, ..Self::default() };
        for object in objects {
            out.names.insert(&object);
            out.kinds.entry(object.kind.clone()).or_default().insert(object.meta.uid);
            out.note_lone(&object);
            let object = Arc::new(object);
            for owner in &object.meta.owners {
                out.dependents.entry(owner.uid).or_default().put(&object);
            }
            out.objects.insert(Arc::clone(&object));
            out.rules.note(None, Some(&object), out.objects.values());
        }
        out
    }

    /// What [`ApiServer::resume`] needs beside the objects.
    pub fn counters(&self) -> Counters {
        Counters { last_uid: self.last_uid, version: self.version, random: self.random }
    }

    /// The next random number (splitmix64).
    pub fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Five characters as the server appends them to a `generateName`. upstream: k8s.io/apimachinery/pkg/util/rand
    pub fn suffix(&mut self) -> String {
        let alphabet = b"bcdfghjklmnpqrstvwxz2456789";
        (0..5).map(|_| char::from(alphabet[(self.random() % 27) as usize])).collect()
    }

    /// An object by its uid.
    pub fn get(&self, uid: Uid) -> Option<&Arc<Object>> {
        self.objects.get(uid)
    }

    /// An object by its name.
    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.objects.get(self.names.get(kind, namespace, name)?)
    }

    /// Says whether there is a Node of a name; nothing when there is none at all.
    pub fn knows_nodes(&self) -> Option<impl Fn(&str) -> bool> {
        let nodes = self.names.0.get("Node")?.get("").filter(|nodes| !nodes.is_empty())?;
        Some(|name: &str| nodes.contains_key(name))
    }

    /// All objects of a kind, in order of creation.
    pub fn list<'a>(&'a self, kind: &str) -> impl Iterator<Item = &'a Arc<Object>> {
        self.kinds.get(kind).into_iter().flatten().filter_map(|uid| self.objects.get(*uid))
    }

    /// The objects of a kind in a namespace, in order of creation.
    pub fn list_in<'a>(&'a self, kind: &str, namespace: &'a str) -> impl Iterator<Item = &'a Arc<Object>> {
        self.list(kind).filter(move |o| o.meta.namespace == namespace)
    }

    /// The objects that name this one as an owner, in order of creation.
    pub fn dependents(&self, uid: Uid) -> impl Iterator<Item = &Arc<Object>> {
        self.dependents.get(&uid).into_iter().flat_map(InOrder::iter)
    }

    /// Differs when one of the dependents of an object has changed in between.
    pub fn dependents_changed(&self, uid: Uid) -> u64 {
        self.dependents.get(&uid).map_or(0, InOrder::changes)
    }

    /// The pods or ReplicaSets of a namespace that nobody manages, in order of creation.
    pub fn lone_in<'a>(&'a self, kind: &'a str, namespace: &'a str) -> impl Iterator<Item = &'a Arc<Object>> {
        let lone = self.lone.iter().filter_map(|uid| self.objects.get(*uid));
        lone.filter(move |o| o.kind == kind && o.meta.namespace == namespace)
    }

    /// The pods of a namespace that a selector selects, in order of creation. `selects` is asked where the labels that
    /// [`ApiServer::index_labels`] knows do not say it.
    pub fn selected_pods<'a>(
        &'a self,
        namespace: &'a str,
        selector: &Selector,
        mut selects: impl FnMut(&Object) -> bool + 'a,
    ) -> impl Iterator<Item = &'a Arc<Object>> {
        let labelled = selector.one_label().zip(self.labelled.as_ref());
        let said = labelled.is_some() && selector.is_one_label();
        let named = labelled.map(|((key, value), all)| all.0.get(key).and_then(|all| all.get(value)));
        let uids = named.unwrap_or_else(|| self.kinds.get("Pod"));
        uids.into_iter()
            .flatten()
            .filter_map(|uid| self.objects.get(*uid))
            .filter(move |pod| pod.meta.namespace == namespace && (said || selects(pod)))
    }

    /// Finds pods by a label from now on.
    pub fn index_labels(&mut self) {
        if self.labelled.is_none() {
            let mut all = Labelled::default();
            self.list("Pod").for_each(|pod| all.insert(pod));
            self.labelled = Some(all);
        }
    }

    /// Differs when a Service has changed in between.
    pub fn services_changed(&self) -> u64 {
        self.services_changed
    }

    fn note_service(&mut self, object: &Object) {
        if object.kind == "Service" {
            self.services_changed = self.version;
        }
    }

    fn note_labels(&mut self, old: Option<&Object>, new: Option<&Object>) {
        let Some(all) = &mut self.labelled else { return };
        let is_pod = |o: &&Object| o.kind == "Pod";
        if let (Some(old), Some(new)) = (old, new)
            && old.meta.labels == new.meta.labels
        {
            return;
        }
        old.into_iter().filter(is_pod).for_each(|pod| all.remove(pod));
        new.into_iter().filter(is_pod).for_each(|pod| all.insert(pod));
    }

    fn note_lone(&mut self, object: &Object) {
        if matches!(object.kind.as_str(), "Pod" | "ReplicaSet") && object.meta.controller().is_none() {
            self.lone.insert(object.meta.uid);
        } else {
            self.lone.remove(&object.meta.uid);
        }
    }

    /// All objects in order of creation.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.values()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.objects.len() == 0
    }

    /// Tells an event about an object.
    pub fn event(&mut self, object: &Object, warning: bool, reason: &'static str, message: String) {
        let uid = object.meta.uid;
        let object = format!("{}/{}", object.kind, object.meta.name);
        self.events.push(Event { at: self.now, object, uid, warning, reason, message });
    }

    /// Creates an object that a user sends: it is decoded, defaulted, admitted and validated.
    ///
    /// # Errors
    ///
    /// What the server answers to an object that it refuses.
    pub fn apply(&mut self, value: &Value) -> Result<Arc<Object>, ApiError> {
        let mut sent = value.clone();
        let status = sent.as_object_mut().and_then(|m| m.remove("status")).unwrap_or_default();
        let mut object = Object::from_json(&sent);
        if let Some(meta) = sent.get_mut("metadata").and_then(Value::as_object_mut) {
            // Owners are told by uids of another server.
            meta.remove("ownerReferences");
            if !kube::scope::is_namespaced(&object.api_version, &object.kind) {
                meta.remove("namespace");
                object.meta.namespace.clear();
            } else if object.meta.namespace.is_empty() {
                meta.insert("namespace".to_owned(), "default".into());
                "default".clone_into(&mut object.meta.namespace);
            }
        }
        if kube::schema::newest().kind(&format!("{}/{}", object.api_version, object.kind)).is_some() {
            if object.kind == "Pod" {
                admission::service_account(self, &object)?;
            }
            let stored = Object::from_json(&self.rules.answer(&sent)?);
            object.spec = stored.spec;
            object.status = stored.status;
            object.rest = stored.rest;
            let texts = stored.meta.into_texts();
            object.meta.labels = texts.labels;
            object.meta.annotations = texts.annotations;
        }
        // A cluster's description may hold what the cluster itself would have written.
        if !status.is_null() {
            object.status = status.into();
        }
        self.check_name(&mut object)?;
        Ok(self.insert(object))
    }

    /// Replaces an object by what a user sends: it is decoded, defaulted and validated against what is there. Annotations
    /// that only the server has stay.
    ///
    /// # Errors
    ///
    /// What the server answers to a change that it refuses.
    pub fn replace(&mut self, old: &Object, value: &Value) -> Result<Arc<Object>, ApiError> {
        let mut sent = value.clone();
        if let Some(map) = sent.as_object_mut() {
            map.remove("status");
        }
        for (key, kept) in &old.meta.annotations {
            if sent["metadata"]["annotations"].get(key).is_none() {
                sent["metadata"]["annotations"][key.as_str()] = kept.as_str().into();
            }
        }
        if old.kind == "PersistentVolumeClaim" {
            self.check_resize(old, &sent)?;
        }
        if kube::schema::newest().kind(&format!("{}/{}", old.api_version, old.kind)).is_some() {
            if let Some(spec) = sent.get_mut("spec") {
                keep_given(&old.spec, spec, &old.kind);
            }
            let mut before = old.to_json();
            if old.kind == "PersistentVolumeClaim" {
                // Only a bound claim may ask for more: its status stays as it is.
                sent["status"] = before["status"].clone();
            } else {
                before.as_object_mut().map(|m| m.remove("status"));
            }
            sent = self.rules.answer_update(&before, &sent)?;
        }
        let new = Object::from_json(&sent);
        let edited = self.edit(old.meta.uid, |o| {
            o.spec = new.spec;
            o.rest = new.rest;
            let texts = new.meta.into_texts();
            o.meta.labels = texts.labels;
            o.meta.annotations = texts.annotations;
        });
        edited.ok_or(ApiError { code: 404, reason: "NotFound", message: format!("{} \"{}\" not found", resource(old), old.meta.name) })
    }

    /// Whether a claim may ask for more. upstream: plugin/pkg/admission/storage/persistentvolume/resize
    fn check_resize(&self, old: &Object, new: &Value) -> Result<(), ApiError> {
        let size = |spec: &Value| kube::quantity::parse(&scalar(at(spec, &["resources", "requests", "storage"]))).ok().map(|q| q.nanos);
        let grows = size(&new["spec"]).zip(size(&old.spec)).is_some_and(|(new, old)| new > old);
        let class = self.find("StorageClass", "", text(&old.spec, &["storageClassName"]));
        let why = match () {
            () if !grows => return Ok(()),
            () if text(&old.status, &["phase"]) != "Bound" => "Only bound persistent volume claims can be expanded",
            () if class.and_then(|c| c.rest.get("allowVolumeExpansion")).is_some_and(|v| v == true) => return Ok(()),
            () => "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
        };
        let message = format!("persistentvolumeclaims \"{}\" is forbidden: {why}", old.meta.name);
        Err(ApiError { code: 403, reason: "Forbidden", message })
    }

    /// Creates an object as a controller does, whose objects are known to be whole: it passes admission only.
    ///
    /// # Errors
    ///
    /// What admission answers to an object that it refuses, and a name that is taken.
    pub fn create(&mut self, mut object: Object) -> Result<Arc<Object>, ApiError> {
        if object.kind == "Pod" {
            // This is looked at before a name is completed.
            admission::service_account(self, &object)?;
        }
        self.check_name(&mut object)?;
        admission::admit(self, &mut object)?;
        Ok(self.insert(object))
    }

    /// Completes a name; it must be free.
    fn check_name(&mut self, object: &mut Object) -> Result<(), ApiError> {
        if object.meta.name.is_empty() && !object.meta.generate_name.is_empty() {
            object.meta.name = format!("{}{}", object.meta.generate_name, self.suffix());
        }
        if self.names.get(&object.kind, &object.meta.namespace, &object.meta.name).is_some() {
            let message = format!("{} \"{}\" already exists", resource(object), object.meta.name);
            return Err(ApiError { code: 409, reason: "AlreadyExists", message });
        }
        Ok(())
    }

    fn insert(&mut self, mut object: Object) -> Arc<Object> {
        self.last_uid += 1;
        object.meta.uid = self.last_uid;
        object.meta.generation = object.meta.generation.max(1);
        // The API keeps times of creation in whole seconds.
        if object.meta.created == 0 {
            object.meta.created = self.now / SECOND * SECOND;
        }
        if object.kind == "Pod" && object.status.is_absent() {
            object.status = PENDING.clone();
        } else if object.kind == "Pod" && object.status.get("phase").is_none() {
            object.status_mut().insert("phase".to_owned(), "Pending".into());
        }
        if object.kind == "Job" {
            select_own_pods(&mut object);
        }
        self.names.insert(&object);
        self.put(object, Operation::Added, None)
    }

    fn put(&mut self, mut object: Object, operation: Operation, old: Option<Arc<Object>>) -> Arc<Object> {
        self.version += 1;
        object.meta.version = self.version;
        let object = Arc::new(object);
        match &old {
            Some(old) if Arc::ptr_eq(&old.meta.texts, &object.meta.texts) => self.note_owners(&object),
            _ => self.note_texts(old.as_deref(), &object),
        }
        self.note_service(&object);
        self.objects.insert(Arc::clone(&object));
        self.rules.note(old.as_deref(), Some(&object), self.objects.values());
        self.log.push(Change { at: self.now, operation, old, object: Arc::clone(&object) });
        object
    }

    fn note_owners(&mut self, object: &Arc<Object>) {
        for owner in &object.meta.owners {
            self.dependents.entry(owner.uid).or_default().put(object);
        }
    }

    /// Where an object is found that is new, or whose texts have changed.
    fn note_texts(&mut self, old: Option<&Object>, object: &Arc<Object>) {
        let uid = object.meta.uid;
        for owner in old.into_iter().flat_map(|old| &old.meta.owners) {
            if let Some(all) = self.dependents.get_mut(&owner.uid) {
                all.remove(uid);
            }
        }
        self.note_owners(object);
        match self.kinds.get_mut(&object.kind) {
            Some(all) => drop(all.insert(uid)),
            None => drop(self.kinds.insert(object.kind.clone(), BTreeSet::from([uid]))),
        }
        self.note_lone(object);
        self.note_labels(old, Some(object));
    }

    /// Replaces an object; a change of its specification raises the generation. Nothing happens when nothing changed.
    pub fn update(&mut self, mut object: Object) -> Option<Arc<Object>> {
        let old = Arc::clone(self.objects.get(object.meta.uid)?);
        object.meta.version = old.meta.version;
        object.meta.generation = old.meta.generation;
        if object == *old {
            return Some(old);
        }
        // The binding of a pod is no change of what was asked for.
        if object.spec != old.spec && (object.kind != "Pod" || node_name(&object) == node_name(&old)) {
            object.meta.generation += 1;
        }
        let gone = object.meta.is_deleted() && object.meta.finalizers.is_empty() && object.kind != "Pod";
        let object = self.put(object, Operation::Modified, Some(old));
        if gone {
            self.remove(object.meta.uid);
        }
        Some(object)
    }

    /// Changes an object in place.
    pub fn edit(&mut self, uid: Uid, change: impl FnOnce(&mut Object)) -> Option<Arc<Object>> {
        let mut object = Object::clone(self.objects.get(uid)?);
        change(&mut object);
        self.update(object)
    }

    /// Replaces the status of an object.
    pub fn set_status(&mut self, uid: Uid, status: Value) -> Option<Arc<Object>> {
        let old = self.objects.get(uid)?;
        let object = Object {
            api_version: old.api_version.clone(),
            kind: old.kind.clone(),
            meta: old.meta.clone(),
            spec: old.spec.clone(),
            status: status.into(),
            rest: old.rest.clone(),
        };
        self.update(object)
    }

    /// Takes an object away at once.
    pub fn remove(&mut self, uid: Uid) {
        let Some(object) = self.objects.remove(uid) else { return };
        let meta = &object.meta;
        self.names.remove(&object);
        if let Some(set) = self.kinds.get_mut(&object.kind) {
            set.remove(&uid);
        }
        self.lone.remove(&uid);
        self.note_labels(Some(&object), None);
        for owner in &meta.owners {
            if let Some(all) = self.dependents.get_mut(&owner.uid) {
                all.remove(uid);
            }
        }
        self.version += 1;
        self.note_service(&object);
        self.rules.note(Some(&object), None, self.objects.values());
        self.log.push(Change { at: self.now, operation: Operation::Deleted, old: None, object });
    }

    /// Deletes an object as its kind allows: pods on a node get their grace period, objects with finalizers wait for them.
    pub fn delete(&mut self, uid: Uid, propagation: Propagation) {
        let Some(object) = self.objects.get(uid).cloned() else { return };
        if object.meta.is_deleted() {
            return;
        }
        let finalizer = match propagation {
            Propagation::Background => None,
            Propagation::Foreground => Some(FOREGROUND),
            Propagation::Orphan => Some(ORPHAN),
        };
        let mut grace = 0;
        if object.kind == "Pod" && !node_name(&object).is_empty() && !is_finished(&object) {
            grace = facts::grace(&object).unwrap_or(30);
        }
        if grace == 0 && object.meta.finalizers.is_empty() && finalizer.is_none() {
            self.remove(uid);
            return;
        }
        let deletion = self.now + grace * SECOND;
        self.edit(uid, |o| {
            o.meta.deletion = Some(deletion);
            o.meta.deletion_grace = Some(grace);
            if let Some(finalizer) = finalizer {
                o.meta.finalizers.push(finalizer.to_owned());
            }
        });
    }

    /// The end of a terminating pod: the kubelet has stopped its containers.
    pub fn finish_pod(&mut self, uid: Uid) {
        let Some(pod) = self.objects.get(uid) else { return };
        if pod.meta.finalizers.is_empty() {
            self.remove(uid);
        } else {
            self.edit(uid, |o| o.meta.deletion_grace = Some(0));
        }
    }

    /// Takes a finalizer away; the object goes when it was the last of a deleted one.
    pub fn remove_finalizer(&mut self, uid: Uid, finalizer: &str) {
        let edited = self.edit(uid, |o| o.meta.finalizers.retain(|f| f != finalizer));
        // A pod waits for its node too.
        if let Some(pod) = edited.filter(|o| o.kind == "Pod" && o.meta.is_deleted() && o.meta.finalizers.is_empty()) {
            if pod.meta.deletion_grace == Some(0) || node_name(&pod).is_empty() || is_finished(&pod) {
                self.remove(uid);
            }
        }
    }
}

/// Whether a pod has come to its end.
pub fn is_finished(pod: &Object) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// `pods`, `deployments.apps`: how the server names the resource of an object.
pub fn resource(object: &Object) -> String {
    let plural = kube::policy::resource_of(&object.kind);
    match object.api_version.split_once('/') {
        Some((group, _)) => format!("{plural}.{group}"),
        None => plural,
    }
}

/// What the server answers to an object that validation refuses. upstream: errors.NewInvalid
pub fn invalid(object: &Object, verdict: &kube::Verdict) -> ApiError {
    if verdict.phase == "decode" {
        return ApiError { code: 400, reason: "BadRequest", message: verdict.message.clone() };
    }
    let causes: Vec<String> = verdict.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
    let causes = match causes.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    let kind = match object.api_version.split_once('/') {
        Some((group, _)) => format!("{}.{group}", object.kind),
        None => object.kind.clone(),
    };
    ApiError { code: 422, reason: "Invalid", message: format!("{kind} \"{}\" is invalid: {causes}", object.meta.name) }
}

/// Fields that the server or a controller gave and no manifest tells stay as they are.
fn keep_given(old: &Value, new: &mut Value, kind: &str) {
    let given: &[&str] = match kind {
        "Service" => &["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"],
        "PersistentVolumeClaim" => &["volumeName", "storageClassName", "volumeMode"],
        "PersistentVolume" => &["claimRef"],
        "Job" => &["selector"],
        "Pod" => &["nodeName", "priority", "preemptionPolicy", "serviceAccountName", "serviceAccount", "tolerations", "volumes"],
        _ => &[],
    };
    for field in given {
        if let Some(kept) = old.get(field).filter(|_| new.is_object() && new.get(field).is_none_or(Value::is_null)) {
            new[*field] = kept.clone();
        }
    }
    if kind == "Job" {
        // The labels by which the Job knows its pods.
        for (key, kept) in old["template"]["metadata"]["labels"].as_object().into_iter().flatten() {
            if new["template"]["metadata"]["labels"].get(key).is_none() && new["template"].is_object() {
                new["template"]["metadata"]["labels"][key.as_str()] = kept.clone();
            }
        }
    }
}

/// A Job selects the pods that carry its uid. upstream: pkg/registry/batch/job generateSelector
fn select_own_pods(job: &mut Object) {
    if job.spec.get("manualSelector").is_some_and(|m| m == true) || !job.spec.is_object() {
        return;
    }
    let uid = super::object::uid_text(job.meta.uid);
    let name = job.meta.name.clone();
    let spec = job.spec_mut();
    spec["selector"] = serde_json::json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
    let template = &mut spec["template"];
    if !template["metadata"]["labels"].is_object() {
        template["metadata"]["labels"] = serde_json::json!({});
    }
    for (key, value) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ] {
        template["metadata"]["labels"][key] = value.as_str().into();
    }
}
