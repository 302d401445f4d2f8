//! Which objects of an input decide about others in admission, and about which: where none does, an object can be judged
//! and forgotten.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Object;
use super::policy;
use super::together::{Surroundings, namespace_of};

/// What takes part in admission.
pub(super) fn decides(object: &Object) -> bool {
    match object.id.kind.as_str() {
        "LimitRange" | "ResourceQuota" | "ValidatingAdmissionPolicy" => true,
        "Namespace" => {
            let labels = object.value.pointer("/metadata/labels").and_then(Value::as_object);
            labels.is_some_and(|l| l.keys().any(|key| key.starts_with("pod-security.kubernetes.io/")))
        }
        _ => false,
    }
}

/// The kinds that may take part in admission.
pub(super) const DECIDING: [&str; 5] =
    ["LimitRange", "Namespace", "ResourceQuota", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"];

/// Whether an object may take part in admission, by its kind alone.
pub fn may_decide(object: &Object) -> bool {
    DECIDING.contains(&object.id.kind.as_str())
}

/// The reach of the objects that decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deciders {
    /// Namespaces with limits, quotas or a level.
    namespaces: BTreeSet<String>,
    /// Resources that policies look at; `*` is all.
    resources: BTreeSet<String>,
    /// Kinds of the parameters of policies.
    params: BTreeSet<String>,
    /// Whether every namespace has a level.
    everywhere: bool,
}

impl Deciders {
    /// What decides among objects; `None` when nothing does.
    pub fn of(objects: &[&Object], around: &Surroundings) -> Option<Self> {
        let mut out = Self { everywhere: around.pod_security.is_some(), ..Self::default() };
        for object in objects.iter().filter(|o| decides(o)) {
            match object.id.kind.as_str() {
                "Namespace" => {
                    out.namespaces.insert(object.id.name.clone());
                }
                "ValidatingAdmissionPolicy" => {
                    let bound = |o: &&&Object| {
                        o.id.kind == "ValidatingAdmissionPolicyBinding" && o.value["spec"]["policyName"] == object.id.name.as_str()
                    };
                    if objects.iter().any(|o| bound(&o)) {
                        out.policy(&object.value);
                    }
                }
                _ => {
                    out.namespaces.insert(namespace_of(&object.value).to_owned());
                }
            }
        }
        let nothing = !out.everywhere && out.namespaces.is_empty() && out.resources.is_empty();
        (!nothing).then_some(out)
    }

    fn policy(&mut self, policy: &Value) {
        let rules = policy.pointer("/spec/matchConstraints/resourceRules").and_then(Value::as_array);
        for resource in rules.into_iter().flatten().filter_map(|r| r["resources"].as_array()).flatten().filter_map(Value::as_str) {
            self.resources.insert(resource.split('/').next().unwrap_or(resource).to_owned());
        }
        if let Some(kind) = policy.pointer("/spec/paramKind/kind").and_then(Value::as_str) {
            self.params.insert(kind.to_owned());
        }
    }

    /// Whether they may have something to say about an object.
    pub fn concern(&self, object: &Object) -> bool {
        const WITH_PODS: &[&str] =
            &["Pod", "PodTemplate", "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "ReplicationController", "Job", "CronJob"];
        let id = &object.id;
        let namespace = if id.namespace.is_empty() { "default" } else { &id.namespace };
        self.everywhere && WITH_PODS.contains(&id.kind.as_str())
            || self.namespaces.contains(namespace)
            || self.params.contains(&id.kind)
            || !self.resources.is_empty() && (self.resources.contains("*") || self.resources.contains(&policy::resource_of(&id.kind)))
    }
}
