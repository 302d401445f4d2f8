//! The API server's verdict on an object, and the findings that tell it to users.

use super::Object;
use super::decode;
use super::decode::Fault;
use super::defaults as fill;
use super::field::Path;
use super::schema;
use super::scope;
use super::shape;
use super::validation;
use super::warnings::{self, Warning};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::diagnostic::similar;
use crate::yaml::Node;

/// How to validate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidateOptions {
    /// The cluster's version, such as `1.36`.
    pub kube_version: String,
    /// Whether to tell what the server warns of when it accepts an object; old APIs aside, of which `kube::warnings` tells.
    pub warnings: bool,
    /// Whether unknown and repeated fields are warnings: `fieldValidation=Warn`.
    pub lenient: bool,
}

impl Default for ValidateOptions {
    fn default() -> Self {
        Self { kube_version: schema::NEWEST_VALIDATED.to_owned(), warnings: false, lenient: false }
    }
}

/// One cause of a rejection, as in `Status.details.causes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Such as `FieldValueInvalid`.
    pub reason: &'static str,
    /// The field, in the server's spelling.
    pub field: String,
    /// The server's sentence without the field.
    pub message: String,
    /// The field, to find its place.
    pub path: Path,
}

/// What the API server would answer to creating an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it refuses.
    pub rejected: bool,
    /// `ok`, `decode` or `validation`.
    pub phase: &'static str,
    /// What validation found.
    pub causes: Vec<Cause>,
    /// The server's message for a decoding error.
    pub message: String,
    /// What the server warns of while it accepts.
    pub warnings: Vec<Warning>,
}

fn split_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

fn gvk_of(api_version: &str, kind: &str) -> String {
    format!("{api_version}/{kind}")
}

/// The schema and type to decode with: Go's own types for the version they are of, OpenAPI's for others.
fn type_of(gvk: &str, version: &str) -> Option<(std::sync::Arc<schema::Schema>, &'static str)> {
    let newest = || Some((std::sync::Arc::clone(schema::newest()), schema::newest().kind(gvk)?));
    if schema::minor(version) == schema::minor(schema::NEWEST_VALIDATED)
        && let Some(has) = schema::newest_has(gvk)
    {
        match newest() {
            _ if !has => return None,
            Some(found) => return Some(found),
            None => {}
        }
    }
    let at = schema::of_version(version)?;
    let listed = at.kind(gvk)?;
    if schema::minor(version) == schema::minor(schema::NEWEST_VALIDATED)
        && let Some(found) = newest()
    {
        return Some(found);
    }
    Some((at, listed))
}

/// As [`admit_node`], for a JSON value.
pub fn admit(value: &serde_json::Value, kube_version: &str) -> Verdict {
    admit_node(&node_of(value, 0), kube_version)
}

/// As [`admit`], sent to the endpoint of a namespace. upstream: rest.EnsureObjectNamespaceMatchesRequestNamespace
pub fn admit_in(value: &serde_json::Value, namespace: &str, kube_version: &str) -> Verdict {
    let verdict = admit(value, kube_version);
    let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str).unwrap_or("");
    let own = value.pointer("/metadata/namespace").and_then(serde_json::Value::as_str).unwrap_or("");
    if verdict.phase == "decode" || own.is_empty() || own == namespace || !scope::is_namespaced(text("apiVersion"), text("kind")) {
        return verdict;
    }
    Verdict { rejected: true, phase: "decode", message: NAMESPACE_MISMATCH.to_owned(), ..Verdict::default() }
}

/// What reviews lack that cannot be answered. upstream: pkg/registry/authentication/tokenreview, authorization/selfsubjectrulesreview
fn bad_request(kind: &str, node: &Node) -> Option<&'static str> {
    let filled = |key: &str| match node.get("spec").and_then(|s| s.value.get(key)).map(|e| &e.value.kind) {
        Some(crate::yaml::NodeKind::Str(s)) => !s.is_empty(),
        _ => false,
    };
    match kind {
        "TokenReview" if !filled("token") => Some("token is required for TokenReview in authentication"),
        "SelfSubjectRulesReview" if !filled("namespace") => Some("no namespace on request"),
        _ => None,
    }
}

/// What an object of another namespace than the request's is told.
pub(super) const NAMESPACE_MISMATCH: &str = "the namespace of the provided object does not match the namespace sent on the request";

/// What the API server of a version would answer to creating this object; kinds it does not know are accepted.
pub fn admit_node(node: &Node, kube_version: &str) -> Verdict {
    let accepted = Verdict { phase: "ok", ..Verdict::default() };
    let text = |key: &str| match node.get(key).map(|e| &e.value.kind) {
        Some(crate::yaml::NodeKind::Str(s)) => s.clone(),
        _ => String::new(),
    };
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let Some((schema, ty)) = type_of(&gvk_of(&api_version, &kind), kube_version) else { return accepted };
    if let Some(verdict) = refused_at_once(&schema, ty, &api_version, &kind, node) {
        return verdict;
    }
    let object = filled(&schema, ty, &api_version, &kind, node);
    let causes = validation::validate(&api_version, &kind, &object);
    if !causes.is_empty() {
        return Verdict { rejected: true, phase: "validation", causes, ..Verdict::default() };
    }
    Verdict { warnings: warnings::warnings(&api_version, &kind, &object, &as_sent(node)), ..accepted }
}

/// The part of what was sent that warnings look at: the owners, of which the stored object has each once.
fn as_sent(node: &Node) -> serde_json::Value {
    let owners = node.get("metadata").and_then(|m| m.value.get("ownerReferences"));
    owners.map_or(serde_json::Value::Null, |o| serde_json::json!({ "metadata": { "ownerReferences": o.value.to_json() } }))
}

/// What the API server of a version would answer to replacing `old` by `new`, both as the user would send them.
pub fn admit_update(new: &serde_json::Value, old: &serde_json::Value, kube_version: &str) -> Verdict {
    let node = node_of(new, 0);
    let text = |key: &str| new.get(key).and_then(serde_json::Value::as_str).unwrap_or("").to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let Some((schema, ty)) = type_of(&gvk_of(&api_version, &kind), kube_version) else {
        return Verdict { phase: "ok", ..Verdict::default() };
    };
    if let Some(verdict) = undecodable(&schema, ty, &api_version, &kind, &node) {
        return verdict;
    }
    told_of_update(update_causes(&schema, ty, &api_version, &kind, (&node, &node_of(old, 0))))
}

/// As [`admit_update`], for an object that the server has decoded before.
pub fn admit_decoded_update(new: &serde_json::Value, old: &serde_json::Value, kube_version: &str) -> Verdict {
    let text = |key: &str| new.get(key).and_then(serde_json::Value::as_str).unwrap_or("");
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let found = type_of(&gvk_of(api_version, kind), kube_version);
    told_of_update(
        found.map_or_else(Vec::new, |(schema, ty)| update_causes(&schema, ty, api_version, kind, (&node_of(new, 0), &node_of(old, 0)))),
    )
}

fn told_of_update(causes: Vec<Cause>) -> Verdict {
    let rejected = !causes.is_empty();
    Verdict { rejected, phase: if rejected { "validation" } else { "ok" }, causes, ..Verdict::default() }
}

/// What the API server would answer to a pod sent to the `ephemeralcontainers` endpoint of `old`. upstream:
/// pkg/registry/core/pod.podEphemeralContainersStrategy
pub fn admit_ephemeral_containers(new: &serde_json::Value, old: &serde_json::Value) -> Verdict {
    let node = node_of(new, 0);
    let accepted = Verdict { phase: "ok", ..Verdict::default() };
    let Some((schema, ty)) = type_of(&gvk_of("v1", "Pod"), schema::NEWEST_VALIDATED) else { return accepted };
    if let Some(verdict) = undecodable(&schema, ty, "v1", "Pod", &node) {
        return verdict;
    }
    let (new, old) = as_replaced(&schema, ty, "v1", "Pod", (&node, &node_of(old, 0)));
    let causes = validation::validate_ephemeral_containers(&new, &old);
    let rejected = !causes.is_empty();
    Verdict { rejected, phase: if rejected { "validation" } else { "ok" }, causes, ..Verdict::default() }
}

/// What validation says about replacing the second node by the first; both decode.
fn update_causes(schema: &schema::Schema, ty: &str, api_version: &str, kind: &str, nodes: (&Node, &Node)) -> Vec<Cause> {
    let (new, old) = as_replaced(schema, ty, api_version, kind, nodes);
    validation::validate_update(api_version, kind, &new, &old)
}

/// An object and the one it replaces, as validation sees them.
fn as_replaced(
    schema: &schema::Schema,
    ty: &str,
    api_version: &str,
    kind: &str,
    (new, old): (&Node, &Node),
) -> (serde_json::Value, serde_json::Value) {
    let read = |node: &Node| {
        let mut object = shape::read(schema, ty, node);
        if scope::is_namespaced(api_version, kind) {
            fill::namespace(&mut object);
        }
        fill::complete(api_version, kind, &mut object);
        object
    };
    let (mut new, old) = (read(new), read(old));
    // One object: it keeps its identity.
    if let (Some(uid), Some(meta)) = (old.pointer("/metadata/uid"), new.get_mut("metadata").and_then(serde_json::Value::as_object_mut)) {
        meta.entry("uid").or_insert_with(|| uid.clone());
    }
    // Nobody may set the generation, and the status has an endpoint of its own.
    if let Some(meta) = new.get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
        match old.pointer("/metadata/generation") {
            Some(generation) => meta.insert("generation".to_owned(), generation.clone()),
            None => meta.remove("generation"),
        };
    }
    if let Some(fields) = new.as_object_mut() {
        match old.get("status") {
            Some(status) => fields.insert("status".to_owned(), status.clone()),
            None => fields.remove("status"),
        };
    }
    (new, old)
}

/// An object's type, after its text was found to be one of that type.
pub(super) struct Decoded {
    schema: std::sync::Arc<schema::Schema>,
    ty: &'static str,
    api_version: String,
    kind: String,
}

/// Decodes an object of a built-in kind, as the API server of a version does; the error is its refusal. Of kinds the
/// version does not know the refusal is empty.
pub(super) fn decoded(object: &serde_json::Value, kube_version: &str) -> Result<Decoded, Verdict> {
    let text = |key: &str| object.get(key).and_then(serde_json::Value::as_str).unwrap_or("").to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let (schema, ty) = type_of(&gvk_of(&api_version, &kind), kube_version).ok_or_else(Verdict::default)?;
    match undecodable(&schema, ty, &api_version, &kind, &node_of(object, 0)) {
        Some(verdict) => Err(verdict),
        None => Ok(Decoded { schema, ty, api_version, kind }),
    }
}

impl Decoded {
    /// The object as admission and validation see it.
    pub(super) fn filled(&self, object: &serde_json::Value) -> serde_json::Value {
        filled(&self.schema, self.ty, &self.api_version, &self.kind, &node_of(object, 0))
    }

    /// The object with its defaults, after it was changed on the way.
    pub(super) fn completed(&self, object: &serde_json::Value) -> serde_json::Value {
        let mut object = shape::read(&self.schema, self.ty, &node_of(object, 0));
        fill::complete(&self.api_version, &self.kind, &mut object);
        object
    }

    /// The object as it is written in JSON.
    pub(super) fn written(&self, mut object: serde_json::Value) -> serde_json::Value {
        shape::write(&self.schema, self.ty, &mut object);
        object
    }

    /// What validation refuses.
    pub(super) fn causes(&self, filled: &serde_json::Value) -> Vec<Cause> {
        validation::validate(&self.api_version, &self.kind, filled)
    }

    /// What an accepted object, sent as `given`, is warned of.
    pub(super) fn warnings(&self, filled: &serde_json::Value, given: &serde_json::Value) -> Vec<Warning> {
        warnings::warnings(&self.api_version, &self.kind, filled, given)
    }

    /// The object as it is stored.
    pub(super) fn stored(&self, mut filled: serde_json::Value) -> serde_json::Value {
        fill::finish(&self.api_version, &self.kind, &mut filled);
        shape::write(&self.schema, self.ty, &mut filled);
        filled
    }
}

fn undecodable(schema: &schema::Schema, ty: &str, api_version: &str, kind: &str, node: &Node) -> Option<Verdict> {
    let refused = decode::sentence(&decode::decode(schema, ty, node));
    let sentence = refused.or_else(|| decode::unconvertible(kind, node).map(|(_, why)| why))?;
    let version = split_version(api_version).1;
    let message = format!("{kind} in version {} cannot be handled as a {kind}: {sentence}", decode::quote(version));
    Some(Verdict { rejected: true, phase: "decode", message, ..Verdict::default() })
}

/// The object as validation sees it, of the type `ty` of `schema`.
fn filled(schema: &schema::Schema, ty: &str, api_version: &str, kind: &str, node: &Node) -> serde_json::Value {
    prepared(api_version, kind, shape::read(schema, ty, node))
}

/// An object that was read, as validation sees it.
pub(super) fn prepared(api_version: &str, kind: &str, mut object: serde_json::Value) -> serde_json::Value {
    if scope::is_namespaced(api_version, kind) {
        fill::namespace(&mut object);
    } else if let Some(meta) = object.get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
        meta.remove("namespace");
    }
    fill::owner_references(&mut object);
    fill::apply(api_version, kind, &mut object);
    object
}

/// The object as the API server would store it: with its defaults and what creation sets, generated values aside. Objects
/// of unknown kinds stay as they are.
pub fn defaults(object: &Object) -> serde_json::Value {
    defaults_of_node(&object.node, &object.id.api_version, &object.id.kind)
}

/// As [`defaults`], for a JSON value.
pub fn defaults_of(value: &serde_json::Value) -> serde_json::Value {
    let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str).unwrap_or("");
    defaults_of_node(&node_of(value, 0), text("apiVersion"), text("kind"))
}

/// As [`defaults_of`], and why the server cannot decode what was sent, when it cannot.
pub fn decoded_defaults(value: &serde_json::Value) -> (serde_json::Value, Option<Verdict>) {
    let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str).unwrap_or("");
    let (api_version, kind, node) = (text("apiVersion"), text("kind"), node_of(value, 0));
    let Some((schema, ty)) = type_of(&gvk_of(api_version, kind), schema::NEWEST_VALIDATED) else { return (node.to_json(), None) };
    let refused = refused_at_once(&schema, ty, api_version, kind, &node);
    (stored(&schema, ty, api_version, kind, &node), refused)
}

/// Why the server cannot decode what was sent; nothing when it can, and for unknown kinds.
pub fn decode_refusal(value: &serde_json::Value) -> Option<Verdict> {
    let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str).unwrap_or("");
    let (api_version, kind, node) = (text("apiVersion"), text("kind"), node_of(value, 0));
    let (schema, ty) = type_of(&gvk_of(api_version, kind), schema::NEWEST_VALIDATED)?;
    refused_at_once(&schema, ty, api_version, kind, &node)
}

fn refused_at_once(schema: &schema::Schema, ty: &str, api_version: &str, kind: &str, node: &Node) -> Option<Verdict> {
    undecodable(schema, ty, api_version, kind, node).or_else(|| {
        let message = bad_request(kind, node)?.to_owned();
        Some(Verdict { rejected: true, phase: "decode", message, ..Verdict::default() })
    })
}

fn defaults_of_node(node: &Node, api_version: &str, kind: &str) -> serde_json::Value {
    let Some((schema, ty)) = type_of(&gvk_of(api_version, kind), schema::NEWEST_VALIDATED) else { return node.to_json() };
    stored(&schema, ty, api_version, kind, node)
}

/// The object as it is stored, of the type `ty` of `schema`.
fn stored(schema: &schema::Schema, ty: &str, api_version: &str, kind: &str, node: &Node) -> serde_json::Value {
    let mut object = filled(schema, ty, api_version, kind, node);
    fill::finish(api_version, kind, &mut object);
    shape::write(schema, ty, &mut object);
    object
}

/// What the server would answer to a text sent as `application/yaml` to the endpoint of a kind. upstream: sigs.k8s.io/yaml,
/// apimachinery/pkg/runtime/serializer
pub fn admit_text(text: &str, expected_kind: &str, kube_version: &str) -> Verdict {
    let refused = |message: String| Verdict { rejected: true, phase: "decode", message, ..Verdict::default() };
    let unrecognized = |why: &str| {
        use std::fmt::Write as _;
        let bytes = text.as_bytes();
        let mut hex = String::new();
        for b in bytes.iter().take(30) {
            let _ = write!(hex, "{b:02x}");
        }
        let more = if bytes.len() > 30 { " ..." } else { "" };
        refused(format!("the object provided is unrecognized (must be of type {expected_kind}): {why} ({hex}{more})"))
    };
    let document = match crate::yaml::decode(text.as_bytes()) {
        Ok(value) => value,
        Err(error) => return unrecognized(&error.message.replace("error converting YAML to JSON: ", "")),
    };
    let json = match crate::value::json::to_json(&document) {
        Ok(json) => json,
        Err(error) => return unrecognized(&error),
    };
    let value: serde_json::Value = serde_json::from_slice(&json).unwrap_or_default();
    let meta = "json: cannot unmarshal";
    let what = match &value {
        serde_json::Value::Object(_) | serde_json::Value::Null => None,
        serde_json::Value::Array(_) => Some("array"),
        serde_json::Value::String(_) => Some("string"),
        serde_json::Value::Bool(_) => Some("bool"),
        serde_json::Value::Number(_) => Some("number"),
    };
    if let Some(what) = what {
        let ty = r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
        return unrecognized(&format!("couldn't get version/kind; json parse error: {meta} {what} into Go value of type {ty}"));
    }
    for key in ["apiVersion", "kind"] {
        let what = match &value[key] {
            serde_json::Value::Null | serde_json::Value::String(_) => continue,
            serde_json::Value::Array(_) => "array",
            serde_json::Value::Object(_) => "object",
            serde_json::Value::Bool(_) => "bool",
            serde_json::Value::Number(_) => "number",
        };
        return unrecognized(&format!(
            "couldn't get version/kind; json parse error: {meta} {what} into Go struct field .{key} of type string"
        ));
    }
    let verdict = match crate::yaml::parse(text, crate::source::FileId::default()).into_iter().next().and_then(|d| d.root) {
        Some(root) => admit_node(&root, kube_version),
        None => admit(&value, kube_version),
    };
    if let Err(error) = crate::yaml::decode_strict(text.as_bytes())
        && (!verdict.rejected || verdict.message.contains("strict decoding error: "))
    {
        let version = value["apiVersion"].as_str().map_or("", |v| split_version(v).1);
        let kind = value["kind"].as_str().unwrap_or("");
        let rest = verdict.message.split_once("strict decoding error: ").map_or(String::new(), |(_, rest)| {
            // Of a key that stands twice JSON has only one.
            let kept = rest.split(", ").filter(|part| !part.starts_with("duplicate field "));
            kept.map(|part| format!(", {part}")).collect()
        });
        let why = error.message.trim_start_matches("error converting YAML to JSON: ").to_owned();
        return refused(format!(
            "{kind} in version {} cannot be handled as a {kind}: strict decoding error: {why}{rest}",
            decode::quote(version)
        ));
    }
    verdict
}

pub(super) fn node_of(value: &serde_json::Value, depth: usize) -> Node {
    use crate::yaml::{Entry, NodeKind};
    use serde_json::Value;
    let kind = match value {
        _ if depth > 1000 => NodeKind::Null,
        Value::Null => NodeKind::Null,
        Value::Bool(b) => NodeKind::Bool(*b),
        Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(i), _) => NodeKind::Int(i),
            (None, Some(u)) => NodeKind::Uint(u),
            _ => NodeKind::Float(n.as_f64().unwrap_or_default()),
        },
        Value::String(s) => NodeKind::Str(s.clone()),
        Value::Array(items) => NodeKind::Sequence(items.iter().map(|v| node_of(v, depth + 1).into()).collect()),
        Value::Object(map) => {
            let entry = |(key, v): (&String, &Value)| Entry {
                key: key.clone(),
                key_span: crate::source::Span::default(),
                value: node_of(v, depth + 1).into(),
            };
            NodeKind::Mapping(map.iter().map(entry).collect())
        }
    };
    Node { span: crate::source::Span::default(), kind }
}

/// What the API server would refuse about an object, as findings in the order the server would tell them.
pub fn validate(object: &Object, options: &ValidateOptions) -> Vec<Diagnostic> {
    findings(object, None, options)
}

/// The findings of decoding, else those of validation, else the warnings; `old` is what the object replaces.
pub(super) fn findings(object: &Object, old: Option<&Object>, options: &ValidateOptions) -> Vec<Diagnostic> {
    let id = &object.id;
    if id.api_version.is_empty() || id.kind.is_empty() {
        return missing_identity(object);
    }
    let (group, version) = split_version(&id.api_version);
    let Some((schema, ty)) = type_of(&gvk_of(&id.api_version, &id.kind), &options.kube_version) else {
        return unknown_kind(object, group, version, &options.kube_version).into_iter().collect();
    };
    let mut out = Vec::new();
    if let Some(gone) = removed(object, group, version, &options.kube_version) {
        out.push(gone);
    }
    let refusals = decode::decode(&schema, ty, &object.node);
    for refusal in &refusals {
        let (code, span) = match refusal.fault {
            Fault::UnknownField => ("unknown-field", object.key_span(&refusal.path)),
            Fault::DuplicateField => ("duplicate-field", object.key_span(&refusal.path)),
            Fault::WrongType => ("wrong-type", object.place(&refusal.path)),
            Fault::BadValue => ("invalid-value", object.place(&refusal.path)),
        };
        let message = match refusal.fault {
            Fault::UnknownField | Fault::DuplicateField => format!("strict decoding error: {}", refusal.message),
            _ => refusal.message.clone(),
        };
        let is_strict = matches!(refusal.fault, Fault::UnknownField | Fault::DuplicateField);
        let severity = if is_strict && options.lenient { Severity::Warning } else { Severity::Error };
        let message = if is_strict && options.lenient { refusal.message.clone() } else { message };
        let mut finding = Diagnostic::new(code, severity, message).at(span).on(id.clone(), refusal.path.to_string());
        if refusal.fault == Fault::UnknownField
            && let Some(super::field::Step::Field(name)) = refusal.path.0.last()
            && let Some(near) = similar(name, refusal.known.iter().copied())
        {
            finding = finding.help(format!("did you mean `{near}`?"));
        }
        out.push(finding);
    }
    if out.iter().any(|f| f.severity == Severity::Error && f.field != "apiVersion") {
        return out;
    }
    if let Some((path, why)) = decode::unconvertible(&id.kind, &object.node) {
        let field = path.to_string();
        out.push(Diagnostic::new("invalid-value", Severity::Error, why).at(object.place(&path)).on(id.clone(), field));
        return out;
    }
    let mut warned = Vec::new();
    let causes = match old {
        Some(old) => update_causes(&schema, ty, &id.api_version, &id.kind, (&object.node, &old.node)),
        None => {
            let filled = filled(&schema, ty, &id.api_version, &id.kind, &object.node);
            let causes = validation::validate(&id.api_version, &id.kind, &filled);
            if causes.is_empty() && options.warnings {
                warned = warnings::warnings(&id.api_version, &id.kind, &filled, &as_sent(&object.node));
            }
            causes
        }
    };
    for cause in causes {
        let code = super::against::code_of(&cause);
        let finding = Diagnostic::new(code, Severity::Error, format!("{}: {}", cause.field, cause.message));
        out.push(finding.at(object.place(&cause.path)).on(id.clone(), cause.field));
    }
    for warning in warned.into_iter().filter(|w| w.path != Path::new("apiVersion")) {
        let finding = Diagnostic::new("server-warning", Severity::Warning, warning.message);
        out.push(finding.at(object.span(&warning.path)).on(id.clone(), warning.path.to_string()));
    }
    out
}

fn missing_identity(object: &Object) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    for (field, value) in [("apiVersion", &object.id.api_version), ("kind", &object.id.kind)] {
        if value.is_empty() {
            let message = format!("Object '{}' is missing", if field == "kind" { "Kind" } else { "apiVersion" });
            let finding = Diagnostic::new("missing-required-field", Severity::Error, message);
            out.push(finding.at(object.span(&Path::new(field))).on(object.id.clone(), field));
        }
    }
    out
}

fn no_match(object: &Object) -> String {
    format!("no matches for kind {} in version {}", decode::quote(&object.id.kind), decode::quote(&object.id.api_version))
}

/// An API that the declared lifecycle says is gone although the schemas still list it.
fn removed(object: &Object, group: &str, version: &str, kube_version: &str) -> Option<Diagnostic> {
    let life = schema::lifecycle(group, version, &object.id.kind)?;
    let gone = schema::minor(life.removed)?;
    if schema::minor(kube_version)? < gone {
        return None;
    }
    let help = match super::deprecation::still_served(life, kube_version) {
        "" => format!("it was removed in Kubernetes {}", life.removed),
        new => format!("it was removed in Kubernetes {}; use {new}", life.removed),
    };
    let finding = Diagnostic::new("unknown-kind", Severity::Error, no_match(object)).help(help);
    Some(finding.at(object.span(&Path::new("apiVersion"))).on(object.id.clone(), "apiVersion"))
}

fn unknown_kind(object: &Object, group: &str, version: &str, kube_version: &str) -> Option<Diagnostic> {
    if !schema::is_builtin_group(group) {
        return None;
    }
    if let Some(finding) = removed(object, group, version, kube_version) {
        return Some(finding);
    }
    let id = &object.id;
    let finding = Diagnostic::new("unknown-kind", Severity::Error, no_match(object));
    if let Some(life) = schema::lifecycle(group, version, &id.kind) {
        let help = match life.first {
            "" => "this version of Kubernetes does not have it".to_owned(),
            first => format!("Kubernetes has it since {first}"),
        };
        return Some(finding.help(help).at(object.span(&Path::new("apiVersion"))).on(id.clone(), "apiVersion"));
    }
    let wanted = schema::minor(kube_version);
    let served = |l: &&schema::Lifecycle| {
        l.kind == id.kind && schema::minor(l.first) <= wanted && schema::minor(l.removed).is_none_or(|gone| wanted < Some(gone))
    };
    // The most stable version of the kind: `v1` sorts before `v1beta1` when the shorter wins.
    let other = schema::lifecycles().iter().filter(served).min_by_key(|l| (l.group != group, l.version.len()));
    if let Some(other) = other {
        let slash = if other.group.is_empty() { "" } else { "/" };
        let help = format!("{} is in {}{slash}{}", id.kind, other.group, other.version);
        return Some(finding.help(help).at(object.span(&Path::new("apiVersion"))).on(id.clone(), "apiVersion"));
    }
    let kinds = schema::lifecycles().iter().filter(|l| l.group == group).map(|l| l.kind);
    let finding = match similar(&id.kind, kinds) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding,
    };
    Some(finding.at(object.span(&Path::new("kind"))).on(id.clone(), "kind"))
}
