//! An object as the server keeps it: typed metadata, the rest as JSON that copies share.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::ops::DerefMut;
use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Count;
use super::Nanos;
use super::Uid;
use super::shared::Shared;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::strings;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::json::words;

/// Labels or annotations.
pub type Labels = BTreeMap<String, String>;

/// Who an object belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// API version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: Uid,
    /// Whether the owner manages the object.
    pub controller: bool,
    /// Whether a foreground deletion of the owner waits for the object.
    pub block_deletion: bool,
}

/// Metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Its texts.
    pub texts: Arc<Texts>,
    /// Uid.
    pub uid: Uid,
    /// Resource version.
    pub version: u64,
    /// Generation.
    pub generation: i64,
    /// When it was created.
    pub created: Nanos,
    /// When it is to be gone, once deletion was asked for.
    pub deletion: Option<Nanos>,
    /// The grace period of the deletion in seconds.
    pub deletion_grace: Option<i64>,
}

/// The texts of metadata. Most changes of an object leave them as they are, and copies share them until one is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// Name.
    pub name: String,
    /// Prefix of a name that the server completes.
    pub generate_name: String,
    /// Namespace, empty for objects of the cluster.
    pub namespace: String,
    /// Labels.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
    /// Owners.
    pub owners: Vec<Owner>,
    /// Finalizers.
    pub finalizers: Vec<String>,
}

impl Deref for Meta {
    type Target = Texts;

    fn deref(&self) -> &Texts {
        &self.texts
    }
}

impl DerefMut for Meta {
    fn deref_mut(&mut self) -> &mut Texts {
        Arc::make_mut(&mut self.texts)
    }
}

impl From<Texts> for Meta {
    fn from(texts: Texts) -> Self {
        Self { texts: Arc::new(texts), ..Self::default() }
    }
}

impl Meta {
    /// Its texts, taken out.
    pub fn into_texts(self) -> Texts {
        Arc::unwrap_or_clone(self.texts)
    }

    /// The owner that manages the object.
    pub fn controller(&self) -> Option<&Owner> {
        self.owners.iter().find(|o| o.controller)
    }

    /// Whether deletion was asked for.
    pub fn is_deleted(&self) -> bool {
        self.deletion.is_some()
    }
}

/// An object.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// API version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Metadata.
    pub meta: Meta,
    /// Specification.
    pub spec: Shared,
    /// Status.
    pub status: Shared,
    /// All other fields, when there are any.
    pub rest: Shared,
}

/// A point in time: nanoseconds, or the text of the API.
pub fn time(value: &Value) -> Option<Nanos> {
    match value {
        Value::Number(n) => n.as_i64(),
        Value::String(s) => s.parse::<jiff::Timestamp>().ok().and_then(|t| i64::try_from(t.as_nanosecond()).ok()),
        _ => None,
    }
}

/// A uid as the API writes it.
pub fn uid_text(uid: Uid) -> String {
    format!("00000000-0000-0000-0000-{uid:012}")
}

/// The uid that [`uid_text`] wrote, or a number; 0 for any other.
pub fn uid_of(value: &Value) -> Uid {
    match value {
        Value::Number(n) => n.as_u64().unwrap_or(0),
        Value::String(s) => s.strip_prefix("00000000-0000-0000-0000-").unwrap_or(s).parse().unwrap_or(0),
        _ => 0,
    }
}

impl Object {
    /// A copy without the fields beside metadata, specification and status, for one who writes those anew.
    #[must_use]
    pub fn without_rest(&self) -> Self {
        Self {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            meta: self.meta.clone(),
            spec: self.spec.clone(),
            status: self.status.clone(),
            rest: Shared::default(),
        }
    }

    /// A new object of a kind, without content.
    pub fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        let meta = Texts { name: name.to_owned(), namespace: namespace.to_owned(), ..Texts::default() }.into();
        let (api_version, kind) = (api_version.to_owned(), kind.to_owned());
        Self { api_version, kind, meta, spec: Shared::default(), status: Shared::default(), rest: Shared::default() }
    }

    /// From the JSON of a manifest.
    pub fn from_json(value: &Value) -> Self {
        let meta = at(value, &["metadata"]);
        let owner = |o: &Value| Owner {
            api_version: text(o, &["apiVersion"]).to_owned(),
            kind: text(o, &["kind"]).to_owned(),
            name: text(o, &["name"]).to_owned(),
            uid: uid_of(at(o, &["uid"])),
            controller: at(o, &["controller"]) == true,
            block_deletion: at(o, &["blockOwnerDeletion"]) == true,
        };
        let mut rest = value.as_object().cloned().unwrap_or_default();
        for key in ["apiVersion", "kind", "metadata"] {
            rest.remove(key);
        }
        let texts = Texts {
            name: text(meta, &["name"]).to_owned(),
            generate_name: text(meta, &["generateName"]).to_owned(),
            namespace: text(meta, &["namespace"]).to_owned(),
            labels: strings(meta, &["labels"]),
            annotations: strings(meta, &["annotations"]),
            owners: list(meta, &["ownerReferences"]).iter().map(owner).collect(),
            finalizers: words(meta, &["finalizers"]),
        };
        let spec = rest.remove("spec").unwrap_or_default();
        let status = rest.remove("status").unwrap_or_default();
        Self {
            api_version: text(value, &["apiVersion"]).to_owned(),
            kind: text(value, &["kind"]).to_owned(),
            meta: Meta {
                created: time(at(meta, &["creationTimestamp"])).unwrap_or(0),
                generation: int(meta, &["generation"]).unwrap_or(0),
                ..texts.into()
            },
            spec: spec.into(),
            status: status.into(),
            rest: if rest.is_empty() { Shared::default() } else { Value::Object(rest).into() },
        }
    }

    /// The JSON of a manifest; the status is left out when empty.
    pub fn to_json(&self) -> Value {
        let mut meta = json!({"name": self.meta.name});
        let mut set = |key: &str, value: Value| meta[key] = value;
        if !self.meta.namespace.is_empty() {
            set("namespace", self.meta.namespace.as_str().into());
        }
        if !self.meta.labels.is_empty() {
            set("labels", json!(self.meta.labels));
        }
        if !self.meta.annotations.is_empty() {
            set("annotations", json!(self.meta.annotations));
        }
        if !self.meta.finalizers.is_empty() {
            set("finalizers", json!(self.meta.finalizers));
        }
        if !self.meta.owners.is_empty() {
            let owner = |o: &Owner| json!({"apiVersion": o.api_version, "kind": o.kind, "name": o.name, "uid": uid_text(o.uid), "controller": o.controller});
            set("ownerReferences", self.meta.owners.iter().map(owner).collect());
        }
        let mut out = Map::new();
        out.insert("apiVersion".to_owned(), self.api_version.as_str().into());
        out.insert("kind".to_owned(), self.kind.as_str().into());
        out.insert("metadata".to_owned(), meta);
        let (spec, status) = (self.spec.read(), self.status.read());
        if !spec.is_null() {
            out.insert("spec".to_owned(), spec);
        }
        if let Value::Object(rest) = self.rest.read() {
            out.extend(rest);
        }
        if !status.is_null() {
            out.insert("status".to_owned(), status);
        }
        Value::Object(out)
    }

    /// The specification, to change it.
    pub fn spec_mut(&mut self) -> &mut Value {
        self.spec.make_mut()
    }

    /// A reference to this object as the one that manages another.
    pub fn as_controller(&self) -> Owner {
        Owner {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            name: self.meta.name.clone(),
            uid: self.meta.uid,
            controller: true,
            block_deletion: true,
        }
    }

    /// `spec.replicas`, 1 when absent.
    pub fn replicas(&self) -> i64 {
        int(&self.spec, &["replicas"]).unwrap_or(1)
    }

    /// A counter of the status, 0 when absent.
    pub fn count(&self, field: &str) -> i64 {
        int(&self.status, &[field]).unwrap_or(0)
    }

    /// A number of the status of a Deployment or ReplicaSet, 0 when absent.
    pub fn counted(&self, count: Count) -> i64 {
        self.status.tally().get(count)
    }

    /// The status as an object, made when absent.
    pub fn status_mut(&mut self) -> &mut Map<String, Value> {
        map_of(&mut self.status)
    }

    /// The fields beside metadata, specification and status, to change them.
    pub fn rest_mut(&mut self) -> &mut Map<String, Value> {
        map_of(&mut self.rest)
    }
}

/// A value as an object, made when absent.
fn map_of(value: &mut Shared) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new()).into();
    }
    match value.make_mut() {
        Value::Object(map) => map,
        _ => unreachable!("made an object above"),
    }
}
