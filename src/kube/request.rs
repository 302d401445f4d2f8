//! A request to an API server that holds other objects: where it goes, decoding, admission, validation, and what is stored.
//! upstream: apiserver pkg/endpoints/handlers/create.go, pkg/registry/rest

use serde_json::Map;
use serde_json::Value;

use super::admission;
use super::check;
use super::check::Cause;
use super::crd_schema::{flag, word};
use super::custom_resource;
use super::custom_resource::{Answer, invalid_message};
use super::field::Path;
use super::mutation;
use super::pod_security;
use super::policy;
use super::resource_sums;
use super::schema;
use super::scope;

/// The namespaces every cluster has.
pub const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// A create, or with `old` an update, in a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What the cluster holds, as it is stored.
    pub cluster: &'a [Value],
    /// The object sent.
    pub object: &'a Value,
    /// What it replaces, as stored.
    pub old: Option<&'a Value>,
    /// `status` for updates of the status alone.
    pub subresource: &'a str,
    /// The path it is sent to, where it is not the object's own.
    pub path: Option<&'a str>,
    /// The body as sent, for errors that quote it.
    pub body: &'a str,
    /// The name of the user.
    pub user: &'a str,
    /// The version of the API server.
    pub kube_version: &'a str,
}

/// Where a request goes.
struct Endpoint<'a> {
    group: &'a str,
    version: &'a str,
    resource: String,
    namespace: &'a str,
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

fn refused(status: u16, message: impl Into<String>) -> Answer {
    Answer { status, message: message.into(), ..Answer::default() }
}

fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

fn own_namespace(object: &Value) -> &str {
    object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("")
}

impl<'a> Endpoint<'a> {
    /// Of a path such as `/apis/apps/v1/namespaces/default/deployments`.
    fn parse(path: &'a str) -> Option<Self> {
        let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match steps.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, resource) = match rest {
            ["namespaces", namespace, resource, ..] => (*namespace, *resource),
            [resource, ..] => ("", *resource),
            [] => return None,
        };
        Some(Self { group, version, resource: resource.to_owned(), namespace })
    }
}

/// Whether a version serves a built-in kind that fits.
fn serves(kube_version: &str, fits: impl Fn(&schema::Lifecycle) -> bool) -> bool {
    let now = schema::minor(kube_version);
    let live = |l: &&schema::Lifecycle| schema::minor(l.first) <= now && schema::minor(l.removed).is_none_or(|gone| now < Some(gone));
    schema::lifecycles().iter().filter(live).any(fits)
}

/// What an endpoint that does not exist answers: groups nobody serves have no handler at all.
fn not_found(group: &str, kube_version: &str) -> Answer {
    let known = group.is_empty() || serves(kube_version, |l| l.group == group);
    refused(404, if known { "the server could not find the requested resource" } else { "404 page not found\n" })
}

/// What the API server answers.
pub fn answer(request: &Request<'_>) -> Answer {
    let object = request.object;
    let (group, version) = split(text(object, "apiVersion"));
    let asked = match request.path.map(Endpoint::parse) {
        Some(None) => return refused(404, "404 page not found\n"),
        Some(Some(endpoint)) => Some(endpoint),
        None => None,
    };
    let (group, version) = asked.as_ref().map_or((group, version), |e| (e.group, e.version));
    let kind = text(object, "kind");
    let defines = |crd: &&Value| {
        let spec = &crd["spec"];
        let named = match &asked {
            Some(endpoint) => word(&spec["names"], "plural") == endpoint.resource,
            None => word(&spec["names"], "kind") == kind,
        };
        crd["kind"] == "CustomResourceDefinition" && named && word(spec, "group") == group
    };
    if let Some(crd) = request.cluster.iter().find(defines) {
        let versions = crd["spec"]["versions"].as_array().map_or(&[][..], Vec::as_slice);
        return match versions.iter().find(|v| word(v, "name") == version && flag(v, "served")) {
            Some(version) => custom(request, crd, version, asked.as_ref()),
            None => refused(404, "404 page not found\n"),
        };
    }
    let resource = asked.as_ref().map_or_else(|| policy::resource_of(kind), |e| e.resource.clone());
    if !serves(request.kube_version, |l| l.group == group && l.version == version && policy::resource_of(l.kind) == resource) {
        return not_found(group, request.kube_version);
    }
    builtin(request, asked.as_ref())
}

/// What an object of another namespace than the path's, or of one that does not exist, is answered.
fn wrong_namespace(request: &Request<'_>, asked: Option<&Endpoint<'_>>) -> Option<Answer> {
    let own = own_namespace(request.object);
    let namespace = match asked.map(|e| e.namespace) {
        Some("") => return None,
        Some(namespace) => namespace,
        None if own.is_empty() => "default",
        None => own,
    };
    if !own.is_empty() && own != namespace {
        return Some(refused(400, check::NAMESPACE_MISMATCH));
    }
    let exists = NAMESPACES.contains(&namespace)
        || request.cluster.iter().any(|o| o["kind"] == "Namespace" && word(&o["metadata"], "name") == namespace);
    (!exists).then(|| refused(404, format!("namespaces \"{namespace}\" not found")))
}

/// A request about a custom resource.
fn custom(request: &Request<'_>, crd: &Value, version: &Value, asked: Option<&Endpoint<'_>>) -> Answer {
    let object = request.object;
    let (kind, group) = (word(&crd["spec"]["names"], "kind"), word(&crd["spec"], "group"));
    let expected = format!("{group}/{}", word(version, "name"));
    let given = text(object, "apiVersion");
    if text(object, "kind").is_empty() {
        let start: String = request.body.chars().take(30).collect();
        let body = request.body;
        return refused(
            400,
            format!("the object provided is unrecognized (must be of type {kind}): Object 'Kind' is missing in '{body}' ({start} ...)"),
        );
    }
    if given != expected {
        let keys = object.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
        let unknown: Vec<String> =
            keys.filter(|key| !["apiVersion", "kind", "metadata"].contains(key)).map(|key| format!("unknown field \"{key}\"")).collect();
        let (own_group, own_version) = split(given);
        if own_group == group && !unknown.is_empty() {
            let fields = unknown.join(", ");
            return refused(
                400,
                format!("{kind} in version \"{own_version}\" cannot be handled as a {kind}: strict decoding error: {fields}"),
            );
        }
        return refused(400, format!("the API version in the data ({given}) does not match the expected API version ({expected})"));
    }
    let mut answer = custom_resource::admit(crd, version, object, request.old, request.subresource);
    if answer.status == 400 {
        return answer;
    }
    if word(&crd["spec"], "scope") == "Namespaced"
        && let Some(refusal) = wrong_namespace(request, asked)
    {
        return refusal;
    }
    if let Some(stored) = answer.object.as_mut().filter(|_| answer.causes.is_empty() && request.subresource.is_empty()) {
        let resource = word(&crd["spec"]["names"], "plural");
        if let Err(refusal) = admitted(request, stored, resource, &mut answer.warnings) {
            return Answer { warnings: answer.warnings, ..refusal };
        }
    }
    answer
}

/// What forbids an object: `pods "web" is forbidden: …`
fn forbidden(object: &Value, resource: &str, why: &str) -> Answer {
    let group = split(text(object, "apiVersion")).0;
    let dot = if group.is_empty() { "" } else { "." };
    let none = Value::Null;
    let meta = object.get("metadata").unwrap_or(&none);
    let name = match (word(meta, "name"), word(meta, "generateName")) {
        ("", "") => "Unknown",
        ("", start) => start,
        (name, _) => name,
    };
    refused(403, format!("{resource}{dot}{group} \"{name}\" is forbidden: {why}"))
}

fn invalid(object: &Value, causes: Vec<Cause>) -> Answer {
    let group = split(text(object, "apiVersion")).0;
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("");
    let message = invalid_message(text(object, "kind"), group, name, &causes);
    Answer { causes, ..refused(422, message) }
}

/// A request about a built-in kind.
fn builtin(request: &Request<'_>, asked: Option<&Endpoint<'_>>) -> Answer {
    let object = request.object;
    let (api_version, kind) = (text(object, "apiVersion"), text(object, "kind"));
    let decoded = match check::decoded(object, request.kube_version) {
        Ok(decoded) => decoded,
        Err(verdict) => return refused(400, verdict.message),
    };
    let namespaced = scope::is_namespaced(api_version, kind);
    if namespaced && let Some(refusal) = wrong_namespace(request, asked) {
        return refusal;
    }
    let resource = policy::resource_of(kind);
    if let Some(old) = request.old {
        let verdict = check::admit_update(object, old, request.kube_version);
        if verdict.rejected {
            return invalid(object, verdict.causes);
        }
        let mut answer = Answer { status: 200, ..Answer::default() };
        let mut stored = check::defaults_of(object);
        if let Err(refusal) = admitted(request, &mut stored, &resource, &mut answer.warnings) {
            return Answer { warnings: answer.warnings, ..refusal };
        }
        answer.object = Some(stored);
        return answer;
    }
    let mut filled = decoded.filled(object);
    if let Err(refusal) = mutated(request, &mut filled, &resource) {
        return refusal;
    }
    if kind == "Pod" && filled["status"].is_object() {
        filled["status"]["qosClass"] = resource_sums::quality_of_service(&filled["spec"]).into();
    }
    let causes = decoded.causes(&filled);
    if !causes.is_empty() {
        // What is said while profiles are read from annotations is said even then.
        let said = if kind == "Pod" { decoded.warnings(&filled, object) } else { Vec::new() };
        let old = |w: &String| w.starts_with("metadata.annotations[container.apparmor");
        let warnings = said.into_iter().map(|w| w.message).filter(old).collect();
        return Answer { warnings, ..invalid(object, causes) };
    }
    let mut warnings: Vec<String> = decoded.warnings(&filled, object).into_iter().map(|w| w.message).collect();
    let mut stored = decoded.stored(filled);
    if let Err(refusal) = admitted(request, &mut stored, &resource, &mut warnings) {
        return Answer { warnings, ..refusal };
    }
    let same = |o: &&Value| {
        let name = |o: &Value| o.pointer("/metadata/name").cloned();
        let namespace = |o: &Value| match own_namespace(o) {
            "" => "default".to_owned(),
            name => name.to_owned(),
        };
        o["kind"] == stored["kind"]
            && split(text(o, "apiVersion")).0 == split(api_version).0
            && name(o) == name(&stored)
            && (!namespaced || namespace(o) == namespace(&stored))
    };
    if text(&stored["metadata"], "generateName").is_empty() && request.cluster.iter().any(|o| same(&o)) {
        let group = split(api_version).0;
        let dot = if group.is_empty() { "" } else { "." };
        let name = text(&stored["metadata"], "name");
        return Answer { warnings, ..refused(409, format!("{resource}{dot}{group} \"{name}\" already exists")) };
    }
    Answer { status: 201, warnings, object: Some(stored), ..Answer::default() }
}

/// How much of what a quota limits is used.
#[derive(Clone, Debug, Default)]
pub struct Usage(resource_sums::Amounts);

impl Usage {
    /// What an object of a resource (`deployments.apps`) takes of a quota.
    pub fn of(quota: &Value, object: &Value, resource: &str) -> Self {
        Self(admission::quota::share(quota, object, resource))
    }

    /// More is used.
    pub fn add(&mut self, more: &Self) {
        resource_sums::add(&mut self.0, &more.0);
    }

    /// Less is used.
    pub fn take(&mut self, less: &Self) {
        for (name, (amount, _)) in &less.0 {
            if let Some(entry) = self.0.get_mut(name) {
                entry.0.nanos = entry.0.nanos.saturating_sub(amount.nanos);
            }
        }
    }

    /// Writes the status of the quota.
    pub fn write(&self, quota: &mut Value) {
        admission::quota::set_used(quota, &self.0);
    }
}

/// Fills in what the built-in plugins make of a whole object.
pub fn fill_whole(request: &Request<'_>, object: &mut Value) -> Answer {
    match admission::mutate(request.cluster, object) {
        Ok(()) => Answer { status: 200, ..Answer::default() },
        Err(why) => forbidden(object, &policy::resource_of(text(object, "kind")), &why),
    }
}

/// Mutating admission in the server's order.
fn mutated(request: &Request<'_>, filled: &mut Value, resource: &str) -> Result<(), Answer> {
    if let Err(why) = admission::mutate(request.cluster, filled) {
        return Err(forbidden(request.object, resource, &why));
    }
    match mutation::apply(request, filled, resource) {
        Ok(None) => Ok(()),
        Ok(Some(changed)) => match check::decoded(&changed, request.kube_version) {
            Ok(decoded) => {
                *filled = decoded.completed(&changed);
                Ok(())
            }
            Err(verdict) => Err(refused(400, verdict.message)),
        },
        Err((why, reason)) => {
            let cause = Cause { reason: "", field: String::new(), message: why.clone(), path: Path::default() };
            let answer = match reason.as_str() {
                "InternalError" => refused(500, format!("Internal error occurred: {why}")),
                _ => refused(403, why),
            };
            Err(Answer { causes: vec![cause], ..answer })
        }
    }
}

/// What admission answers to the create of an object that is known to be whole, as controllers' objects are: it is neither
/// decoded nor validated. The answer's object is what is stored.
pub fn admit_whole(request: &Request<'_>) -> Answer {
    let mut object = request.object.clone();
    let resource = policy::resource_of(text(&object, "kind"));
    let mut warnings = Vec::new();
    let told = mutated(request, &mut object, &resource).and_then(|()| admitted(request, &mut object, &resource, &mut warnings));
    match told {
        Ok(()) => Answer { status: 201, warnings, object: Some(object), ..Answer::default() },
        Err(refusal) => Answer { warnings, ..refusal },
    }
}

/// Validating admission in the server's order; adds warnings.
fn admitted(request: &Request<'_>, object: &mut Value, resource: &str, warnings: &mut Vec<String>) -> Result<(), Answer> {
    let cluster = request.cluster;
    let creates = request.old.is_none();
    if creates && let Some(why) = admission::refusal(cluster, object) {
        return Err(forbidden(object, resource, &why));
    }
    pod_security(request, object, resource, warnings)?;
    policies(request, object, resource, warnings)?;
    let group = split(text(object, "apiVersion")).0;
    let dot = if group.is_empty() { "" } else { "." };
    let counted = format!("{resource}{dot}{group}");
    if creates
        && !own_namespace(object).is_empty()
        && let Some(why) = admission::quota::refusal(cluster, object, &counted)
    {
        return Err(forbidden(object, resource, &why));
    }
    Ok(())
}

/// The labels of a namespace.
pub(super) fn labels_of<'a>(cluster: &'a [Value], namespace: &str) -> &'a Value {
    let found = cluster.iter().find(|o| o["kind"] == "Namespace" && word(&o["metadata"], "name") == namespace);
    found.map_or(&Value::Null, |n| &n["metadata"]["labels"])
}

/// Pod Security, by the labels of namespaces.
fn pod_security(request: &Request<'_>, object: &Value, resource: &str, warnings: &mut Vec<String>) -> Result<(), Answer> {
    if object["kind"] == "Namespace" && text(object, "apiVersion") == "v1" {
        let labels = &object["metadata"]["labels"];
        let causes = pod_security::policy(labels).1;
        if !causes.is_empty() {
            return Err(invalid(object, causes));
        }
        if let Some(old) = request.old {
            let name = word(&object["metadata"], "name");
            let inside = |o: &&Value| o["kind"] == "Pod" && own_namespace(o) == name;
            let pods: Vec<&Value> = request.cluster.iter().filter(inside).collect();
            warnings.extend(pod_security::relabel(name, &old["metadata"]["labels"], labels, &pods));
        }
        return Ok(());
    }
    let namespace = match own_namespace(object) {
        "" => "default",
        name => name,
    };
    let (denied, more) = pod_security::evaluate(labels_of(request.cluster, namespace), object);
    warnings.extend(more);
    denied.map_or(Ok(()), |why| Err(forbidden(object, resource, &why)))
}

/// The namespace object of an object as policies see it: with the label every namespace has.
pub(super) fn namespace_object(cluster: &[Value], object: &Value) -> Option<Value> {
    let name = own_namespace(object);
    if name.is_empty() {
        return None;
    }
    let found = cluster.iter().find(|o| o["kind"] == "Namespace" && word(&o["metadata"], "name") == name);
    let mut namespace = found.cloned().unwrap_or_else(|| serde_json::json!({"kind": "Namespace", "metadata": {"name": name}}));
    if !namespace["metadata"]["labels"].is_object() {
        namespace["metadata"]["labels"] = Value::Object(Map::new());
    }
    namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = name.into();
    Some(namespace)
}

/// Validating policies; policies and bindings themselves are never held against them.
fn policies(request: &Request<'_>, object: &Value, resource: &str, warnings: &mut Vec<String>) -> Result<(), Answer> {
    if policy::is_exempt(object) || !request.cluster.iter().any(|o| o["kind"] == "ValidatingAdmissionPolicy") {
        return Ok(());
    }
    let old = request.old.map(check::defaults_of);
    let namespace = namespace_object(request.cluster, object);
    let asked = policy::Request { object, old: old.as_ref(), resource, namespace: namespace.as_ref(), user: request.user };
    let decision = policy::evaluate(request.cluster, &asked);
    warnings.extend(decision.warnings);
    let Some((why, reason)) = decision.denied else { return Ok(()) };
    let cause = Cause { reason: "", field: String::new(), message: why.clone(), path: Path::default() };
    Err(Answer { status: policy::status_of(&reason), causes: vec![cause], ..forbidden(object, resource, &why) })
}
