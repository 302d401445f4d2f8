//! What the server's admission reads: limit ranges, quotas with what is used of them, classes, policies and namespaces.
//! The decisions are those of [`crate::kube::request`], as for `validate`.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use super::Uid;
use super::object::Object;
use super::store;
use super::store::ApiError;
use super::store::ApiServer;
use crate::kube::request;
use crate::kube::request::Request;
use crate::kube::request::Usage;
use crate::kube::schema;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::text;

/// The objects that decide about others, as JSON.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    objects: Vec<Value>,
    uids: Vec<Uid>,
    used: BTreeMap<Uid, Usage>,
    /// The last pod of each owner that was admitted, as it was sent and as it is stored.
    admitted: BTreeMap<Uid, (Object, Object)>,
}

/// Whether the labels of a namespace tell a level of Pod Security.
fn asks_for_security(namespace: &Value) -> bool {
    let labels = at(namespace, &["metadata", "labels"]).as_object();
    labels.is_some_and(|all| all.keys().any(|key| key.starts_with("pod-security.kubernetes.io/")))
}

/// Whether admission reads objects of a kind.
fn rules(kind: &str) -> bool {
    matches!(
        kind,
        "LimitRange"
            | "ResourceQuota"
            | "PriorityClass"
            | "RuntimeClass"
            | "Namespace"
            | "ValidatingAdmissionPolicy"
            | "ValidatingAdmissionPolicyBinding"
            | "MutatingAdmissionPolicy"
            | "MutatingAdmissionPolicyBinding"
    )
}

impl Rules {
    /// Takes a change into account: an object before and after; `all` are the server's objects after it.
    pub(super) fn note<'a>(&mut self, old: Option<&Object>, new: Option<&Object>, all: impl Iterator<Item = &'a std::sync::Arc<Object>>) {
        let Some(one) = new.or(old) else { return };
        if new.is_none() {
            // It will own no further pod.
            self.admitted.remove(&one.meta.uid);
        }
        if rules(&one.kind) {
            self.admitted.clear();
            let place = self.uids.iter().position(|u| *u == one.meta.uid);
            match (new, place) {
                // The status of a quota is kept here.
                (Some(new), Some(_))
                    if old.is_some_and(|o| o.spec == new.spec && o.rest == new.rest && o.meta.labels == new.meta.labels) => {}
                (Some(new), place) => {
                    let i = place.unwrap_or_else(|| {
                        self.objects.push(Value::Null);
                        self.uids.push(new.meta.uid);
                        self.uids.len() - 1
                    });
                    self.objects[i] = new.to_json();
                    if new.kind == "ResourceQuota" {
                        let mut used = Usage::default();
                        for object in all.filter(|o| o.meta.namespace == new.meta.namespace) {
                            used.add(&Usage::of(&self.objects[i], &object.to_json(), &store::resource(object)));
                        }
                        used.write(&mut self.objects[i]);
                        self.used.insert(new.meta.uid, used);
                    }
                }
                (None, Some(i)) => {
                    self.objects.remove(i);
                    self.uids.remove(i);
                    self.used.remove(&one.meta.uid);
                }
                (None, None) => {}
            }
        }
        self.count(old, new);
    }

    /// Adds to the quotas what a change takes.
    fn count(&mut self, old: Option<&Object>, new: Option<&Object>) {
        let Some(one) = new.or(old).filter(|o| !self.used.is_empty() && !o.meta.namespace.is_empty()) else { return };
        let same = |a: &Object, b: &Object| a.spec == b.spec && text(&a.status, &["phase"]) == text(&b.status, &["phase"]);
        if old.is_some_and(|o| new.is_some_and(|n| same(o, n))) {
            return;
        }
        let (before, after) = (old.map(Object::to_json), new.map(Object::to_json));
        let resource = store::resource(one);
        for (quota, uid) in self.objects.iter_mut().zip(&self.uids) {
            // A new quota has counted itself.
            let Some(used) = self.used.get_mut(uid).filter(|_| one.meta.uid != *uid || new.is_none()) else { continue };
            let [taken, given] = [&after, &before].map(|o| o.as_ref().map(|o| Usage::of(quota, o, &resource)));
            if let Some(taken) = taken {
                used.add(&taken);
            }
            if let Some(given) = given {
                used.take(&given);
            }
            used.write(quota);
        }
    }

    /// Whether something here could refuse or change an object.
    fn concern(&self, object: &Object) -> bool {
        let own = &object.meta.namespace;
        let is_pod = object.kind == "Pod";
        let named = is_pod && ["priorityClassName", "runtimeClassName", "overhead"].iter().any(|f| !at(&object.spec, &[f]).is_null());
        named
            || matches!(object.kind.as_str(), "Namespace" | "PriorityClass")
            || self.objects.iter().any(|rule| match text(rule, &["kind"]) {
                "LimitRange" | "ResourceQuota" => text(rule, &["metadata", "namespace"]) == own,
                "PriorityClass" => is_pod,
                "RuntimeClass" => false,
                "Namespace" => {
                    let labelled = at(rule, &["metadata", "labels"]).is_object();
                    text(rule, &["metadata", "name"]) == own && labelled && (is_pod || asks_for_security(rule))
                }
                _ => true,
            })
    }

    /// Whether these ask for nothing of a pod but what pods of a template have in common.
    fn ask_alike(&self) -> bool {
        let alike = |rule: &Value| matches!(text(rule, &["kind"]), "LimitRange" | "PriorityClass" | "RuntimeClass" | "Namespace");
        self.objects.iter().all(alike)
    }

    /// What a pod became that differs in its name only.
    fn known(&self, pod: &Object) -> Option<&Object> {
        let (sent, stored) = self.admitted.get(&pod.meta.controller()?.uid)?;
        let (a, b) = (&sent.meta, &pod.meta);
        let same = (&a.namespace, &a.generate_name, &a.labels, &a.annotations, &a.owners, &a.finalizers)
            == (&b.namespace, &b.generate_name, &b.labels, &b.annotations, &b.owners, &b.finalizers)
            && (&sent.spec, &sent.status, &sent.rest) == (&pod.spec, &pod.status, &pod.rest);
        same.then_some(stored)
    }

    /// The request to create an object among these.
    fn request<'a>(&'a self, object: &'a Value) -> Request<'a> {
        Request {
            cluster: &self.objects,
            object,
            old: None,
            subresource: "",
            path: None,
            body: "",
            user: "kubernetes-admin",
            kube_version: schema::NEWEST_VALIDATED,
        }
    }

    /// What the server answers to an object that a user sends: the object to store. Its namespace need not be there.
    pub(super) fn answer(&self, object: &Value) -> Result<Value, ApiError> {
        let name = text(object, &["metadata", "namespace"]).to_owned();
        let known = self.objects.iter().any(|o| text(o, &["kind"]) == "Namespace" && text(o, &["metadata", "name"]) == name);
        if known || name.is_empty() {
            return refusal(request::answer(&self.request(object)));
        }
        let mut with = self.clone();
        with.objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        refusal(request::answer(&with.request(object)))
    }
}

impl Rules {
    /// What the server answers to an object that replaces another.
    pub(super) fn answer_update(&self, old: &Value, object: &Value) -> Result<Value, ApiError> {
        let name = text(object, &["metadata", "namespace"]).to_owned();
        let mut with = self.clone();
        with.objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        refusal(request::answer(&Request { old: Some(old), ..with.request(object) }))
    }
}

fn refusal(answer: crate::kube::custom_resource::Answer) -> Result<Value, ApiError> {
    let reason = match answer.status {
        200 | 201 => return Ok(answer.object.unwrap_or_default()),
        400 => "BadRequest",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "AlreadyExists",
        422 => "Invalid",
        _ => "InternalError",
    };
    Err(ApiError { code: answer.status, reason, message: answer.message })
}

/// What admission fills into a pod before validation.
///
/// # Errors
///
/// A class or service account that is not there.
pub fn mutate(api: &ApiServer, pod: &mut Object) -> Result<(), ApiError> {
    service_account(api, pod)?;
    let mut value = pod.to_json();
    refusal(request::fill_whole(&api.rules.request(&Value::Null), &mut value))?;
    adopt(pod, value);
    Ok(())
}

/// Takes over what admission changed.
fn adopt(object: &mut Object, value: Value) {
    let new = Object::from_json(&value);
    if *object.spec != *new.spec {
        object.spec = new.spec;
    }
    object.rest = new.rest;
    let texts = new.meta.into_texts();
    object.meta.labels = texts.labels;
    object.meta.annotations = texts.annotations;
}

/// upstream: plugin/pkg/admission/serviceaccount
pub(super) fn service_account(api: &ApiServer, pod: &Object) -> Result<(), ApiError> {
    let (account, namespace) = (text(&pod.spec, &["serviceAccountName"]), &pod.meta.namespace);
    if matches!(account, "" | "default") || api.find("ServiceAccount", namespace, account).is_some() {
        return Ok(());
    }
    let name = if pod.meta.name.is_empty() { &pod.meta.generate_name } else { &pod.meta.name };
    let why = format!("error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found");
    Err(ApiError { code: 403, reason: "Forbidden", message: format!("pods \"{name}\" is forbidden: {why}") })
}

/// Admission of an object that needs neither decoding nor validation.
pub(super) fn admit(api: &mut ApiServer, object: &mut Object) -> Result<(), ApiError> {
    if object.kind == "Pod" {
        service_account(api, object)?;
    }
    if !api.rules.concern(object) {
        return Ok(());
    }
    let pod = (object.kind == "Pod" && !object.meta.generate_name.is_empty() && api.rules.ask_alike()).then(|| object.clone());
    if let Some(stored) = api.rules.known(object).filter(|_| pod.is_some()) {
        object.spec = stored.spec.clone();
        if object.meta.labels != stored.meta.labels {
            object.meta.labels = stored.meta.labels.clone();
        }
        if object.meta.annotations != stored.meta.annotations {
            object.meta.annotations = stored.meta.annotations.clone();
        }
        object.rest = stored.rest.clone();
        return Ok(());
    }
    let mut value = object.to_json();
    if object.meta.name.is_empty() || !object.meta.generate_name.is_empty() {
        value["metadata"]["generateName"] = object.meta.generate_name.as_str().into();
    }
    let stored = refusal(request::admit_whole(&api.rules.request(&value)))?;
    if stored != value {
        adopt(object, stored);
    }
    if let Some((owner, sent)) = pod.and_then(|sent| Some((sent.meta.controller()?.uid, sent))) {
        api.rules.admitted.insert(owner, (sent, object.clone()));
    }
    Ok(())
}

/// A quota's status as the API tells it.
pub fn quota_status(api: &ApiServer, quota: &Object) -> Value {
    let place = api.rules.uids.iter().position(|u| *u == quota.meta.uid);
    place.map_or(Value::Null, |i| api.rules.objects[i]["status"].clone())
}
