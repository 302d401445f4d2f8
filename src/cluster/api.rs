//! The cluster as kubectl's verbs see it.

use std::cell::LazyCell;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::Cluster;
use super::Refusal;
use super::event::Record;
use super::server::Deletion;
use super::server::Unknown;
use super::server::Write;
use super::server::is_told;
use crate::kubectl::api;
use crate::kubectl::api::Api;
use crate::kubectl::api::Chosen;
use crate::kubectl::api::Coming;
use crate::kubectl::api::FieldValidation;
use crate::kubectl::api::PatchKind;
use crate::kubectl::api::Status;
use crate::kubectl::api::Target;
use crate::kubectl::resources;
use crate::kubectl::resources::Resource;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Parts;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::facts::node_name;
use crate::simulate::apiserver::object::uid_of;
use crate::simulate::apiserver::object::uid_text;
use crate::simulate::apiserver::patch;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::text;

/// So many objects are worth the help of other threads.
const MANY: usize = 100;

impl From<Refusal> for Box<Status> {
    fn from(r: Refusal) -> Self {
        Self::new(Status {
            code: r.code,
            reason: r.reason,
            message: r.message,
            kind: r.kind,
            group: r.group,
            name: r.name,
            causes: r.causes,
        })
    }
}

/// How a write of kubectl's is meant.
pub(super) fn write(options: &api::WriteOptions) -> Write<'_> {
    Write {
        manager: if options.field_manager.is_empty() { "kubectl" } else { &options.field_manager },
        subresource: &options.subresource,
        dry_run: options.dry_run,
        unknown: match options.validation {
            FieldValidation::Strict => Unknown::Refused,
            FieldValidation::Warn => Unknown::Warned,
            FieldValidation::Ignore => Unknown::Dropped,
        },
        force: options.force,
    }
}

fn in_namespace(object: &Value, resource: &Resource, namespace: &str) -> Value {
    let mut out = object.clone();
    if resource.namespaced && out["metadata"].is_object() && text(object, &["metadata", "namespace"]).is_empty() {
        out["metadata"]["namespace"] = namespace.into();
    }
    out
}

/// What is sent, as the object that is meant.
pub(super) fn named(sent: &Value, target: &Target<'_>) -> Value {
    let mut object = in_namespace(sent, target.resource, target.namespace);
    object["metadata"]["name"] = target.name.into();
    object
}

/// The object with the version and kind of a resource, for those that are stored as another version.
fn as_version(mut object: Value, resource: &Resource) -> Value {
    if text(&object, &["apiVersion"]) != resource.api_version() && !resource.group.is_empty() {
        object["apiVersion"] = resource.api_version().into();
    }
    object
}

/// A `Scale` of an object.
fn scale_of(object: &Value) -> Value {
    let labels = object["spec"]["selector"]["matchLabels"].as_object().or_else(|| object["spec"]["selector"].as_object());
    let selector: Vec<String> = labels.into_iter().flatten().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or(""))).collect();
    let meta = &object["metadata"];
    json!({
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"], "resourceVersion": meta["resourceVersion"],
            "creationTimestamp": meta["creationTimestamp"]},
        "spec": {"replicas": int(object, &["spec", "replicas"]).unwrap_or(0)},
        "status": {"replicas": int(object, &["status", "replicas"]).unwrap_or(0), "selector": selector.join(",")},
    })
}

impl Api for Cluster {
    fn now(&self) -> Nanos {
        Self::now(self)
    }

    fn resources(&self) -> Vec<Resource> {
        let mut out = resources::built_in();
        for definition in Self::list(self, "CustomResourceDefinition", "") {
            out.extend(resources::of_definition(&definition));
        }
        out
    }

    fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Result<Value, Box<Status>> {
        let namespace = if resource.namespaced { namespace } else { "" };
        let found = Self::get(self, &resource.kind, namespace, name).filter(|o| same_group(o, resource));
        found.map(|o| as_version(o, resource)).ok_or_else(|| Box::from(Status::not_found(resource, name)))
    }

    fn list(&self, resource: &Resource, namespace: &str) -> Result<Vec<Value>, Box<Status>> {
        let all = Self::list(self, &resource.kind, if resource.namespaced { namespace } else { "" });
        Ok(all.into_iter().filter(|o| same_group(o, resource)).map(|o| as_version(o, resource)).collect())
    }

    fn list_if(&self, resource: &Resource, namespace: &str, chosen: &Chosen<'_>) -> Result<Vec<Value>, Box<Status>> {
        if is_told(&resource.kind) {
            let mut all = Api::list(self, resource, namespace)?;
            all.retain(|o| chosen(&&o["metadata"]["labels"], ""));
            return Ok(all);
        }
        let all = self.list_where(&resource.kind, if resource.namespaced { namespace } else { "" }, &|o| is_chosen(o, chosen));
        Ok(all.into_iter().filter(|o| same_group(o, resource)).map(|o| as_version(o, resource)).collect())
    }

    fn visit(
        &self,
        resource: &Resource,
        namespace: &str,
        chosen: &Chosen<'_>,
        parts: Option<&Parts>,
        see: &(dyn Fn(usize, Value) + Sync),
    ) -> Result<(), Box<Status>> {
        if resource.kind == "Event" && self.objects_where("Event", "", &|_| true).is_empty() {
            if !chosen(&&Value::Null, "") {
                return Ok(());
            }
            let mut all: Vec<(String, &Record)> = self.events().map(|e| (e.name(), e)).collect();
            all.retain(|(_, e)| namespace.is_empty() || e.namespace() == namespace);
            all.sort_by(|a, b| a.1.namespace().cmp(b.1.namespace()).then_with(|| a.0.cmp(&b.0)));
            let one = |(i, (_, event)): (usize, (String, &Record))| {
                let shown = if parts.is_some() { event.brief() } else { event.to_json() };
                see(i, as_version(shown, resource));
            };
            if all.len() > MANY {
                all.into_par_iter().enumerate().for_each(one);
            } else {
                all.into_iter().enumerate().for_each(one);
            }
            return Ok(());
        }
        if is_told(&resource.kind) || resource.kind == "ResourceQuota" || self.brief {
            self.list_if(resource, namespace, chosen)?.into_iter().enumerate().for_each(|(i, o)| see(i, o));
            return Ok(());
        }
        let namespace = if resource.namespaced { namespace } else { "" };
        let objects = self.objects_where(&resource.kind, namespace, &|o| same_group_of(&o.api_version, resource) && is_chosen(o, chosen));
        let one = |(i, object): (usize, &Arc<Object>)| {
            let shown = match parts {
                Some(parts) => super::present::parts(object, parts),
                None => super::present::object(object),
            };
            see(i, as_version(shown, resource));
        };
        if objects.len() > MANY {
            objects.into_par_iter().enumerate().for_each(one);
        } else {
            objects.into_iter().enumerate().for_each(one);
        }
        Ok(())
    }

    fn events_about(&self, resource: &Resource, namespace: &str, uids: &[&str]) -> Result<Vec<Value>, Box<Status>> {
        let here = |e: &Value| namespace.is_empty() || text(e, &["metadata", "namespace"]) == namespace;
        let mut all: Vec<Value> = uids.iter().flat_map(|uid| self.events_of(uid_of(&Value::from(*uid)))).map(Record::to_json).collect();
        let stored = self.list_where("Event", namespace, &|_| true);
        all.extend(stored.into_iter().filter(|e| uids.contains(&text(e, &["involvedObject", "uid"]))));
        all.retain(here);
        all.sort_by_cached_key(|v| (text(v, &["metadata", "namespace"]).to_owned(), text(v, &["metadata", "name"]).to_owned()));
        Ok(all.into_iter().map(|o| as_version(o, resource)).collect())
    }

    fn create(&mut self, resource: &Resource, namespace: &str, object: &Value, options: &api::WriteOptions) -> Result<Value, Box<Status>> {
        let object = in_namespace(object, resource, namespace);
        Ok(Self::create(self, &object, &write(options))?)
    }

    fn update(
        &mut self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        object: &Value,
        options: &api::WriteOptions,
    ) -> Result<Value, Box<Status>> {
        if options.subresource == "scale" {
            let replicas = int(object, &["spec", "replicas"]).unwrap_or(0);
            let scaled = self.scale(&resource.kind, namespace, name, replicas, &write(options))?;
            return Ok(scale_of(&scaled));
        }
        let target = Target { resource, namespace, name };
        if let Some(stored) = self.store_foreseen(&Coming { target, kind: None, sent: object, options }) {
            return Ok(stored);
        }
        Ok(self.replace(&named(object, &target), &write(options))?)
    }

    fn patch(&mut self, target: &Target<'_>, kind: PatchKind, change: &Value, options: &api::WriteOptions) -> Result<Value, Box<Status>> {
        let (resource, namespace, name) = (target.resource, target.namespace, target.name);
        if let Some(stored) = self.store_foreseen(&Coming { target: *target, kind: Some(kind), sent: change, options }) {
            return Ok(stored);
        }
        if kind == PatchKind::Apply {
            return Ok(self.apply(&named(change, target), &write(options)).map(|a| a.0)?);
        }
        if kind == PatchKind::Merge
            && let Some(patched) = self.patch_about(&resource.kind, namespace, name, change, &write(options))
        {
            return Ok(patched.map(|o| as_version(o, resource))?);
        }
        if kind == PatchKind::Merge
            && resource.kind == "Node"
            && let Some(marked) = self.mark_node(name, change, &write(options))
        {
            return Ok(marked);
        }
        let object = self.patched(target, kind, change, options)?;
        if options.subresource == "scale" {
            return self.update(resource, namespace, name, &object, options);
        }
        Ok(self.replace(&object, &write(options))?)
    }

    fn resource_version(&self, resource: &Resource, namespace: &str, name: &str) -> Option<String> {
        let found = self.plane.api.find(&resource.kind, if resource.namespaced { namespace } else { "" }, name);
        found.filter(|o| same_group_of(&o.api_version, resource)).map(|o| o.meta.version.to_string())
    }

    fn uid_of(&self, resource: &Resource, namespace: &str, name: &str) -> Option<String> {
        if is_told(&resource.kind) {
            let found = Api::get(self, resource, namespace, name).ok()?;
            return found["metadata"]["uid"].as_str().map(str::to_owned);
        }
        let found = self.plane.api.find(&resource.kind, if resource.namespaced { namespace } else { "" }, name);
        found.filter(|o| same_group_of(&o.api_version, resource)).map(|o| uid_text(o.meta.uid))
    }

    fn foresee(&mut self, requests: &[Coming<'_>]) {
        Self::foresee(self, requests);
    }

    fn delete(&mut self, resource: &Resource, namespace: &str, name: &str, options: &api::DeleteOptions) -> Result<(), Box<Status>> {
        let how = Deletion {
            propagation: match options.propagation {
                api::Propagation::Background => Propagation::Background,
                api::Propagation::Foreground => Propagation::Foreground,
                api::Propagation::Orphan => Propagation::Orphan,
            },
            grace: options.grace_period,
            dry_run: options.dry_run,
        };
        let namespace = if resource.namespaced { namespace } else { "" };
        Ok(Self::delete(self, &resource.api_version(), &resource.kind, namespace, name, how)?)
    }

    fn evict(&mut self, namespace: &str, pod: &str, options: &api::DeleteOptions) -> Result<(), Box<Status>> {
        Ok(Self::evict(self, namespace, pod, options.dry_run)?)
    }

    fn advance(&mut self, until: Nanos) -> bool {
        Self::advance(self, until)
    }

    fn batch(&mut self, on: bool) {
        self.batch = on;
        self.settle();
    }

    fn brief(&mut self, on: bool) {
        self.brief = on;
    }

    fn next(&self) -> Option<Nanos> {
        Self::next(self)
    }

    fn warnings(&mut self) -> Vec<String> {
        self.take_warnings()
    }

    fn version(&self) -> String {
        super::boot::VERSION.to_owned()
    }
}

impl Cluster {
    /// What a patch makes of the object it is of, or of its scale.
    pub(super) fn patched(
        &self,
        target: &Target<'_>,
        kind: PatchKind,
        change: &Value,
        options: &api::WriteOptions,
    ) -> Result<Value, Box<Status>> {
        let (resource, namespace, name) = (target.resource, target.namespace, target.name);
        let live = self.fetch_whole(&resource.kind, namespace, name).filter(|o| same_group(o, resource));
        let live = live.map(|o| as_version(o, resource)).ok_or_else(|| Box::from(Status::not_found(resource, name)))?;
        let scale = options.subresource == "scale";
        let mut object = if scale { scale_of(&live) } else { live };
        let custom = crate::kube::schema::newest().kind(&format!("{}/{}", resource.api_version(), resource.kind)).is_none();
        match kind {
            PatchKind::Strategic if custom => {
                let message = "the body of the request was in an unknown format - accepted media types include: \
                               application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
                return Err(Status::new(415, "UnsupportedMediaType", message).into());
            }
            PatchKind::Strategic => patch::strategic_merge(&mut object, change),
            PatchKind::Merge => patch::json_merge(&mut object, change),
            _ => json_patch(&mut object, change).map_err(|e| Box::from(Status::new(422, "Invalid", e)))?,
        }
        // A patch is of what is there, whatever that is.
        if !scale
            && change["metadata"]["resourceVersion"].is_null()
            && let Some(meta) = object["metadata"].as_object_mut()
        {
            meta.remove("resourceVersion");
        }
        Ok(object)
    }
}

fn same_group(object: &Value, resource: &Resource) -> bool {
    same_group_of(text(object, &["apiVersion"]), resource)
}

fn same_group_of(api_version: &str, resource: &Resource) -> bool {
    api_version.split_once('/').map_or("", |g| g.0) == resource.group || resource.kind == "Event"
}

fn is_chosen(object: &Object, chosen: &Chosen<'_>) -> bool {
    let labels = || if object.meta.labels.is_empty() { Value::Null } else { json!(object.meta.labels) };
    chosen(&LazyCell::new(labels), if object.kind == "Pod" { node_name(object) } else { "" })
}

/// The parent of what a JSON pointer names, and the last word.
fn parent<'a>(object: &'a mut Value, pointer: &str) -> Option<(&'a mut Value, String)> {
    let (above, last) = pointer.rsplit_once('/')?;
    Some((object.pointer_mut(above)?, last.replace("~1", "/").replace("~0", "~")))
}

fn add(object: &mut Value, pointer: &str, value: Value) -> Option<()> {
    if pointer.is_empty() {
        *object = value;
        return Some(());
    }
    let (above, last) = parent(object, pointer)?;
    match above {
        Value::Object(map) => drop(map.insert(last, value)),
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let at = last.parse::<usize>().ok().filter(|i| *i <= items.len())?;
            items.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(object: &mut Value, pointer: &str) -> Option<Value> {
    let (above, last) = parent(object, pointer)?;
    match above {
        Value::Object(map) => map.remove(&last),
        Value::Array(items) => last.parse::<usize>().ok().filter(|i| *i < items.len()).map(|i| items.remove(i)),
        _ => None,
    }
}

/// Applies a JSON patch; on failure, the server's sentence. RFC 6902, upstream: gopkg.in/evanphx/json-patch.v4
fn json_patch(object: &mut Value, change: &Value) -> Result<(), String> {
    const REFUSED: &str = "the server rejected our request due to an error in our request";
    for step in change.as_array().ok_or(REFUSED)? {
        let (path, from) = (text(step, &["path"]).to_owned(), text(step, &["from"]).to_owned());
        let value = step["value"].clone();
        let done = match text(step, &["op"]) {
            "add" => add(object, &path, value),
            "remove" => remove(object, &path).map(drop),
            "replace" => object.pointer_mut(&path).map(|slot| *slot = value),
            "test" => object.pointer(&path).filter(|v| **v == value).map(drop),
            "move" => remove(object, &from).and_then(|v| add(object, &path, v)),
            "copy" => object.pointer(&from).cloned().and_then(|v| add(object, &path, v)),
            _ => None,
        };
        done.ok_or(REFUSED)?;
    }
    Ok(())
}
