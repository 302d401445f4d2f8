//! Objects that are sent together: custom resources by the definitions beside them, and what policies, Pod Security, limit
//! ranges and quotas among them say about the others. What only a cluster knows is not asked for.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::Object;
use super::admission;
use super::admission::quota;
use super::against::code_of;
use super::against::{Identity, identity};
use super::check;
use super::check::Cause;
use super::crd_openapi;
use super::crd_schema::word;
use super::custom_resource;
use super::custom_resource::Served;
use super::deciders;
use super::field::Path;
use super::pod_security;
use super::policy;
use super::request;
use super::schema;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;

/// The code of what admission refuses.
const DENIED: &str = "admission-denied";
/// The code of what admission warns of.
const WARNED: &str = "admission-warning";
/// How many objects of a kind one thread takes at a time: it compiles the rules of their definition anew.
const AT_ONCE: usize = 64;
/// The code of a kind without a schema.
const UNCHECKED: &str = "unchecked-kind";

/// What is known beside the objects.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Definitions of custom resources; they are large, and many share them.
    pub definitions: Arc<Vec<Value>>,
    /// JSON schemas by `apiVersion` and kind.
    pub schemas: Vec<(String, String, Value)>,
    /// The Pod Security level of namespaces that state none: `baseline`, `restricted`.
    pub pod_security: Option<String>,
    /// What a kind without a schema is; `None` when nothing is said about it.
    pub unchecked: Option<Severity>,
}

impl Surroundings {
    /// Whether a kind that is not built in has a schema here or in `objects`.
    pub fn knows(&self, objects: &[Object], api_version: &str, kind: &str) -> bool {
        self.schemas.iter().any(|(a, k, _)| a == api_version && k == kind)
            || custom_resource::definition_of(&self.definitions, api_version, kind).is_some()
            || objects
                .iter()
                .any(|o| is_definition(o) && custom_resource::definition_of(std::slice::from_ref(&o.value), api_version, kind).is_some())
    }
}

fn is_definition(object: &Object) -> bool {
    object.id.kind == "CustomResourceDefinition" && object.id.api_version.starts_with("apiextensions.k8s.io/")
}

/// Group and kind of the custom resources that an object defines.
pub fn defines(object: &Object) -> Option<(String, String)> {
    if !is_definition(object) {
        return None;
    }
    let text = |node: &crate::yaml::Node, key: &str| match node.get(key).map(|e| &e.value.kind) {
        Some(crate::yaml::NodeKind::Str(text)) => text.clone(),
        _ => String::new(),
    };
    let spec = &object.node.get("spec")?.value;
    Some((text(spec, "group"), text(&spec.get("names")?.value, "kind")))
}

/// The group of an `apiVersion`; empty for the core group.
pub fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// Whether a kind is no built-in one, so that only a definition says what it is.
pub fn is_custom(object: &Object) -> bool {
    let (group, kind) = (object.id.api_version.split_once('/').map_or("", |(group, _)| group), &object.id.kind);
    !group.is_empty() && !kind.is_empty() && !schema::is_builtin_group(group)
}

/// What the API server would say about objects because of the others. `refused` are the places of objects that it refuses
/// by themselves; `old` finds what an object replaces.
pub fn validate_together<'o>(
    objects: &[Object],
    around: &Surroundings,
    refused: &BTreeSet<usize>,
    old: &(dyn Fn(&Identity) -> Option<&'o Object> + Sync),
) -> Vec<Diagnostic> {
    let mut own: Vec<Value> = objects.iter().filter(|o| is_definition(o)).map(|o| o.value.clone()).collect();
    let definitions: &[Value] = if own.is_empty() {
        &around.definitions
    } else {
        own.extend(around.definitions.iter().cloned());
        &own
    };
    let mut of_kind: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (i, object) in objects.iter().enumerate().filter(|(_, o)| is_custom(o)) {
        of_kind.entry((&object.id.api_version, &object.id.kind)).or_default().push(i);
    }
    let some: Vec<&[usize]> = of_kind.values().flat_map(|all| all.chunks(AT_ONCE)).collect();
    let alike = |some: &&[usize]| {
        let id = &objects[some[0]].id;
        let served = custom_resource::definition_of(definitions, &id.api_version, &id.kind);
        let served = served.map(|(crd, version)| Served::new(crd, version));
        let one = |i: &usize| {
            let mut out = Vec::new();
            let known = custom(&objects[*i], served.as_ref(), definitions, around, old, &mut out);
            (*i, &objects[*i], known, out)
        };
        some.iter().map(one).collect::<Vec<_>>()
    };
    let mut each: Vec<(usize, &Object, bool, Vec<Diagnostic>)> = some.par_iter().flat_map_iter(alike).collect();
    each.sort_by_key(|(i, ..)| *i);
    let mut out = Vec::new();
    let mut unchecked: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut wrong = refused.clone();
    for (i, object, known, mut found) in each {
        if found.iter().any(|f| f.severity >= Severity::Error) {
            wrong.insert(i);
        }
        out.append(&mut found);
        let id = &object.id;
        if !known
            && let Some(severity) = around.unchecked
            && unchecked.insert((&id.api_version, &id.kind))
        {
            let message = format!("{} {} is not checked: no schema of this kind is known", id.api_version, id.kind);
            let at = object.span(&Path::new("kind"));
            let help = "give its CustomResourceDefinition with --crds, or a JSON schema with --schema-location";
            out.push(Diagnostic::new(UNCHECKED, severity, message).at(at).on(id.clone(), "kind").help(help));
        }
    }
    admission(objects, around, &wrong, definitions, &mut out);
    out
}

/// A custom resource against its definition or schema; gives whether there is one.
fn custom<'o>(
    object: &Object,
    served: Option<&Served<'_>>,
    definitions: &[Value],
    around: &Surroundings,
    old: &(dyn Fn(&Identity) -> Option<&'o Object> + Sync),
    out: &mut Vec<Diagnostic>,
) -> bool {
    let id = &object.id;
    if let Some(served) = served {
        let old = old(&identity(object)).filter(|old| old.id.api_version == id.api_version);
        let old = old.map(|old| served.stored(&old.value));
        let mut answer = served.admit(&object.value, old.as_ref(), "");
        if answer.status == 400 {
            decoding(object, &answer.message, out);
            // The rest is told too, as if the unknown fields were not there.
            answer = served.admit(&served.stored(&object.value), old.as_ref(), "");
        }
        for cause in answer.causes {
            out.push(finding_of(object, cause));
        }
        for warning in answer.warnings {
            let finding = Diagnostic::new("server-warning", Severity::Warning, warning).at(object.span(&Path::new("apiVersion")));
            out.push(finding.on(id.clone(), "apiVersion"));
        }
        return true;
    }
    let group = id.api_version.split_once('/').map_or("", |(group, _)| group);
    let of_kind = |crd: &&Value| word(&crd["spec"], "group") == group && word(&crd["spec"]["names"], "kind") == id.kind;
    if let Some(crd) = definitions.iter().find(of_kind) {
        let versions = crd["spec"]["versions"].as_array().map_or(&[][..], Vec::as_slice);
        let served: Vec<&str> = versions.iter().filter(|v| v["served"] == true).map(|v| word(v, "name")).collect();
        let message = format!("no matches for kind \"{}\" in version \"{}\"", id.kind, id.api_version);
        let help = format!("its definition serves {}", served.join(", "));
        let at = object.span(&Path::new("apiVersion"));
        out.push(Diagnostic::new("unknown-kind", Severity::Error, message).at(at).on(id.clone(), "apiVersion").help(help));
        return true;
    }
    let schema = around.schemas.iter().find(|(a, k, _)| *a == id.api_version && *k == id.kind);
    if let Some((_, _, schema)) = schema {
        for cause in crd_openapi::validate(&object.value, schema, None, None) {
            out.push(finding_of(object, cause));
        }
    }
    schema.is_some()
}

/// A cause as it is told of built-in kinds: the field, then what is wrong.
fn finding_of(object: &Object, cause: Cause) -> Diagnostic {
    let message = if cause.field.is_empty() { cause.message.clone() } else { format!("{}: {}", cause.field, cause.message) };
    Diagnostic::new(code_of(&cause), Severity::Error, message).at(object.place(&cause.path)).on(object.id.clone(), cause.field)
}

/// The place that a path such as `spec.a[1].b` names.
fn path_of(text: &str) -> Path {
    let mut path = Path::default();
    for step in text.split('.') {
        let (name, rest) = step.split_once('[').unwrap_or((step, ""));
        path = path.child(name);
        for index in rest.split('[').filter_map(|i| i.trim_end_matches(']').parse().ok()) {
            path = path.index(index);
        }
    }
    path
}

/// What decoding refuses: a finding for every unknown field.
fn decoding(object: &Object, message: &str, out: &mut Vec<Diagnostic>) {
    let id = &object.id;
    let why = message.split_once("cannot be handled as a ").and_then(|(_, rest)| rest.split_once(": ")).map_or(message, |(_, why)| why);
    let Some(fields) = why.strip_prefix("strict decoding error: ") else {
        let at = object.span(&Path::new("metadata"));
        return out.push(Diagnostic::new("wrong-type", Severity::Error, why).at(at).on(id.clone(), "metadata"));
    };
    for field in fields.split(", ") {
        let name = field.trim_start_matches("unknown field ").trim_matches('"');
        let path = path_of(name);
        let message = format!("strict decoding error: {field}");
        out.push(Diagnostic::new("unknown-field", Severity::Error, message).at(object.key_span(&path)).on(id.clone(), name));
    }
}

/// Admission in the order in which the objects are applied: namespaces and definitions first.
fn admission(objects: &[Object], around: &Surroundings, refused: &BTreeSet<usize>, definitions: &[Value], out: &mut Vec<Diagnostic>) {
    if around.pod_security.is_none() && !objects.iter().any(deciders::decides) {
        return;
    }
    let cluster: Vec<Value> = objects.iter().map(|o| o.value.clone()).collect();
    let mut quotas: Vec<Value> = cluster.iter().filter(|o| o["kind"] == "ResourceQuota").cloned().collect();
    let mut held: Vec<(&Value, String)> = Vec::new();
    let stored: Vec<Value> = objects.iter().map(|o| stored(o, definitions)).collect();
    for quota in &mut quotas {
        if quota.get("status").is_none() {
            quota::observe(quota, &[]);
        }
    }
    let later = |o: &Object| !matches!(o.id.kind.as_str(), "Namespace" | "CustomResourceDefinition");
    let mut order: Vec<usize> = (0..objects.len()).collect();
    order.sort_by_key(|i| later(&objects[*i]));
    for i in order {
        let (object, mut whole) = (&objects[i], stored[i].clone());
        if refused.contains(&i) || object.id.kind.is_empty() {
            continue;
        }
        let resource = plural(object, definitions);
        let group = object.id.api_version.split_once('/').map_or("", |(group, _)| group);
        let counted = if group.is_empty() { resource.clone() } else { format!("{resource}.{group}") };
        let mut say = |code, severity, message: String| {
            let at = object.span(&Path::new("metadata").child("name"));
            out.push(Diagnostic::new(code, severity, message).at(at).on(object.id.clone(), "metadata.name"));
        };
        admission::fill_limits(&cluster, &mut whole);
        if let Some(why) = admission::over_limits(&cluster, &whole) {
            say(DENIED, Severity::Error, why);
            continue;
        }
        let mut labels = request::labels_of(&cluster, namespace_of(&whole)).clone();
        if let Some(level) = around.pod_security.as_ref().filter(|_| labels.get("pod-security.kubernetes.io/enforce").is_none()) {
            if !labels.is_object() {
                labels = json!({});
            }
            labels["pod-security.kubernetes.io/enforce"] = level.as_str().into();
        }
        let (denied, warned) = pod_security::evaluate(&labels, &whole);
        warned.into_iter().for_each(|w| say(WARNED, Severity::Warning, w));
        if let Some(why) = denied {
            say(DENIED, Severity::Error, why);
            continue;
        }
        if !policy::is_exempt(&whole) {
            let namespace = request::namespace_object(&cluster, &whole);
            let asked = policy::Request { object: &whole, old: None, resource: &resource, namespace: namespace.as_ref(), user: "kval" };
            let decision = policy::evaluate(&cluster, &asked);
            decision.warnings.into_iter().for_each(|w| say(WARNED, Severity::Warning, w));
            if let Some((why, _)) = decision.denied {
                say(DENIED, Severity::Error, why);
                continue;
            }
        }
        if let Some(why) = quota::refusal(&quotas, &whole, &counted) {
            say(DENIED, Severity::Error, why);
            continue;
        }
        held.push((&stored[i], counted));
        for (quota, given) in quotas.iter_mut().zip(cluster.iter().filter(|o| o["kind"] == "ResourceQuota")) {
            if given.get("status").is_none() {
                quota::observe(quota, &held);
            }
        }
    }
}

pub(super) fn namespace_of(object: &Value) -> &str {
    match object.pointer("/metadata/namespace").and_then(Value::as_str) {
        None | Some("") => "default",
        Some(name) => name,
    }
}

/// An object as it would be stored, of a kind that is built in or that one of `objects` defines.
pub fn as_stored(object: &Object, objects: &[Object]) -> Value {
    let definitions: Vec<Value> = objects.iter().filter(|o| is_definition(o)).map(|o| o.value.clone()).collect();
    stored(object, &definitions)
}

/// The object as it would be stored.
fn stored(object: &Object, definitions: &[Value]) -> Value {
    match custom_resource::definition_of(definitions, &object.id.api_version, &object.id.kind) {
        Some((crd, version)) => custom_resource::stored(crd, version, &object.value),
        None => check::defaults(object),
    }
}

fn plural(object: &Object, definitions: &[Value]) -> String {
    match custom_resource::definition_of(definitions, &object.id.api_version, &object.id.kind) {
        Some((crd, _)) => word(&crd["spec"]["names"], "plural").to_owned(),
        None => policy::resource_of(&object.id.kind),
    }
}
