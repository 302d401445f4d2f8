//! Requests, answered as a kube-apiserver answers them. upstream: apiserver/pkg/registry/generic/registry

// A refusal is told once, at the end of a command.
#![allow(clippy::result_large_err)]

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::Cluster;
use super::fields;
use super::present;
use super::service::Free;
use super::service::complete;
use super::service::with_allocated;
use crate::kube;
use crate::kube::custom_resource;
use crate::simulate::apiserver::ApiError;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::admission;
use crate::simulate::apiserver::object::Labels;
use crate::simulate::apiserver::object::uid_text;
use crate::simulate::apiserver::store;
use crate::simulate::controllers::disruption;
use crate::simulate::resources;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// A refused request, in the server's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub code: u16,
    /// Such as `NotFound`.
    pub reason: String,
    /// The sentence.
    pub message: String,
    /// The resource, for `Invalid` the kind.
    pub kind: String,
    /// The API group.
    pub group: String,
    /// The object's name.
    pub name: String,
    /// Field and sentence of each cause.
    pub causes: Vec<(String, String)>,
}

impl Refusal {
    fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self { code, reason: reason.to_owned(), message: message.into(), ..Self::default() }
    }

    fn on(mut self, cluster: &Cluster, object: &Object) -> Self {
        let (resource, group) = cluster.resource_of(&object.api_version, &object.kind);
        self.kind = if self.reason == "Invalid" { object.kind.clone() } else { resource };
        self.group = group;
        self.name.clone_from(&object.meta.name);
        self
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::new(error.code, error.reason, error.message)
    }
}

/// What becomes of fields that the server does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// They are refused.
    #[default]
    Refused,
    /// They are warned of and dropped.
    Warned,
    /// They are dropped.
    Dropped,
}

/// How a write is meant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Write<'a> {
    /// Who writes.
    pub manager: &'a str,
    /// Such as `status`; empty for the object itself.
    pub subresource: &'a str,
    /// Nothing is stored.
    pub dry_run: bool,
    /// Unknown fields.
    pub unknown: Unknown,
    /// Server-side apply takes over the fields of others.
    pub force: bool,
}

impl<'a> Write<'a> {
    /// A write of a manager.
    pub fn by(manager: &'a str) -> Self {
        Self { manager, ..Self::default() }
    }
}

/// How a deletion is meant.
#[derive(Clone, Copy, Debug)]
pub struct Deletion {
    /// What becomes of the objects below.
    pub propagation: Propagation,
    /// Seconds; the object's own when nothing is said.
    pub grace: Option<i64>,
    /// Nothing is deleted.
    pub dry_run: bool,
}

impl Default for Deletion {
    fn default() -> Self {
        Self { propagation: Propagation::Background, grace: None, dry_run: false }
    }
}

/// So many objects are worth the help of other threads.
const MANY: usize = 200;

/// The smallest and the number of node ports.
const NODE_PORTS: (u64, u64) = (30_000, 2_768);

/// Whether objects of a kind are told from others, beside those that are stored.
pub(super) fn is_told(kind: &str) -> bool {
    matches!(kind, "Event" | "APIService" | "ComponentStatus" | "Endpoints")
}

impl Cluster {
    /// The definition of a custom resource.
    fn definition(&self, api_version: &str, kind: &str) -> Option<&Arc<Object>> {
        let (group, version) = api_version.split_once('/')?;
        let own = |c: &&Arc<Object>| text(&c.spec, &["group"]) == group && text(&c.spec, &["names", "kind"]) == kind;
        let crd = self.plane.api.list("CustomResourceDefinition").find(own)?;
        let served = |v: &Value| text(v, &["name"]) == version && at(v, &["served"]) == true;
        list(&crd.spec, &["versions"]).iter().any(served).then_some(crd)
    }

    /// Whether objects of a kind belong to a namespace; nothing when the server has no such kind.
    pub fn is_namespaced(&self, api_version: &str, kind: &str) -> Option<bool> {
        if kube::schema::newest().kind(&format!("{api_version}/{kind}")).is_some() {
            return Some(kube::scope::is_namespaced(api_version, kind));
        }
        let crd = self.definition(api_version, kind)?;
        Some(text(&crd.spec, &["scope"]) != "Cluster")
    }

    /// The plural and the group of a kind.
    pub fn resource_of(&self, api_version: &str, kind: &str) -> (String, String) {
        let group = api_version.split_once('/').map_or("", |g| g.0).to_owned();
        let crds = self.plane.api.list("CustomResourceDefinition");
        let mut own = crds.filter(|c| text(&c.spec, &["group"]) == group && text(&c.spec, &["names", "kind"]) == kind);
        let plural = own.next().map(|c| text(&c.spec, &["names", "plural"]).to_owned());
        let plural = plural.unwrap_or_else(|| match kind {
            "Endpoints" => "endpoints".to_owned(),
            _ => {
                let full = store::resource(&Object::new("v1", kind, "", ""));
                full.split('.').next().unwrap_or_default().to_owned()
            }
        });
        (plural, group)
    }

    /// `deployments.apps`.
    pub fn qualified(&self, api_version: &str, kind: &str) -> String {
        let (plural, group) = self.resource_of(api_version, kind);
        if group.is_empty() { plural } else { format!("{plural}.{group}") }
    }

    fn not_found(&self, api_version: &str, kind: &str, name: &str) -> Refusal {
        let message = format!("{} \"{name}\" not found", self.qualified(api_version, kind));
        let (resource, group) = self.resource_of(api_version, kind);
        Refusal { kind: resource, group, name: name.to_owned(), ..Refusal::new(404, "NotFound", message) }
    }

    /// An object as the API returns it.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        if is_told(kind) {
            return self.list(kind, namespace).into_iter().find(|e| text(e, &["metadata", "name"]) == name);
        }
        self.plane.api.find(kind, namespace, name).map(|o| self.shown(o))
    }

    /// As [`Cluster::get`], never a short answer.
    pub(super) fn fetch_whole(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        if is_told(kind) {
            return self.get(kind, namespace, name);
        }
        self.plane.api.find(kind, namespace, name).map(|o| self.shown_whole(o))
    }

    /// An object as the API returns it; what of a quota is used is known here only.
    fn shown(&self, object: &Object) -> Value {
        if self.brief { present::about(object) } else { self.shown_whole(object) }
    }

    fn shown_whole(&self, object: &Object) -> Value {
        let mut out = present::object(object);
        if object.kind == "ResourceQuota" {
            out["status"] = admission::quota_status(&self.plane.api, object);
        }
        out
    }

    /// As [`Cluster::get`], with the server's refusal.
    pub fn fetch(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Value, Refusal> {
        self.get(kind, namespace, name).ok_or_else(|| self.not_found(api_version, kind, name))
    }

    /// All objects of a kind by namespace and name; of all namespaces when none is told.
    pub fn list(&self, kind: &str, namespace: &str) -> Vec<Value> {
        if kind == "Event" {
            let own: Vec<_> = self.events().collect();
            let here = |e: &Value| namespace.is_empty() || text(e, &["metadata", "namespace"]) == namespace;
            let mut all: Vec<Value> = if own.len() > MANY {
                own.into_par_iter().map(super::event::Record::to_json).filter(here).collect()
            } else {
                own.into_iter().map(super::event::Record::to_json).filter(here).collect()
            };
            all.extend(self.list_where(kind, namespace, &|_| true));
            all.sort_by_cached_key(|v| (text(v, &["metadata", "namespace"]).to_owned(), text(v, &["metadata", "name"]).to_owned()));
            return all;
        }
        if kind == "ComponentStatus" {
            let healthy = json!([{"type": "Healthy", "status": "True", "message": "ok"}]);
            let one = |name| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "conditions": healthy});
            return ["controller-manager", "etcd-0", "scheduler"].into_iter().map(one).collect();
        }
        if kind == "Endpoints" {
            let mut all = self.list_where(kind, namespace, &|_| true);
            all.extend(self.endpoints(namespace));
            all.sort_by_cached_key(|v| (text(v, &["metadata", "namespace"]).to_owned(), text(v, &["metadata", "name"]).to_owned()));
            return all;
        }
        if kind == "APIService" {
            let mut all: Vec<Value> = self.plane.api.list(kind).map(|o| present::object(o)).collect();
            all.extend(self.api_services());
            all.sort_by_cached_key(|v| text(v, &["metadata", "name"]).to_owned());
            return all;
        }
        self.list_where(kind, namespace, &|_| true)
    }

    /// The stored objects of a kind that are chosen, by namespace and name.
    pub(super) fn objects_where(&self, kind: &str, namespace: &str, chosen: &dyn Fn(&Object) -> bool) -> Vec<&Arc<Object>> {
        let here = |o: &&Arc<Object>| (namespace.is_empty() || o.meta.namespace == namespace) && chosen(o);
        let mut all: Vec<&Arc<Object>> = self.plane.api.list(kind).filter(here).collect();
        all.sort_by(|a, b| a.meta.namespace.cmp(&b.meta.namespace).then_with(|| a.meta.name.cmp(&b.meta.name)));
        all
    }

    /// The stored objects of a kind that are chosen, as the API returns them.
    pub(super) fn list_where(&self, kind: &str, namespace: &str, chosen: &dyn Fn(&Object) -> bool) -> Vec<Value> {
        let all = self.objects_where(kind, namespace, chosen);
        if all.len() > MANY && kind != "ResourceQuota" && !self.brief {
            return all.into_par_iter().map(|o| present::object(o)).collect();
        }
        all.into_iter().map(|o| self.shown(o)).collect()
    }

    /// The versions of the API that the server serves itself. upstream: kube-aggregator/pkg/controllers/autoregister
    fn api_services(&self) -> Vec<Value> {
        let mut served: BTreeSet<(String, String)> =
            crate::kubectl::resources::built_in().into_iter().map(|r| (r.version, r.group)).collect();
        for crd in self.plane.api.list("CustomResourceDefinition") {
            let group = text(&crd.spec, &["group"]);
            let versions = list(&crd.spec, &["versions"]).iter().filter(|v| at(v, &["served"]) == true);
            served.extend(versions.map(|v| (text(v, &["name"]).to_owned(), group.to_owned())));
        }
        let began = self.plane.api.find("Namespace", "", "default").map_or(0, |n| n.meta.created);
        let one = |(version, group): &(String, String)| {
            let core = group.is_empty();
            let since = present::rfc3339(began);
            let mut spec = json!({"version": version, "groupPriorityMinimum": if core { 18_000 } else { 17_500 }, "versionPriority": if core { 1 } else { 15 }});
            if !core {
                spec["group"] = group.as_str().into();
            }
            json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
                "metadata": {"name": format!("{version}.{group}"), "creationTimestamp": since,
                    "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"}},
                "spec": spec,
                "status": {"conditions": [{"type": "Available", "status": "True", "reason": "Local", "lastTransitionTime": since,
                    "message": "Local APIServices are always available"}]}})
        };
        served.iter().map(one).collect()
    }

    /// What a manifest is about, in its place, and the manifest without what nobody may send.
    fn placed(&self, value: &Value) -> Result<(Object, Value), Refusal> {
        let (api_version, kind) = (text(value, &["apiVersion"]), text(value, &["kind"]));
        let Some(namespaced) = self.is_namespaced(api_version, kind) else {
            return Err(Refusal::new(404, "NotFound", "the server could not find the requested resource"));
        };
        let mut value = value.clone();
        if let Some(meta) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            meta.remove("managedFields");
            meta.remove("selfLink");
        }
        let mut object = Object::from_json(&value);
        if !namespaced {
            object.meta.namespace.clear();
        } else if object.meta.namespace.is_empty() {
            "default".clone_into(&mut object.meta.namespace);
        }
        if value["metadata"].is_object() {
            value["metadata"]["namespace"] = object.meta.namespace.as_str().into();
            if !namespaced {
                value["metadata"].as_object_mut().map(|m| m.remove("namespace"));
            }
        }
        Ok((object, value))
    }

    /// Answers a manifest that cannot be decoded as the write wishes.
    fn check_decoded(
        &self,
        refused: Option<kube::Verdict>,
        object: &Object,
        write: &Write<'_>,
        told: &mut Vec<String>,
    ) -> Result<(), Refusal> {
        let Some(verdict) = refused else { return Ok(()) };
        let strict = verdict.message.split_once("strict decoding error: ").map(|s| s.1.to_owned());
        match (strict, write.unknown) {
            (Some(fields), Unknown::Warned) => told.extend(fields.split(", ").map(str::to_owned)),
            (Some(_), Unknown::Dropped) => {}
            _ => return Err(Refusal::new(400, "BadRequest", verdict.message).on(self, object)),
        }
        Ok(())
    }

    /// What the server makes of a manifest before validation: unknown fields, which it warns of, defaults, its place.
    pub(super) fn read(&self, value: &Value, write: &Write<'_>, told: &mut Vec<String>) -> Result<(Object, Value), Refusal> {
        let (object, mut value) = self.placed(value)?;
        if kube::schema::newest().kind(&format!("{}/{}", object.api_version, object.kind)).is_none() {
            return Ok((object, value));
        }
        // The status has an endpoint of its own.
        let status = value.as_object_mut().and_then(|m| m.remove("status"));
        let (mut full, refused) = kube::decoded_defaults(&value);
        self.check_decoded(refused, &object, write, told)?;
        let namespace = object.meta.into_texts().namespace;
        let stored = Object::from_json(&full);
        if let (Some(status), Some(map)) = (&status, full.as_object_mut()) {
            map.insert("status".to_owned(), status.clone());
        }
        let mut meta = stored.meta;
        meta.namespace = namespace;
        let status = status.unwrap_or_default().into();
        Ok((Object { meta, status, ..stored }, full))
    }

    /// Does something that warns.
    fn warning<T>(&mut self, work: impl FnOnce(&Self, &mut Vec<String>) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut told = Vec::new();
        let done = work(self, &mut told);
        told.iter().for_each(|w| self.warn(w));
        done
    }

    pub(super) fn warn(&mut self, text: &str) {
        if !self.warnings.iter().any(|w| w == text) {
            self.warnings.push(text.to_owned());
        }
    }

    pub(super) fn invalid(&self, object: &Object, verdict: &kube::Verdict) -> Refusal {
        let causes = verdict.causes.iter().map(|c| (c.field.clone(), c.message.clone())).collect();
        Refusal { causes, ..Refusal::from(store::invalid(object, verdict)) }.on(self, object)
    }

    fn check_namespace(&self, object: &Object) -> Result<(), Refusal> {
        let name = &object.meta.namespace;
        if name.is_empty() {
            return Ok(());
        }
        let Some(namespace) = self.plane.api.find("Namespace", "", name) else { return Err(self.not_found("v1", "Namespace", name)) };
        if namespace.meta.is_deleted() {
            let why = format!("unable to create new content in namespace {name} because it is being terminated");
            let message = format!("{} \"{}\" is forbidden: {why}", self.qualified(&object.api_version, &object.kind), object.meta.name);
            return Err(Refusal::new(403, "Forbidden", message).on(self, object));
        }
        Ok(())
    }

    /// Creates an object and returns it as stored.
    pub fn create(&mut self, value: &Value, write: &Write<'_>) -> Result<Value, Refusal> {
        let (mut object, full) = self.warning(|server, told| server.read(value, write, told))?;
        self.check_namespace(&object)?;
        if write.manager != "kube-apiserver" {
            object.status = Value::Null.into();
        }
        if object.kind == "Pod" {
            admission::mutate(&self.plane.api, &mut object).map_err(|e| Refusal::from(e).on(self, &object))?;
        }
        let crds: Vec<Value> = self.definition(&object.api_version, &object.kind).map(|c| c.to_json()).into_iter().collect();
        if let Some((crd, version)) = custom_resource::definition_of(&crds, &object.api_version, &object.kind) {
            let answer = custom_resource::admit(crd, version, &full, None, "");
            self.warning(|server, told| server.custom_answer(&object, &answer, told))?;
            if let Some(stored) = answer.object {
                let namespace = object.meta.namespace.clone();
                object = Object::from_json(&stored);
                object.meta.namespace = namespace;
            }
        } else {
            let verdict = kube::admit(&without_status(&full), kube::schema::NEWEST_VALIDATED);
            if verdict.rejected && verdict.phase != "decode" {
                return Err(self.invalid(&object, &verdict));
            }
            verdict.warnings.iter().for_each(|w| self.warn(&w.message));
        }
        self.complete(&mut object, None);
        if write.dry_run {
            let taken =
                !object.meta.name.is_empty() && self.plane.api.find(&object.kind, &object.meta.namespace, &object.meta.name).is_some();
            if taken {
                return Err(self.already_exists(&object));
            }
            if object.meta.name.is_empty() {
                object.meta.name = format!("{}{}", object.meta.generate_name, self.plane.api.clone().suffix());
            }
            object.meta.uid = self.plane.api.counters().last_uid + 1;
            object.meta.created = self.now() / SECOND * SECOND;
            object.meta.generation = 1;
            return Ok(present::object(&object));
        }
        object.meta.created = 0;
        object.meta.generation = 0;
        let (kind, name) = (object.kind.clone(), object.meta.name.clone());
        let tried = object.clone();
        let made = match self.plane.api.create(object) {
            Ok(made) => made,
            Err(e) if e.reason == "AlreadyExists" => return Err(self.already_exists(&tried)),
            Err(e) => return Err(Refusal::from(e).on(self, &tried)),
        };
        if kind == "Namespace" {
            self.furnish_namespace(&name);
        }
        let shown = present::object(&made);
        if !write.manager.is_empty() && write.manager != "kube-apiserver" {
            let managers = self.managers.change(made.meta.uid, 0);
            fields::note_update(managers, write.manager, "", None, value);
        }
        self.settle_unless_booting(write);
        Ok(self.get(&made.kind, &made.meta.namespace, &made.meta.name).unwrap_or(shown))
    }

    fn settle_unless_booting(&mut self, write: &Write<'_>) {
        if write.manager != "kube-apiserver" {
            self.settle();
        }
    }

    fn already_exists(&self, object: &Object) -> Refusal {
        let message = format!("{} \"{}\" already exists", self.qualified(&object.api_version, &object.kind), object.meta.name);
        Refusal::new(409, "AlreadyExists", message).on(self, object)
    }

    fn custom_answer(&self, object: &Object, answer: &custom_resource::Answer, told: &mut Vec<String>) -> Result<(), Refusal> {
        told.extend(answer.warnings.iter().cloned());
        if answer.message.is_empty() {
            return Ok(());
        }
        let reason = if answer.status == 422 { "Invalid" } else { "BadRequest" };
        let causes = answer.causes.iter().map(|c| (c.field.clone(), c.message.clone())).collect();
        Err(Refusal { causes, ..Refusal::new(answer.status, reason, answer.message.clone()) }.on(self, object))
    }

    /// What the registries of some kinds fill in: addresses, ports, first statuses.
    fn complete(&mut self, object: &mut Object, old: Option<&Object>) {
        match object.kind.as_str() {
            "Service" => {
                let free = |what: Free| match what {
                    Free::Address => Some(self.free_address().into()),
                    Free::Port => Some(self.free_port().into()),
                };
                // What is asked for is there.
                let _ = complete(object, old, free);
            }
            "Namespace" if old.is_none() => {
                let name = object.meta.name.clone();
                object.meta.labels.insert("kubernetes.io/metadata.name".to_owned(), name);
                object.spec = json!({"finalizers": ["kubernetes"]}).into();
                object.status = json!({"phase": "Active"}).into();
            }
            "CustomResourceDefinition" if old.is_none() => {
                let now = self.now() / SECOND * SECOND;
                let one = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now});
                let names = at(&object.spec, &["names"]).clone();
                let versions = list(&object.spec, &["versions"]).iter().filter(|v| at(v, &["storage"]) == true);
                let stored: Vec<Value> = versions.map(|v| at(v, &["name"]).clone()).collect();
                object.status = json!({"acceptedNames": names, "storedVersions": stored, "conditions": [
                    one("NamesAccepted", "NoConflicts", "no conflicts found"),
                    one("Established", "InitialNamesAccepted", "the initial names have been accepted"),
                ]})
                .into();
            }
            "Pod" if old.is_none() => {
                let class = resources::qos(&object.spec).name();
                let gated = !list(&object.spec, &["schedulingGates"]).is_empty();
                if object.status.get("phase").is_none() {
                    let status = object.status_mut();
                    status.insert("qosClass".to_owned(), class.into());
                    if gated {
                        let message = "Scheduling is blocked due to non-empty scheduling gates";
                        let condition = json!({"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": message,
                            "lastProbeTime": null, "lastTransitionTime": null});
                        status.insert("conditions".to_owned(), json!([condition]));
                    }
                }
            }
            "PersistentVolumeClaim" if old.is_none() && object.status.is_null() => {
                object.meta.finalizers = vec!["kubernetes.io/pvc-protection".to_owned()];
                object.status = json!({"phase": "Pending"}).into();
            }
            "PersistentVolume" if old.is_none() && object.status.is_null() => {
                object.meta.finalizers = vec!["kubernetes.io/pv-protection".to_owned()];
                object.status = json!({"phase": "Pending"}).into();
            }
            _ => {}
        }
    }

    fn free_address(&mut self) -> String {
        loop {
            let n = self.plane.api.random() % 65_000 + 20;
            let address = format!("10.{}.{}.{}", 96 + n / 65_536, n / 250 % 256, n % 250 + 2);
            if !self.plane.api.list("Service").any(|s| text(&s.spec, &["clusterIP"]) == address) {
                return address;
            }
        }
    }

    fn free_port(&mut self) -> i64 {
        for _ in 0..NODE_PORTS.1 * 8 {
            let port = (NODE_PORTS.0 + self.plane.api.random() % NODE_PORTS.1) as i64;
            let taken = |s: &Arc<Object>| list(&s.spec, &["ports"]).iter().any(|p| p["nodePort"] == port);
            if !self.plane.api.list("Service").any(taken) {
                return port;
            }
        }
        0
    }

    /// Replaces an object and returns it as stored.
    pub fn replace(&mut self, value: &Value, write: &Write<'_>) -> Result<Value, Refusal> {
        let (mut object, full) = self.warning(|server, told| server.read(value, write, told))?;
        let Some(old) = self.plane.api.find(&object.kind, &object.meta.namespace, &object.meta.name).cloned() else {
            return Err(self.not_found(&object.api_version, &object.kind, &object.meta.name));
        };
        let sent = text(value, &["metadata", "resourceVersion"]);
        if !sent.is_empty() && sent != old.meta.version.to_string() {
            let why = "the object has been modified; please apply your changes to the latest version and try again";
            let resource = self.qualified(&object.api_version, &object.kind);
            let message = format!("Operation cannot be fulfilled on {resource} \"{}\": {why}", object.meta.name);
            return Err(Refusal::new(409, "Conflict", message).on(self, &object));
        }
        let before = present::object(&old);
        if write.subresource == "status" {
            let status = at(value, &["status"]).clone();
            let edited = if write.dry_run { None } else { self.plane.api.edit(old.meta.uid, |o| o.status = status.into()) };
            let after = present::object(&edited.unwrap_or(old));
            self.settle();
            return Ok(after);
        }
        if write.subresource == "ephemeralcontainers" {
            return self.put_ephemeral(&full, &old, write);
        }
        let mut new = full;
        if object.kind == "Service" {
            new = with_allocated(&mut object, &new, &before);
        }
        self.complete(&mut object, Some(&old));
        let stored = self.warning(|server, told| server.admitted(object, new, &before, &old, told))?;
        if write.dry_run {
            return Ok(present::object(&stored));
        }
        Ok(self.store(&old, stored, &before, write))
    }

    /// What of an object is stored that replaces another.
    pub(super) fn admitted(
        &self,
        mut object: Object,
        mut new: Value,
        before: &Value,
        old: &Object,
        told: &mut Vec<String>,
    ) -> Result<Object, Refusal> {
        if let (Some(map), false) = (new.as_object_mut(), object.spec.is_null()) {
            map.insert("spec".to_owned(), (*object.spec).clone());
        }
        let crds: Vec<Value> = self.definition(&object.api_version, &object.kind).map(|c| c.to_json()).into_iter().collect();
        if let Some((crd, version)) = custom_resource::definition_of(&crds, &object.api_version, &object.kind) {
            let answer = custom_resource::admit(crd, version, &new, Some(before), "");
            self.custom_answer(&object, &answer, told)?;
            if let Some(stored) = answer.object {
                object = Object::from_json(&stored);
            }
        } else {
            if let (Some(sent), Some(had)) = (new["metadata"].as_object_mut(), before["metadata"].as_object()) {
                for key in ["uid", "creationTimestamp", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"]
                {
                    match had.get(key) {
                        Some(value) => drop(sent.insert(key.to_owned(), value.clone())),
                        None => drop(sent.remove(key)),
                    }
                }
            }
            let verdict = kube::admit_decoded_update(&new, before, kube::schema::NEWEST_VALIDATED);
            if verdict.rejected {
                return Err(self.invalid(&object, &verdict));
            }
            told.extend(verdict.warnings.into_iter().map(|w| w.message));
        }
        let mut stored = Object::clone(old);
        let texts = object.meta.into_texts();
        stored.meta.labels = texts.labels;
        stored.meta.annotations = texts.annotations;
        stored.meta.finalizers = texts.finalizers;
        stored.meta.owners = texts.owners;
        if present_spec(before) != present_spec(&new) {
            stored.spec = object.spec;
        }
        stored.rest = object.rest;
        stored.api_version = object.api_version;
        Ok(stored)
    }

    /// Stores what replaces another object, and returns it as it is then.
    pub(super) fn store(&mut self, old: &Object, stored: Object, before: &Value, write: &Write<'_>) -> Value {
        // A namespace keeps its own finalizers, a stored object its status.
        let updated = self.plane.api.update(stored);
        let after = updated.map_or_else(|| before.clone(), |o| present::object(&o));
        if !write.manager.is_empty() {
            let managers = self.managers.change(old.meta.uid, 0);
            fields::note_update(managers, write.manager, write.subresource, Some(before), &after);
        }
        self.settle();
        self.get(&old.kind, &old.meta.namespace, &old.meta.name).unwrap_or(after)
    }

    /// A merge patch of nothing but labels and annotations of the object's users; nothing when it is of more.
    pub(super) fn patch_about(
        &mut self,
        kind: &str,
        namespace: &str,
        name: &str,
        change: &Value,
        write: &Write<'_>,
    ) -> Option<Result<Value, Refusal>> {
        let home = if self.plane.api.find(kind, "", name).is_some() { "" } else { namespace };
        let old = self.plane.api.find(kind, home, name)?.clone();
        let fields = change.as_object()?;
        let about = fields.get("metadata").filter(|_| fields.len() == 1)?.as_object()?;
        // Annotations of the system mean something to the server.
        let system = |key: &str| key.split('/').next().is_some_and(|d| d.ends_with("kubernetes.io") || d.ends_with("k8s.io"));
        let (mut labels, mut annotations) = (old.meta.labels.clone(), old.meta.annotations.clone());
        for (field, entries) in about {
            let into = match field.as_str() {
                "labels" => &mut labels,
                "annotations" => &mut annotations,
                _ => return None,
            };
            for (key, value) in entries.as_object()? {
                match value {
                    Value::String(_) | Value::Null if field == "annotations" && system(key) => return None,
                    Value::String(value) => drop(into.insert(key.clone(), value.clone())),
                    Value::Null => drop(into.remove(key)),
                    _ => return None,
                }
            }
        }
        (write.subresource.is_empty()).then(|| self.replace_about(&old, labels, annotations, write))
    }

    /// A merge patch of a node that says nothing but whether pods may come to it: what was accepted before stays acceptable.
    /// Nothing when it says more.
    pub(super) fn mark_node(&mut self, name: &str, change: &Value, write: &Write<'_>) -> Option<Value> {
        let spec = change.as_object().filter(|fields| fields.len() == 1)?.get("spec")?;
        let wanted = spec.as_object().filter(|fields| fields.len() == 1)?.get("unschedulable")?;
        let on = match wanted {
            Value::Bool(on) => *on,
            Value::Null => false,
            _ => return None,
        };
        let old = Arc::clone(self.plane.api.find("Node", "", name)?);
        if write.dry_run || !write.subresource.is_empty() {
            return None;
        }
        let before = present::object(&old);
        let mut spec = before["spec"].clone();
        if on {
            spec["unschedulable"] = true.into();
        } else if let Some(fields) = spec.as_object_mut() {
            fields.remove("unschedulable");
        }
        let stored = Object { spec: spec.into(), ..Object::clone(&old) };
        Some(self.store(&old, stored, &before, write))
    }

    /// Replaces labels and annotations; everything else has been looked at before.
    fn replace_about(&mut self, old: &Arc<Object>, labels: Labels, annotations: Labels, write: &Write<'_>) -> Result<Value, Refusal> {
        let of = |labels: &Labels, annotations: &Labels| {
            let mut meta = json!({"name": "x", "namespace": "x"});
            for (field, map) in [("labels", labels), ("annotations", annotations)] {
                if !map.is_empty() {
                    meta[field] = json!(map);
                }
            }
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
        };
        let (before, mut after) = (of(&old.meta.labels, &old.meta.annotations), of(&labels, &annotations));
        let verdict = kube::admit(&after, kube::schema::NEWEST_VALIDATED);
        if verdict.rejected {
            return Err(self.invalid(old, &verdict));
        }
        let mut stored = Object::clone(old);
        (stored.meta.labels, stored.meta.annotations) = (labels, annotations);
        if write.dry_run {
            return Ok(self.shown(&stored));
        }
        let updated = self.plane.api.update(stored);
        if !write.manager.is_empty() {
            after["apiVersion"] = old.api_version.as_str().into();
            fields::note_update(self.managers.change(old.meta.uid, 0), write.manager, write.subresource, Some(&before), &after);
        }
        self.settle();
        let stored = self.plane.api.get(old.meta.uid).cloned().or(updated);
        Ok(self.shown(stored.as_ref().unwrap_or(old)))
    }

    /// Server-side apply: creates the object or merges the configuration into it. Returns the object as stored, and
    /// whether it was created.
    pub fn apply(&mut self, config: &Value, write: &Write<'_>) -> Result<(Value, bool), Refusal> {
        let object = self.warning(|server, told| server.declared(config, write, told))?;
        let Some(old) = self.plane.api.find(&object.kind, &object.meta.namespace, &object.meta.name).cloned() else {
            let made = self.create(config, &Write { manager: "", ..*write })?;
            if !write.dry_run {
                let uid = crate::simulate::apiserver::object::uid_of(at(&made, &["metadata", "uid"]));
                let mut managers = fields::Managers::new();
                // Without a live object there is nobody to disagree with.
                let _ = fields::apply(&mut managers, &json!({}), config, write.manager, true);
                *self.managers.change(uid, 0) = managers;
            }
            return Ok((made, true));
        };
        let (merged, managers) = self.merged(config, &object, &old, write)?;
        let stored = self.replace(&merged, &Write { manager: "", ..*write })?;
        if !write.dry_run {
            *self.managers.change(old.meta.uid, 0) = managers;
        }
        Ok((stored, false))
    }

    /// What a configuration that is applied is about, when it is one.
    pub(super) fn declared(&self, config: &Value, write: &Write<'_>, told: &mut Vec<String>) -> Result<Object, Refusal> {
        let (object, mut sent) = self.placed(config)?;
        sent.as_object_mut().map(|m| m.remove("status"));
        self.check_decoded(kube::decode_refusal(&sent), &object, &Write { unknown: Unknown::Dropped, ..*write }, told)?;
        if let Err(why) = kube::apply::check_declared(config) {
            let version = match object.api_version.split_once('/') {
                Some(_) => object.api_version.clone(),
                None => format!("/{}", object.api_version),
            };
            let (home, name) = (&object.meta.namespace, &object.meta.name);
            let message = format!("failed to create typed patch object ({home}/{name}; {version}, Kind={}): {why}", object.kind);
            return Err(Refusal::new(500, "", message).on(self, &object));
        }
        Ok(object)
    }

    /// A configuration merged into the object that is there, and who manages which of its fields then.
    pub(super) fn merged(
        &self,
        config: &Value,
        object: &Object,
        old: &Object,
        write: &Write<'_>,
    ) -> Result<(Value, fields::Managers), Refusal> {
        let live = present::object(old);
        let mut managers = self.managers.get(old.meta.uid).cloned().unwrap_or_default();
        let mut config = config.clone();
        if let Some(map) = config.as_object_mut() {
            map.remove("status");
        }
        let merged = fields::apply(&mut managers, &live, &config, write.manager, write.force)
            .map_err(|message| Refusal::new(409, "Conflict", message).on(self, object))?;
        let mut merged = merged;
        if let Some(meta) = merged["metadata"].as_object_mut() {
            meta.remove("resourceVersion");
        }
        Ok((merged, managers))
    }

    /// Deletes an object; it may stay, marked, until its finalizers or its grace period end.
    pub fn delete(&mut self, api_version: &str, kind: &str, namespace: &str, name: &str, how: Deletion) -> Result<(), Refusal> {
        let Some(object) = self.plane.api.find(kind, namespace, name).cloned() else {
            return Err(self.not_found(api_version, kind, name));
        };
        if how.dry_run {
            return Ok(());
        }
        let uid = object.meta.uid;
        if kind == "Namespace" {
            if matches!(name, "default" | "kube-system" | "kube-public") {
                let message = format!("namespaces \"{name}\" is forbidden: this namespace may not be deleted");
                return Err(Refusal::new(403, "Forbidden", message).on(self, &object));
            }
            let now = self.now();
            self.plane.api.edit(uid, |o| {
                o.meta.deletion = Some(now);
                o.meta.deletion_grace = Some(0);
                o.meta.finalizers = vec!["kubernetes".to_owned()];
                o.status = json!({"phase": "Terminating"}).into();
            });
        } else if kind == "Pod" && how.grace.is_some_and(|g| g <= 0) && object.meta.finalizers.is_empty() {
            self.plane.api.remove(uid);
        } else {
            self.plane.api.delete(uid, how.propagation);
            if let Some(grace) = how.grace.filter(|g| *g > 0) {
                let deletion = self.now() + grace * SECOND;
                self.plane.api.edit(uid, |o| {
                    if o.kind == "Pod" && o.meta.deletion.is_some() {
                        o.meta.deletion = Some(deletion);
                        o.meta.deletion_grace = Some(grace);
                    }
                });
            }
        }
        self.settle();
        Ok(())
    }

    /// Evicts a pod: deletes it unless a disruption budget forbids that.
    pub fn evict(&mut self, namespace: &str, name: &str, dry_run: bool) -> Result<(), Refusal> {
        let Some(pod) = self.plane.api.find("Pod", namespace, name).cloned() else { return Err(self.not_found("v1", "Pod", name)) };
        if dry_run {
            return Ok(());
        }
        let answer = disruption::evict(&mut self.plane, pod.meta.uid);
        let out = answer.map_err(|e| {
            let causes = e.cause.into_iter().map(|c| (String::new(), c)).collect();
            let reason = if e.code == 429 { "TooManyRequests" } else { "InternalError" };
            Refusal { causes, ..Refusal::new(e.code, reason, e.message) }.on(self, &pod)
        });
        self.settle();
        out
    }

    /// Writes through `scale`: the number of replicas and nothing else.
    pub fn scale(&mut self, kind: &str, namespace: &str, name: &str, replicas: i64, write: &Write<'_>) -> Result<Value, Refusal> {
        let mut object = self.fetch("apps/v1", kind, namespace, name)?;
        object["spec"]["replicas"] = replicas.into();
        if let Some(meta) = object["metadata"].as_object_mut() {
            meta.remove("resourceVersion");
        }
        self.replace(&object, &Write { subresource: "scale", ..*write })
    }

    /// The uid of an object as text, for messages.
    pub fn uid(&self, kind: &str, namespace: &str, name: &str) -> Option<String> {
        self.plane.api.find(kind, namespace, name).map(|o| uid_text(o.meta.uid))
    }

    /// The managers of an object's fields.
    pub fn managers(&self, kind: &str, namespace: &str, name: &str) -> Option<&fields::Managers> {
        self.managers.get(self.plane.api.find(kind, namespace, name)?.meta.uid)
    }
}

fn present_spec(object: &Value) -> &Value {
    at(object, &["spec"])
}

fn without_status(object: &Value) -> Value {
    let mut out = object.clone();
    if let Some(map) = out.as_object_mut() {
        map.remove("status");
    }
    out
}

/// Objects by namespace and name, as the server lists them.
pub fn in_order(a: &Object, b: &Object) -> Ordering {
    a.meta.namespace.cmp(&b.meta.namespace).then_with(|| a.meta.name.cmp(&b.meta.name))
}
