//! Objects as predictions hold them. Of very many pods each has a name and a node of its own; all else it shares with the
//! other pods of its template, so that a cluster of any size takes little more memory than its names.

use std::borrow::Cow;
use std::hash::Hash;
use std::hash::Hasher;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use rustc_hash::FxHashMap;
use rustc_hash::FxHasher;
use serde_json::Map;
use serde_json::Value;

use super::scheduler::api::MIRROR;
use super::scheduler::json::at;
use super::scheduler::json::name;
use super::scheduler::json::text;

/// What one pod has for itself; empty for what it does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Its name.
    pub name: Box<str>,
    /// The node it runs on.
    pub node: Box<str>,
    /// When it started.
    pub started: Box<str>,
    created: Box<str>,
    uid: Box<str>,
}

/// An object of a cluster or of the user.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Anything.
    Whole(Value),
    /// A pod, and the object without what is its own.
    Pod(Own, Arc<Value>),
}

impl From<Value> for Piece {
    fn from(object: Value) -> Self {
        Self::Whole(object)
    }
}

impl Piece {
    /// The object; a pod may lack what is its own.
    pub fn value(&self) -> &Value {
        match self {
            Self::Whole(value) => value,
            Self::Pod(_, model) => model,
        }
    }

    /// Its kind.
    pub fn kind(&self) -> &str {
        text(self.value(), &["kind"])
    }

    /// Its name.
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Whole(value) => match at(value, &["metadata", "name"]) {
                Value::String(own) => Cow::Borrowed(own),
                _ => Cow::Owned(name(value)),
            },
            Self::Pod(own, _) => Cow::Borrowed(&own.name),
        }
    }

    /// The node that a pod runs on; empty for none.
    pub fn node(&self) -> &str {
        match self {
            Self::Whole(value) => text(value, &["spec", "nodeName"]),
            Self::Pod(own, _) => &own.node,
        }
    }

    /// The object, to be changed; a pod gets one of its own.
    pub fn value_mut(&mut self) -> &mut Value {
        if let Self::Pod(..) = self {
            *self = Self::Whole(self.whole());
        }
        match self {
            Self::Whole(value) => value,
            Self::Pod(..) => unreachable!("it was made whole"),
        }
    }

    /// The whole object.
    pub fn whole(&self) -> Value {
        let Self::Pod(own, model) = self else { return self.value().clone() };
        let mut value = Value::clone(model);
        for (path, part) in PARTS.iter().zip([&own.name, &own.node, &own.started, &own.created, &own.uid]) {
            if !part.is_empty() && value[path[0]].is_object() {
                value[path[0]][path[1]] = Value::from(&**part);
            }
        }
        value
    }

    /// The pods that share all but what is their own have one number.
    pub fn model(&self) -> Option<&Arc<Value>> {
        match self {
            Self::Whole(_) => None,
            Self::Pod(_, model) => Some(model),
        }
    }
}

/// Whole objects.
pub fn whole(pieces: &[Piece]) -> Vec<Value> {
    pieces.iter().map(Piece::whole).collect()
}

/// Where the parts of [`Own`] stand, in their order.
const PARTS: [[&str; 2]; 5] =
    [["metadata", "name"], ["spec", "nodeName"], ["status", "startTime"], ["metadata", "creationTimestamp"], ["metadata", "uid"]];

/// What pods share, each thing once.
#[derive(Debug, Default)]
pub struct Pool(Mutex<FxHashMap<u64, Vec<Arc<Value>>>>);

impl Pool {
    /// An object as a piece, without what no prediction reads.
    pub fn piece(&self, mut object: Value) -> Piece {
        trim(&mut object);
        if object["kind"] != "Pod" {
            return Piece::Whole(object);
        }
        let plain = |[outer, inner]: [&str; 2]| matches!(at(&object, &[outer, inner]), Value::Null | Value::String(_));
        if !PARTS.into_iter().all(plain) || text(&object, PARTS[0].as_slice()).is_empty() {
            return Piece::Whole(object);
        }
        let mut take = |[outer, inner]: [&str; 2]| match object.get_mut(outer).and_then(Value::as_object_mut).and_then(|m| m.remove(inner))
        {
            Some(Value::String(own)) => own.into_boxed_str(),
            _ => Box::default(),
        };
        let [name, node, started, created, uid] = PARTS.map(&mut take);
        Piece::Pod(Own { name, node, started, created, uid }, self.shared(object))
    }

    fn shared(&self, model: Value) -> Arc<Value> {
        let mut hasher = FxHasher::default();
        hash(&model, &mut hasher);
        // Nothing that panics is done while it is held.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let alike = known.entry(hasher.finish()).or_default();
        if let Some(there) = alike.iter().find(|there| ***there == model) {
            return Arc::clone(there);
        }
        let new = Arc::new(model);
        alike.push(Arc::clone(&new));
        new
    }
}

fn hash(value: &Value, hasher: &mut FxHasher) {
    match value {
        Value::Null => 0_u8.hash(hasher),
        Value::Bool(b) => b.hash(hasher),
        Value::Number(n) => n.hash(hasher),
        Value::String(s) => s.hash(hasher),
        Value::Array(items) => {
            items.len().hash(hasher);
            items.iter().for_each(|item| hash(item, hasher));
        }
        Value::Object(map) => {
            map.len().hash(hasher);
            for (key, value) in map {
                key.hash(hasher);
                hash(value, hasher);
            }
        }
    }
}

/// Whether no prediction reads what stands at a path of keys, `*` for items of lists; `look` gives the text of a key of what
/// stands there, the empty one for what is no text.
pub(super) fn needless<'v>(is_pod: bool, path: &[Cow<'_, str>], look: &dyn Fn(&str) -> Option<Cow<'v, str>>) -> bool {
    let word = |i: usize| path.get(i).map_or("", AsRef::as_ref);
    match (path.len(), word(0), word(1)) {
        (2, "metadata", "managedFields") => true,
        (3, "metadata", "annotations") => match word(2) {
            "kubectl.kubernetes.io/last-applied-configuration" => true,
            own => is_pod && own != MIRROR && !own.contains("kval.dev/") && !own.starts_with("helm.sh/"),
        },
        _ if !is_pod => false,
        (2, "metadata", field) => matches!(field, "resourceVersion" | "generateName" | "generation" | "selfLink"),
        (4, "spec", "containers" | "initContainers") => matches!(word(3), "env" | "envFrom" | "volumeMounts"),
        // The token that every pod has.
        (3, "spec", "volumes") => look("projected").is_some(),
        (2, "status", field) => !matches!(field, "phase" | "startTime" | "nominatedNodeName" | "resourceClaimStatuses" | "conditions"),
        // Nearly all pods are ready: those that are not are told apart.
        (3, "status", "conditions") => look("type").is_none_or(|t| t != "Ready") || look("status").is_some_and(|s| s == "True"),
        _ => false,
    }
}

/// Takes out what no prediction reads, for there may be very many objects.
pub fn trim(object: &mut Value) {
    let is_pod = object["kind"] == "Pod";
    below(object, &mut Vec::new(), is_pod);
}

fn below(value: &mut Value, path: &mut Vec<Cow<'_, str>>, is_pod: bool) {
    // Nothing is left out deeper.
    if path.len() >= 4 {
        return;
    }
    match value {
        Value::Object(map) => map.retain(|key, value| stays(Cow::Owned(key.clone()), value, path, is_pod)),
        Value::Array(items) => items.retain_mut(|item| stays(Cow::Borrowed("*"), item, path, is_pod)),
        _ => {}
    }
}

fn stays<'k>(key: Cow<'k, str>, value: &mut Value, path: &mut Vec<Cow<'k, str>>, is_pod: bool) -> bool {
    path.push(key);
    let gone = needless(is_pod, path, &|key| value.get(key).map(|v| Cow::Borrowed(v.as_str().unwrap_or(""))));
    if !gone {
        below(value, path, is_pod);
    }
    path.pop();
    !gone
}

/// The spec of an object, to be changed; made where there is none.
pub(super) fn spec_mut(piece: &mut Piece) -> Option<&mut Map<String, Value>> {
    let object = piece.value_mut();
    if object.is_object() && !object["spec"].is_object() {
        object["spec"] = Value::Object(Map::new());
    }
    object.get_mut("spec").and_then(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, node: &str) -> Value {
        json!({"kind": "Pod", "metadata": {"name": name, "labels": {"a": "b"}, "uid": format!("u-{name}")}, "spec": {"nodeName": node},
            "status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z"}})
    }

    #[test]
    fn pods_share_what_is_not_their_own() {
        let pool = Pool::default();
        let [a, b] = [pod("a", "n1"), pod("b", "n2")].map(|p| pool.piece(p));
        assert!(Arc::ptr_eq(a.model().expect("a pod"), b.model().expect("a pod")));
        assert_eq!((a.name().as_ref(), b.node()), ("a", "n2"));
        assert_eq!([a.whole(), b.whole()], [pod("a", "n1"), pod("b", "n2")]);
        assert_eq!(pool.piece(json!({"kind": "Pod", "metadata": {"name": 1}})).name(), "1");
    }

    #[test]
    fn what_nobody_reads_is_left_out() {
        let mut object = json!({"kind": "Pod", "metadata": {"name": "a", "managedFields": [1], "annotations": {"x": "y"}},
            "spec": {"containers": [{"image": "i", "env": []}], "volumes": [{"name": "t", "projected": {}}, {"name": "d", "emptyDir": {}}]},
            "status": {"phase": "Running", "podIP": "1", "conditions": [{"type": "Ready", "status": "True"}]}});
        trim(&mut object);
        let left = json!({"kind": "Pod", "metadata": {"name": "a", "annotations": {}}, "spec": {"containers": [{"image": "i"}],
            "volumes": [{"name": "d", "emptyDir": {}}]}, "status": {"phase": "Running", "conditions": []}});
        assert_eq!(object, left);
    }
}
