//! Mutating admission policies: patches that expressions give, applied to an object.
//! upstream: apiserver pkg/admission/plugin/policy/mutating

use serde_json::Map;
use serde_json::Value;

use super::apply;
use super::check;
use super::crd_schema::word;
use super::json_patch;
use super::json_patch::Failure;
use super::policy;
use super::request::{Request, namespace_object};

/// Why a patch is not made: a refusal by the policy, or a broken object that is the server's own error.
enum Wrong {
    Refused(String),
    Internal(String),
}

/// How often policies may run again over what others made.
const ROUNDS: usize = 2;

/// What the mutating policies of a cluster make of an object (with its defaults): nothing, a new object, or a refusal with
/// its reason.
pub(super) fn apply(request: &Request<'_>, object: &Value, resource: &str) -> Result<Option<Value>, (String, String)> {
    let cluster = request.cluster;
    let policies: Vec<&Value> = cluster.iter().filter(|o| o["kind"] == "MutatingAdmissionPolicy").collect();
    if policies.is_empty() || policy::is_exempt(object) {
        return Ok(None);
    }
    let mut current = written(request, object.clone());
    let before = current.clone();
    for round in 0..ROUNDS {
        let start = current.clone();
        for policy in &policies {
            // Later rounds are for policies that asked for them.
            if round == 0 || word(&policy["spec"], "reinvocationPolicy") == "IfNeeded" {
                current = one_policy(request, policy, current, resource)?;
            }
        }
        if current == start {
            break;
        }
    }
    Ok((current != before).then_some(current))
}

/// The object as it is sent to expressions and patches.
fn written(request: &Request<'_>, object: Value) -> Value {
    match check::decoded(&object, request.kube_version) {
        Ok(decoded) => decoded.written(object),
        Err(_) => object,
    }
}

/// What stays the same while policies change the object.
struct Around<'a> {
    old: Option<&'a Value>,
    resource: &'a str,
    namespace: Option<&'a Value>,
    user: &'a str,
}

impl<'a> Around<'a> {
    fn request<'b>(&'b self, object: &'b Value) -> policy::Request<'b>
    where
        'a: 'b,
    {
        policy::Request { object, old: self.old, resource: self.resource, namespace: self.namespace, user: self.user }
    }
}

fn one_policy(request: &Request<'_>, stated: &Value, object: Value, resource: &str) -> Result<Value, (String, String)> {
    let cluster = request.cluster;
    let spec = &stated["spec"];
    let name = word(&stated["metadata"], "name");
    let mut object = object;
    for binding in cluster.iter().filter(|o| o["kind"] == "MutatingAdmissionPolicyBinding" && word(&o["spec"], "policyName") == name) {
        let head = format!("policy '{name}' with binding '{}'", word(&binding["metadata"], "name"));
        let namespace = namespace_object(cluster, &object);
        let old = request.old.map(check::defaults_of);
        let around = Around { old: old.as_ref(), resource, namespace: namespace.as_ref(), user: request.user };
        if !policy::applies(spec, binding, &around.request(&object)) {
            continue;
        }
        let ignore = word(spec, "failurePolicy") == "Ignore";
        let params = match policy::params(cluster, spec, &binding["spec"], &around.request(&object)) {
            Ok(params) => params,
            Err(_) if ignore => continue,
            Err(why) => return Err((format!("{head} denied request: failed to configure binding: {why}"), "Forbidden".to_owned())),
        };
        for param in params {
            match policy::conditions(spec, param, &around.request(&object)) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(_) if ignore => continue,
                Err(why) => return Err((format!("{head} denied request: {why}"), "Forbidden".to_owned())),
            }
            for mutation in spec["mutations"].as_array().into_iter().flatten() {
                match one_mutation(request, spec, mutation, param, &around.request(&object)) {
                    Ok(changed) => object = changed,
                    Err(Wrong::Internal(why)) => return Err((why, "InternalError".to_owned())),
                    Err(Wrong::Refused(_)) if ignore => {}
                    Err(Wrong::Refused(why)) => return Err((format!("{head} denied request: {why}"), "Forbidden".to_owned())),
                }
            }
        }
    }
    Ok(object)
}

fn one_mutation(
    request: &Request<'_>,
    spec: &Value,
    mutation: &Value,
    params: Option<&Value>,
    asked: &policy::Request<'_>,
) -> Result<Value, Wrong> {
    let patch = word(mutation, "patchType") == "JSONPatch";
    let part = &mutation[if patch { "jsonPatch" } else { "applyConfiguration" }];
    let text = word(part, "expression").trim();
    let given = policy::mutation(spec, params, asked, text, patch);
    let given = given.map_err(|e| Wrong::Refused(format!("expression '{text}' resulted in error: {e}")))?;
    let changed = if patch {
        match json_patch::apply(asked.object, &given) {
            Ok(changed) => changed,
            Err(Failure::Test) => return Ok(asked.object.clone()),
            Err(Failure::Other(why)) => return Err(Wrong::Refused(format!("JSON Patch: {why}"))),
        }
    } else {
        let mut given = given.as_object().cloned().unwrap_or_else(Map::new);
        for key in ["apiVersion", "kind"] {
            given.insert(key.to_owned(), asked.object[key].clone());
        }
        apply::merge(asked.object, &Value::Object(given)).map_err(|why| Wrong::Refused(format!("error applying patch: {why}")))?
    };
    match check::decoded(&changed, request.kube_version) {
        Ok(decoded) => {
            let filled = decoded.completed(&changed);
            Ok(decoded.written(filled))
        }
        Err(verdict) if verdict.message.is_empty() => Ok(changed),
        Err(verdict) => {
            let why = verdict.message.split_once("cannot be handled as a ").and_then(|(_, rest)| rest.split_once(": "));
            Err(Wrong::Internal(why.map_or(verdict.message.as_str(), |(_, why)| why).to_owned()))
        }
    }
}
