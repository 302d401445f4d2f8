//! Requests that are about to come are worked out before, on all threads: what becomes of an object that is replaced follows from
//! the request and the object alone. When a request comes and its object is still the same, that is taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value;

use super::Cluster;
use super::api;
use super::fields::Managers;
use super::present;
use super::server::Write;
use super::service;
use crate::kube::schema;
use crate::kubectl::api::Coming;
use crate::kubectl::api::PatchKind;
use crate::kubectl::api::WriteOptions;
use crate::simulate::apiserver::Object;
use crate::simulate::scheduler::json::text;

/// So many requests are worth the help of other threads.
const MANY: usize = 8;

/// What was worked out of requests, by kind, namespace and name of their objects.
pub(super) type All = BTreeMap<(String, String, String), Foreseen>;

/// What will be stored when a request comes.
#[derive(Clone, Debug)]
pub(super) struct Foreseen {
    kind: Option<PatchKind>,
    sent: Value,
    options: WriteOptions,
    /// The object as it was then.
    old: Arc<Object>,
    stored: Object,
    before: Value,
    told: Vec<String>,
    managers: Option<Managers>,
}

impl Cluster {
    /// Works out what becomes of the objects of these requests.
    pub(super) fn foresee(&mut self, requests: &[Coming<'_>]) {
        self.foreseen.clear();
        if requests.len() < MANY {
            return;
        }
        let one = |request: &Coming<'_>| {
            let found = self.foresee_one(request)?;
            Some(((found.old.kind.clone(), found.old.meta.namespace.clone(), found.old.meta.name.clone()), found))
        };
        let all: Vec<_> = requests.par_iter().filter_map(one).collect();
        for (key, found) in all {
            // What follows from a second request for an object follows from the first one too.
            self.foreseen.entry(key).or_insert(found);
        }
    }

    fn foresee_one(&self, request: &Coming<'_>) -> Option<Foreseen> {
        let (target, options, sent) = (&request.target, request.options, request.sent);
        let resource = target.resource;
        let namespace = if resource.namespaced { target.namespace } else { "" };
        let old = self.plane.api.find(&resource.kind, namespace, target.name)?;
        // What is no kind of the server's own depends on its definition.
        let own = schema::newest().kind(&format!("{}/{}", old.api_version, old.kind)).is_some();
        if options.dry_run || !options.subresource.is_empty() || !own || old.api_version != resource.api_version() {
            return None;
        }
        let write = api::write(options);
        let mut told = Vec::new();
        let (value, write, managers) = match request.kind {
            Some(PatchKind::Apply) => {
                let config = api::named(sent, target);
                let object = self.declared(&config, &write, &mut told).ok()?;
                let (merged, managers) = self.merged(&config, &object, old, &write).ok()?;
                (merged, Write { manager: "", ..write }, Some(managers))
            }
            Some(PatchKind::Merge | PatchKind::Strategic) => {
                // Those of labels and annotations alone have a way of their own.
                if sent.as_object()?.keys().all(|field| field == "metadata") {
                    return None;
                }
                (self.patched(target, request.kind?, sent, options).ok()?, write, None)
            }
            Some(_) => return None,
            None => (api::named(sent, target), write, None),
        };
        let version = text(&value, &["metadata", "resourceVersion"]);
        let (mut object, mut new) = self.read(&value, &write, &mut told).ok()?;
        if !(version.is_empty() || version == old.meta.version.to_string()) || object.meta.name != old.meta.name {
            return None;
        }
        let before = present::object(old);
        if object.kind == "Service" {
            new = service::with_allocated(&mut object, &new, &before);
            // Addresses are given one after the other.
            service::complete(&mut object, Some(old), |_| None)?;
        }
        let stored = self.admitted(object, new, &before, old, &mut told).ok()?;
        let (old, options) = (Arc::clone(old), options.clone());
        Some(Foreseen { kind: request.kind, sent: sent.clone(), options, old, stored, before, told, managers })
    }

    /// Stores what was worked out of a request, and returns it as it is then; nothing when that was another request, or the
    /// object is another by now.
    pub(super) fn store_foreseen(&mut self, request: &Coming<'_>) -> Option<Value> {
        let target = &request.target;
        let namespace = if target.resource.namespaced { target.namespace } else { "" };
        let key = (target.resource.kind.clone(), namespace.to_owned(), target.name.to_owned());
        let found = self.foreseen.remove(&key)?;
        let now = self.plane.api.find(&key.0, namespace, target.name)?;
        let same =
            Arc::ptr_eq(now, &found.old) && (found.kind, &found.sent, &found.options) == (request.kind, request.sent, request.options);
        if !same {
            return None;
        }
        found.told.iter().for_each(|warning| self.warn(warning));
        let write = api::write(&found.options);
        let write = if found.managers.is_some() { Write { manager: "", ..write } } else { write };
        let stored = self.store(&found.old, found.stored, &found.before, &write);
        if let Some(managers) = found.managers {
            *self.managers.change(found.old.meta.uid, 0) = managers;
        }
        Some(stored)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::boot;
    use super::super::state::decode;
    use super::super::state::encode;
    use super::*;
    use crate::kubectl::api::Api;
    use crate::kubectl::api::Target;
    use crate::kubectl::resources;
    use crate::kubectl::resources::Resource;

    fn objects() -> Vec<Value> {
        let one = |i: usize| {
            let (name, labels) = (format!("web-{i}"), json!({"app": format!("web-{i}")}));
            let pod = json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}});
            let workload = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
                "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}});
            let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                "spec": {"selector": labels, "ports": [{"port": 80}]}});
            [workload, service]
        };
        (0..MANY).flat_map(one).collect()
    }

    fn answers(cluster: &mut Cluster, all: &[Coming<'_>]) -> Vec<Result<Value, String>> {
        let answer = |one: &Coming<'_>| match one.kind {
            Some(kind) => cluster.patch(&one.target, kind, one.sent, one.options),
            None => Api::update(cluster, one.target.resource, one.target.namespace, one.target.name, one.sent, one.options),
        };
        all.iter().map(answer).map(|answer| answer.map_err(|refused| refused.message)).collect()
    }

    #[test]
    fn what_was_foreseen_is_what_happens() {
        let (mut cluster, _) = boot::boot(&crate::simulate::cluster::default_nodes(), boot::EPOCH, 1);
        for object in objects() {
            cluster.apply(&object, &Write::by("kubectl")).expect("accepted");
        }
        let bytes = encode(&mut cluster).to_vec();
        let known = resources::built_in();
        let resource = |object: &Value| -> &Resource { known.iter().find(|r| object["kind"] == r.kind.as_str()).expect("built in") };
        let options = WriteOptions { field_manager: "kubectl".to_owned(), ..WriteOptions::default() };
        let changed = |mut object: Value| {
            match object.pointer_mut("/spec/template/spec/containers/0/image") {
                Some(image) => *image = "nginx:2".into(),
                None => object["spec"]["type"] = "NodePort".into(),
            }
            object
        };
        for kind in [Some(PatchKind::Apply), Some(PatchKind::Merge), Some(PatchKind::Strategic), None] {
            let sent: Vec<Value> = objects().into_iter().map(changed).collect();
            let coming = |object| {
                let name = text(object, &["metadata", "name"]);
                Coming { target: Target { resource: resource(object), namespace: "default", name }, kind, sent: object, options: &options }
            };
            let all: Vec<Coming<'_>> = sent.iter().map(coming).collect();
            let mut plain = decode(bytes.clone()).expect("read back");
            let mut ahead = decode(bytes.clone()).expect("read back");
            ahead.foresee(&all);
            // Those Services get a port each.
            assert_eq!(ahead.foreseen.len(), MANY, "{kind:?}");
            let answered = answers(&mut ahead, &all);
            assert!(ahead.foreseen.is_empty() && answered.iter().all(Result::is_ok));
            assert_eq!(answered, answers(&mut plain, &all), "{kind:?}");
            assert_eq!(encode(&mut ahead).to_vec(), encode(&mut plain).to_vec(), "{kind:?}");
            // Somebody was faster.
            let (mut plain, mut late) = (decode(bytes.clone()).expect("read back"), decode(bytes.clone()).expect("read back"));
            late.foresee(&all);
            for cluster in [&mut late, &mut plain] {
                cluster.scale("Deployment", "default", "web-0", 3, &Write::by("other")).expect("accepted");
            }
            assert_eq!(answers(&mut late, &all), answers(&mut plain, &all), "{kind:?}");
            assert_eq!(encode(&mut late).to_vec(), encode(&mut plain).to_vec(), "{kind:?}");
        }
    }
}
