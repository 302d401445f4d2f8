//! Custom resources against their definitions, on the API server's path: decoding, pruning, defaulting, validation.
//! upstream: apiextensions-apiserver pkg/apiserver/customresource_handler.go, pkg/registry/customresource

use std::cell::OnceCell;

use serde_json::Map;
use serde_json::Value;

use super::check::Cause;
use super::crd_correlation::Correlation;
use super::crd_errors::invalid;
use super::crd_openapi;
use super::crd_rules::Rules;
use super::crd_schema::{default, flag, list_types, property, prune, prune_nulls, word};
use super::decode::quote;
use super::field::Path;
use super::names;
use super::schema;

/// What the API server would answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The HTTP status; 201 for a create, 200 for an update.
    pub status: u16,
    /// What validation found.
    pub causes: Vec<Cause>,
    /// The message of the refusal; empty when accepted.
    pub message: String,
    /// The texts of the warnings.
    pub warnings: Vec<String>,
    /// The object as it would be stored.
    pub object: Option<Value>,
}

/// The definition and version that serve an `apiVersion` and kind.
pub fn definition_of<'c>(crds: &'c [Value], api_version: &str, kind: &str) -> Option<(&'c Value, &'c Value)> {
    let (group, version) = api_version.split_once('/')?;
    let crd = crds.iter().find(|c| word(&c["spec"], "group") == group && word(&c["spec"]["names"], "kind") == kind)?;
    let versions = crd["spec"]["versions"].as_array()?;
    let found = versions.iter().find(|v| word(v, "name") == version && flag(v, "served"))?;
    Some((crd, found))
}

/// The warning about a deprecated version that states none itself. upstream: defaultDeprecationWarning
fn deprecation(spec: &Value, version: &Value) -> String {
    let (group, kind) = (word(spec, "group"), word(&spec["names"], "kind"));
    let said = format!("{group}/{} {kind} is deprecated", word(version, "name"));
    let versions = spec["versions"].as_array().map_or(&[][..], Vec::as_slice);
    let best = versions.iter().filter(|v| flag(v, "served") && !flag(v, "deprecated")).max_by_key(|v| version_rank(word(v, "name")));
    match best {
        Some(best) => format!("{said}; use {group}/{} {kind}", word(best, "name")),
        None => said,
    }
}

/// How Kubernetes orders versions: stable ones first, then betas, then alphas, newer ones before older.
fn version_rank(name: &str) -> (u8, u64, u64) {
    let Some(rest) = name.strip_prefix('v') else { return (0, 0, 0) };
    let number = |s: &str| s.parse::<u64>().ok();
    if let Some(major) = number(rest) {
        return (3, major, 0);
    }
    for (word, rank) in [("beta", 2), ("alpha", 1)] {
        if let Some((major, minor)) = rest.split_once(word)
            && let (Some(major), Some(minor)) = (number(major), number(minor))
        {
            return (rank, major, minor);
        }
    }
    (0, 0, 0)
}

fn sentence(causes: &[Cause]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in causes {
        let text = format!("{}: {}", cause.field, cause.message);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    if texts.len() == 1 { texts.remove(0) } else { format!("[{}]", texts.join(", ")) }
}

/// `Kind.group "name" is invalid: …`
pub fn invalid_message(kind: &str, group: &str, name: &str, causes: &[Cause]) -> String {
    let dot = if group.is_empty() { "" } else { "." };
    format!("{kind}{dot}{group} {} is invalid: {}", quote(name), sentence(causes))
}

/// What creating (or, with `old`, updating) a custom resource would be answered; the version must be served.
/// `subresource` is `status` for updates of the status alone.
pub fn admit(crd: &Value, version: &Value, manifest: &Value, old: Option<&Value>, subresource: &str) -> Answer {
    Served::new(crd, version).admit(manifest, old, subresource)
}

/// A version of a definition, for any number of objects: its rules are compiled once.
pub struct Served<'c> {
    crd: &'c Value,
    version: &'c Value,
    rules: OnceCell<Option<Rules<'c>>>,
    /// Whether its schema may speak of resources inside of others.
    embeds: OnceCell<bool>,
}

/// Whether a key stands anywhere in a schema.
fn speaks_of(schema: &Value, key: &str) -> bool {
    match schema {
        Value::Object(map) => map.contains_key(key) || map.values().any(|below| speaks_of(below, key)),
        Value::Array(items) => items.iter().any(|item| speaks_of(item, key)),
        _ => false,
    }
}

impl<'c> Served<'c> {
    /// The version, which must be served.
    pub fn new(crd: &'c Value, version: &'c Value) -> Self {
        Self { crd, version, rules: OnceCell::new(), embeds: OnceCell::new() }
    }

    fn rules(&self) -> Option<&Rules<'c>> {
        let made = || Rules::new(self.version["schema"].get("openAPIV3Schema")?, true);
        self.rules.get_or_init(made).as_ref()
    }

    fn embeds(&self) -> bool {
        *self.embeds.get_or_init(|| speaks_of(&self.version["schema"], EMBEDDED))
    }

    /// As [`admit`].
    pub fn admit(&self, manifest: &Value, old: Option<&Value>, subresource: &str) -> Answer {
        self::answer(self, manifest, old, subresource)
    }

    /// As [`stored`].
    pub fn stored(&self, manifest: &Value) -> Value {
        self::stored(self.crd, self.version, manifest)
    }
}

fn answer(served: &Served<'_>, manifest: &Value, old: Option<&Value>, subresource: &str) -> Answer {
    let Served { crd, version, .. } = served;
    let empty = Value::Object(Map::new());
    let schema = version["schema"].get("openAPIV3Schema").unwrap_or(&empty);
    let spec = &crd["spec"];
    let (kind, group) = (word(&spec["names"], "kind"), word(spec, "group"));
    let mut answer = Answer { status: if old.is_some() { 200 } else { 201 }, ..Answer::default() };
    if flag(version, "deprecated") {
        answer.warnings.push(match word(version, "deprecationWarning") {
            "" => deprecation(spec, version),
            text => text.to_owned(),
        });
    }
    let mut object = manifest.clone();
    let unknown = decode(&mut object, schema, flag(spec, "preserveUnknownFields"), served.embeds());
    if let Some(message) = unknown {
        let version = quote(word(version, "name"));
        answer.status = 400;
        answer.message = format!("{kind} in version {version} cannot be handled as a {kind}: {message}");
        return answer;
    }
    default(&mut object, schema);
    if word(spec, "scope") == "Namespaced" {
        if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            if meta.get("namespace").and_then(Value::as_str).is_none_or(str::is_empty) {
                meta.insert("namespace".to_owned(), "default".into());
            }
        }
    }
    if word(spec, "scope") == "Cluster" {
        if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            meta.remove("namespace");
        }
    }
    prepare(&mut object, old, version, subresource);
    let mut causes = type_meta(&object, kind, group, version);
    if causes.is_empty() {
        causes = validate(&object, old, schema, served, subresource, &mut answer.warnings);
    }
    if !causes.is_empty() {
        let name = word(&manifest["metadata"], "name");
        answer.status = 422;
        answer.message = invalid_message(word(manifest, "kind"), group, name, &causes);
        answer.causes = causes;
        return answer;
    }
    answer.warnings.extend(finalizer_warnings(&object, old));
    // What another version stores is pruned by that version's schema on the way, and comes back with its defaults.
    let versions = spec["versions"].as_array().map_or(&[][..], Vec::as_slice);
    if let Some(storage) = versions.iter().find(|v| flag(v, "storage") && word(v, "name") != word(version, "name"))
        && let Some(stored) = storage["schema"].get("openAPIV3Schema")
    {
        prune(&mut object, stored);
        default(&mut object, stored);
        prune(&mut object, schema);
    }
    answer.object = Some(object);
    answer
}

/// The object as it is read back from the store under this version.
pub fn stored(crd: &Value, version: &Value, manifest: &Value) -> Value {
    let empty = Value::Object(Map::new());
    let schema = version["schema"].get("openAPIV3Schema").unwrap_or(&empty);
    let mut object = manifest.clone();
    let _ = decode(&mut object, schema, flag(&crd["spec"], "preserveUnknownFields"), true);
    default(&mut object, schema);
    object
}

/// Decodes metadata and prunes; the result is the complaint about fields nobody knows.
fn decode(object: &mut Value, schema: &Value, preserve: bool, embeds: bool) -> Option<String> {
    let mut unknown = Vec::new();
    if let Some(message) = decode_meta(object, &mut unknown) {
        return Some(message);
    }
    if embeds {
        embedded_meta(object, schema, "", true, &mut unknown);
    }
    if !preserve {
        unknown.extend(prune(object, schema));
        prune_nulls(object, schema);
    }
    if unknown.is_empty() {
        return None;
    }
    let listed: Vec<String> = unknown.iter().map(|f| format!("unknown field \"{f}\"")).collect();
    Some(format!("strict decoding error: {}", listed.join(", ")))
}

const OBJECT_META: &str = "k8s.io/apimachinery/pkg/apis/meta/v1.ObjectMeta";

/// Decodes `metadata` as every object's; the result is the complaint about a wrong type.
fn decode_meta(object: &mut Value, unknown: &mut Vec<String>) -> Option<String> {
    let meta = object.get_mut("metadata")?;
    if let Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Array(_) = meta {
        let kind = match meta {
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
            _ => "array",
        };
        return Some(format!("json: cannot unmarshal {kind} into Go value of type v1.ObjectMeta"));
    }
    let refusals = super::decode::decode(schema::newest(), OBJECT_META, &super::check::node_of(meta, 0));
    let wrong = |r: &&super::decode::Refusal| matches!(r.fault, super::decode::Fault::WrongType | super::decode::Fault::BadValue);
    if let Some(refusal) = refusals.iter().find(wrong) {
        return Some(refusal.message.clone());
    }
    clean_meta(meta, "metadata", unknown);
    None
}

/// Removes fields of metadata that nobody knows, and what is empty, as a round trip through the Go type does.
fn clean_meta(meta: &mut Value, path: &str, unknown: &mut Vec<String>) {
    let known = schema::newest().names(OBJECT_META);
    let Some(map) = meta.as_object_mut() else { return };
    let keys: Vec<String> = map.keys().cloned().collect();
    for key in keys {
        if !known.contains(&key.as_str()) {
            unknown.push(format!("{path}.{key}"));
            map.remove(&key);
        } else if key != "creationTimestamp" && map.get(&key).is_some_and(Value::is_null) {
            map.remove(&key);
        }
    }
}

/// Metadata of embedded resources.
fn embedded_meta(value: &mut Value, schema: &Value, path: &str, root: bool, unknown: &mut Vec<String>) {
    let child = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) => {
            if !root && flag(schema, "x-kubernetes-embedded-resource") {
                if let Some(meta) = map.get_mut("metadata") {
                    clean_meta(meta, &child("metadata"), unknown);
                }
            }
            for (key, v) in map.iter_mut() {
                let below = property(schema, key).or_else(|| super::crd_schema::additional(schema));
                if let Some(below) = below {
                    embedded_meta(v, below, &child(key), false, unknown);
                }
            }
        }
        Value::Array(list) => {
            if let Some(items) = super::crd_schema::items(schema) {
                for (i, item) in list.iter_mut().enumerate() {
                    embedded_meta(item, items, &format!("{path}[{i}]"), false, unknown);
                }
            }
        }
        _ => {}
    }
}

/// Status and generation, as the strategy sets them.
fn prepare(object: &mut Value, old: Option<&Value>, version: &Value, subresource: &str) {
    let has_status = version["subresources"].get("status").is_some();
    let Some(map) = object.as_object_mut() else { return };
    match old {
        None => {
            if has_status {
                map.remove("status");
            }
            if let Some(meta) = map.get_mut("metadata").and_then(Value::as_object_mut) {
                meta.insert("generation".to_owned(), 1.into());
            }
        }
        Some(old) if subresource == "status" => {
            let status = map.remove("status");
            let mut kept = old.as_object().cloned().unwrap_or_default();
            let meta = map.get("metadata").cloned();
            let _ = meta;
            match status {
                Some(status) => kept.insert("status".to_owned(), status),
                None => kept.remove("status"),
            };
            *map = kept;
        }
        Some(old) => {
            if has_status {
                match old.get("status") {
                    Some(status) => map.insert("status".to_owned(), status.clone()),
                    None => map.remove("status"),
                };
            }
            let without_meta = |o: &Map<String, Value>| {
                let mut o = o.clone();
                o.remove("metadata");
                o
            };
            let before = old["metadata"]["generation"].as_i64().unwrap_or(1);
            let changed = old.as_object().is_some_and(|o| without_meta(o) != without_meta(map));
            if let Some(meta) = map.get_mut("metadata").and_then(Value::as_object_mut) {
                meta.insert("generation".to_owned(), (before + i64::from(changed)).into());
            }
        }
    }
}

fn type_meta(object: &Value, kind: &str, group: &str, version: &Value) -> Vec<Cause> {
    let mut out = Vec::new();
    let api_version = format!("{group}/{}", word(version, "name"));
    for (field, want) in [("kind", kind), ("apiVersion", api_version.as_str())] {
        if word(object, field) != want {
            let got = Value::String(word(object, field).to_owned());
            out.push(invalid(Some(&Path::new(field)), Some(&got), &format!("must be {want}")));
        }
    }
    out
}

fn validate(
    object: &Value,
    old: Option<&Value>,
    schema: &Value,
    served: &Served<'_>,
    subresource: &str,
    warnings: &mut Vec<String>,
) -> Vec<Cause> {
    let mut causes = super::validation::custom_meta(object, old);
    let pair = old.map(|old| Correlation::new(object, old, schema));
    if subresource == "status" {
        if let (Some(status), Some(part)) = (object.get("status"), property(schema, "status")) {
            let before = pair.and_then(|p| p.key("status"));
            causes.extend(crd_openapi::validate(status, part, before.as_ref(), Some(Path::new("status"))));
        }
    } else {
        causes.extend(crd_openapi::validate(object, schema, pair.as_ref(), None));
    }
    scale(object, served.version, subresource, &mut causes);
    if served.embeds() {
        embedded(object, schema, None, false, &mut causes);
    }
    let mut duplicates = Vec::new();
    list_types(object, schema, None, &mut duplicates);
    if let Some(old) = old {
        let mut before = Vec::new();
        list_types(old, schema, None, &mut before);
        if !before.is_empty() {
            duplicates.clear();
        }
    }
    causes.extend(duplicates);
    let blocking = ["FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"];
    if let Some(rules) = served.rules() {
        if causes.iter().any(|c| blocking.contains(&c.reason)) {
            let detail = "some validation rules were not checked because the object was invalid; \
                          correct the existing errors to complete validation";
            causes.push(invalid(None, Some(&Value::Null), detail));
        } else {
            causes.extend(rules.run(object, old, pair, warnings));
        }
    }
    causes
}

/// The numbers the scale subresource reads. upstream: ValidateScaleSpec, ValidateScaleStatus
fn scale(object: &Value, version: &Value, subresource: &str, causes: &mut Vec<Cause>) {
    let Some(scale) = version["subresources"].get("scale") else { return };
    let keys: &[&str] = if subresource == "status" { &["statusReplicasPath"] } else { &["specReplicasPath", "statusReplicasPath"] };
    for key in keys {
        let path = word(scale, key);
        let found = path.trim_start_matches('.').split('.').try_fold(object, |v, step| v.get(step));
        let at = Path::new(path);
        let Some(value) = found else { continue };
        let Some(n) = value.as_i64() else {
            let kind = match value {
                Value::Bool(_) => "bool",
                Value::Number(_) => "float64",
                Value::String(_) => "string",
                Value::Array(_) => "[]interface {}",
                Value::Object(_) => "map[string]interface {}",
                Value::Null => "<nil>",
            };
            let shown = super::crd_errors::shown(value).trim_matches('"').to_owned();
            let detail = format!("{path} accessor error: {shown} is of the type {kind}, expected int64");
            causes.push(invalid(Some(&at), Some(&Value::from(0)), &detail));
            continue;
        };
        if n < 0 {
            causes.push(invalid(Some(&at), Some(value), "should be a non-negative integer"));
        } else if n > i64::from(i32::MAX) {
            causes.push(invalid(Some(&at), Some(value), &format!("should be less than or equal to {}", i32::MAX)));
        }
    }
}

const EMBEDDED: &str = "x-kubernetes-embedded-resource";

/// upstream: validateEmbeddedResource
fn own_identity(map: &serde_json::Map<String, Value>, at: &dyn Fn(&str) -> Path, causes: &mut Vec<Cause>) {
    for key in ["apiVersion", "kind"] {
        let refused = match map.get(key) {
            None => {
                causes.push(super::crd_errors::cause("FieldValueRequired", Some(&at(key)), "Required value".to_owned()));
                continue;
            }
            Some(Value::String(text)) if text.is_empty() => "must not be empty".to_owned(),
            Some(Value::String(text)) if key == "apiVersion" => {
                if text == "/" || text.matches('/').count() < 2 {
                    continue;
                }
                format!("unexpected GroupVersion string: {text}")
            }
            Some(Value::String(text)) => match names::dns1035_label(&text.to_lowercase()).join(",") {
                wrong if wrong.is_empty() => continue,
                wrong => format!("may have mixed case, but should otherwise match: {wrong}"),
            },
            Some(_) => "must be a string".to_owned(),
        };
        causes.push(invalid(Some(&at(key)), map.get(key), &refused));
    }
    if let Some(Value::Object(meta)) = map.get("metadata") {
        let parent = at("metadata");
        let parent = parent.0.split_last().map_or(&[][..], |(_, above)| above);
        for cause in super::validation::embedded_meta(meta) {
            let path = Path([parent, &cause.path.0].concat());
            causes.push(Cause { field: path.to_string(), path, ..cause });
        }
    }
}

/// Kind, version and metadata of a `resource`, and of those embedded in a value.
/// upstream: apiextensions-apiserver/pkg/apiserver/schema/objectmeta/validation.go
pub(super) fn embedded(value: &Value, schema: &Value, path: Option<&Path>, resource: bool, causes: &mut Vec<Cause>) {
    let at = |key: &str| path.map_or_else(|| Path::new(key), |p| super::crd_errors::below(p, key));
    match value {
        Value::Object(map) => {
            if resource {
                own_identity(map, &at, causes);
            }
            for (key, v) in map {
                if let Some(prop) = property(schema, key) {
                    embedded(v, prop, Some(&at(key)), flag(prop, EMBEDDED), causes);
                } else if let Some(extra) = super::crd_schema::additional(schema) {
                    embedded(v, extra, Some(&path.cloned().unwrap_or_default().key(key)), flag(extra, EMBEDDED), causes);
                }
            }
        }
        Value::Array(list) => {
            if let Some(items) = super::crd_schema::items(schema) {
                for (i, item) in list.iter().enumerate() {
                    embedded(item, items, Some(&path.cloned().unwrap_or_default().index(i)), flag(items, EMBEDDED), causes);
                }
            }
        }
        _ => {}
    }
}

/// upstream: generateWarningsFromObj
fn finalizer_warnings(object: &Value, old: Option<&Value>) -> Vec<String> {
    let list = |o: &Value| -> Vec<String> {
        let items = o["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        items.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    };
    let before = old.map(list).unwrap_or_default();
    let mut added: Vec<String> = list(object).into_iter().filter(|f| !before.contains(f)).collect();
    added.sort();
    added.dedup();
    let mut out = Vec::new();
    for name in added {
        for detail in names::qualified_name(&name) {
            out.push(format!("metadata.finalizers: {}: {detail}", quote(&name)));
        }
        if !name.contains('/') && !["orphan", "foregroundDeletion", "kubernetes"].contains(&name.as_str()) {
            let hint = if name.contains('.') {
                "prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers"
            } else {
                "prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers"
            };
            out.push(format!("metadata.finalizers: {}: {hint}", quote(&name)));
        }
    }
    out
}
