//! What replacing one set of objects by another does: to each object, and to the pods below it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields;
use crate::kube;
use crate::kube::schema;
use crate::simulate::controllers::hash;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It stays as it is.
    Unchanged,
    /// It is new.
    Added,
    /// It goes.
    Removed,
    /// It changes, and nothing below it.
    InPlace,
    /// It changes, and only pods made later are other.
    LaterPods,
    /// Its pods are replaced.
    Restarts,
    /// It is deleted and made again: a hook.
    Recreated,
    /// The server refuses the change.
    Refused,
}

impl Effect {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::InPlace => "changed in place",
            Self::LaterPods => "changes later pods",
            Self::Restarts => "restarts pods",
            Self::Recreated => "recreated",
            Self::Refused => "immutable, the upgrade will fail",
        }
    }
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Such as `.spec.replicas`.
    pub path: String,
    /// Before.
    pub old: Option<Value>,
    /// After.
    pub new: Option<Value>,
}

/// What happens to one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// API version, after the change where there is one.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// What becomes of it.
    pub effect: Effect,
    /// Sentences about it.
    pub notes: Vec<String>,
    /// What differs.
    pub fields: Vec<Field>,
}

impl Change {
    /// The server refuses it, with this sentence.
    pub fn refuse(&mut self, why: &str) {
        if self.effect != Effect::Refused {
            self.effect = Effect::Refused;
            // Which object it is stands above.
            self.notes = vec![why.split_once(" is invalid: ").map_or(why, |(_, cause)| cause).to_owned()];
        }
    }

    /// `Deployment default/web`
    pub fn title(&self) -> String {
        if self.namespace.is_empty() {
            format!("{} {}", self.kind, self.name)
        } else {
            format!("{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// How deep values that are merged as a whole are looked into.
const DEEP: usize = 50;

type Key = (String, String, String, String);

fn key(object: &Value, namespace: &str) -> Key {
    let api_version = text(object, &["apiVersion"]);
    let kind = text(object, &["kind"]);
    let group = api_version.split_once('/').map_or("", |g| g.0);
    let given = text(object, &["metadata", "namespace"]);
    let home = match (kube::scope::is_namespaced(api_version, kind), given.is_empty()) {
        (false, _) => "",
        (true, true) => namespace,
        (true, false) => given,
    };
    (group.to_owned(), kind.to_owned(), home.to_owned(), text(object, &["metadata", "name"]).to_owned())
}

/// The template of the pods of an object, and what its change does.
fn template(kind: &str, object: &Value) -> Option<(Value, Effect)> {
    let path: &[&str] = if kind == "CronJob" { &["spec", "jobTemplate"] } else { &["spec", "template"] };
    let strategy = text(object, &["spec", "updateStrategy", "type"]);
    let effect = match kind {
        "Deployment" => Effect::Restarts,
        "StatefulSet" | "DaemonSet" if strategy != "OnDelete" => Effect::Restarts,
        "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "CronJob" | "Job" => Effect::LaterPods,
        _ => return None,
    };
    Some((at(object, path).clone(), effect))
}

/// Which hash the pods have in their label before and after.
fn hashes(kind: &str, before: &Value, after: &Value) -> Option<String> {
    let template = |object: &Value| at(object, &["spec", "template"]).clone();
    let (label, hash): (_, fn(&Value) -> String) = match kind {
        "Deployment" => ("pod-template-hash", |t| hash::pod_template_hash(t, None)),
        "DaemonSet" => ("controller-revision-hash", |t| hash::pod_template_hash(t, None)),
        "StatefulSet" => ("controller-revision-hash", |t| hash::revision_hash(&hash::revision_data(t), 0)),
        _ => return None,
    };
    let (old, new) = (hash(&template(before)), hash(&template(after)));
    (old != new).then(|| format!("{label} {old} -> {new}"))
}

/// What differs between two objects as the server would store them.
fn differences(old: &Value, new: &Value) -> Vec<Field> {
    let (before, after) = (fields::values(old), fields::values(new));
    let mut out: Vec<Field> = Vec::new();
    for (path, value) in &after {
        if before.get(path) != Some(value) {
            apart(path.clone(), before.get(path), value, &mut out, 0);
        }
    }
    for (path, value) in before.iter().filter(|(p, _)| !after.contains_key(*p)) {
        out.push(Field { path: path.clone(), old: Some(value.clone()), new: None });
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

/// Where two values differ that are merged as a whole: lists of as many items, item by item.
fn apart(path: String, old: Option<&Value>, new: &Value, out: &mut Vec<Field>, depth: usize) {
    match (old, new) {
        (Some(before), after) if before == after => {}
        (Some(Value::Array(before)), Value::Array(after)) if before.len() == after.len() && after.iter().any(is_tree) && depth < DEEP => {
            for (i, (before, after)) in before.iter().zip(after).enumerate() {
                let named = [text(after, &["name"]), text(after, &["metadata", "name"])].into_iter().find(|n| !n.is_empty());
                let below = named.map_or_else(|| format!("{path}[{i}]"), |name| format!("{path}[name=\"{name}\"]"));
                apart(below, Some(before), after, out, depth + 1);
            }
        }
        (Some(Value::Object(before)), Value::Object(after)) if depth > 0 && depth < DEEP => {
            for (key, value) in after {
                apart(format!("{path}.{key}"), before.get(key), value, out, depth + 1);
            }
            for (key, value) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
                out.push(Field { path: format!("{path}.{key}"), old: Some(value.clone()), new: None });
            }
        }
        (old, new) => out.push(Field { path, old: old.cloned(), new: Some(new.clone()) }),
    }
}

fn is_tree(value: &Value) -> bool {
    value.is_object()
}

fn hide(kind: &str, fields: &mut [Field]) {
    if kind != "Secret" {
        return;
    }
    for field in fields.iter_mut().filter(|f| f.path.starts_with(".data") || f.path.starts_with(".stringData")) {
        for value in [&mut field.old, &mut field.new].into_iter().flatten() {
            *value = "***".into();
        }
    }
}

fn one(old: &Value, new: &Value) -> (Effect, Vec<String>, Vec<Field>) {
    let kind = text(new, &["kind"]);
    let (before, after) = (kube::defaults_of(old), kube::defaults_of(new));
    let mut differ = differences(&before, &after);
    if differ.is_empty() {
        return (Effect::Unchanged, Vec::new(), differ);
    }
    hide(kind, &mut differ);
    if !at(new, &["metadata", "annotations", "helm.sh/hook"]).is_null() {
        return (Effect::Recreated, vec!["a hook is deleted before it is made again".to_owned()], differ);
    }
    let verdict = kube::admit_update(new, old, schema::NEWEST_VALIDATED);
    if verdict.rejected {
        let causes = verdict.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect::<Vec<_>>();
        return (Effect::Refused, if causes.is_empty() { vec![verdict.message] } else { causes }, differ);
    }
    let mut notes = Vec::new();
    let below = if kind == "CronJob" { ".spec.jobTemplate" } else { ".spec.template" };
    let effect = match template(kind, &after) {
        Some((_, effect)) if differ.iter().any(|f| f.path.starts_with(below)) => {
            match (kind, text(&after, &["spec", "strategy", "type"])) {
                ("Deployment", "Recreate") => notes.push("all pods stop before the first new one starts".to_owned()),
                ("Deployment", _) if at(&after, &["spec", "paused"]) == true => notes.push("the rollout is paused".to_owned()),
                _ => {}
            }
            notes.extend(hashes(kind, &before, &after));
            let template = |f: &&Field| f.path.starts_with(".spec.template");
            if differ.iter().filter(template).all(|f| f.path.starts_with(".spec.template.metadata.annotations"))
                && effect == Effect::Restarts
            {
                notes.push("only annotations of the pods differ".to_owned());
            }
            effect
        }
        _ => Effect::InPlace,
    };
    (effect, notes, differ)
}

/// Names of ConfigMaps and Secrets that pods of a template read once, when they start.
fn reads(template: &Value, out: &mut Vec<(String, String)>) {
    let spec = at(template, &["spec"]);
    for container in list(spec, &["initContainers"]).iter().chain(list(spec, &["containers"])) {
        for source in list(container, &["envFrom"]) {
            out.push(("ConfigMap".to_owned(), text(source, &["configMapRef", "name"]).to_owned()));
            out.push(("Secret".to_owned(), text(source, &["secretRef", "name"]).to_owned()));
        }
        for variable in list(container, &["env"]) {
            out.push(("ConfigMap".to_owned(), text(variable, &["valueFrom", "configMapKeyRef", "name"]).to_owned()));
            out.push(("Secret".to_owned(), text(variable, &["valueFrom", "secretKeyRef", "name"]).to_owned()));
        }
    }
}

/// What replacing `old` by `new` does to each object, in the order of `new`, what goes last. Objects without a namespace
/// are of `namespace`.
pub fn compare(old: &[Value], new: &[Value], namespace: &str) -> Vec<Change> {
    let before: BTreeMap<Key, &Value> = old.iter().map(|o| (key(o, namespace), o)).collect();
    let after: BTreeMap<Key, &Value> = new.iter().map(|o| (key(o, namespace), o)).collect();
    let change = |key: &Key, object: &Value, effect: Effect| Change {
        api_version: text(object, &["apiVersion"]).to_owned(),
        kind: key.1.clone(),
        namespace: key.2.clone(),
        name: key.3.clone(),
        effect,
        notes: Vec::new(),
        fields: Vec::new(),
    };
    let mut out = Vec::new();
    for object in new {
        let key = key(object, namespace);
        let Some(known) = before.get(&key) else {
            out.push(change(&key, object, Effect::Added));
            continue;
        };
        let (effect, notes, fields) = one(known, object);
        out.push(Change { notes, fields, ..change(&key, object, effect) });
    }
    for object in old {
        let key = key(object, namespace);
        if !after.contains_key(&key) {
            out.push(change(&key, object, Effect::Removed));
        }
    }
    note_stale(&mut out, &after);
    out
}

/// Configuration that changes while those who read it do not start again.
fn note_stale(changes: &mut [Change], after: &BTreeMap<Key, &Value>) {
    let mut readers: BTreeMap<(String, String, String), Vec<String>> = BTreeMap::new();
    for change in changes.iter().filter(|c| matches!(c.effect, Effect::Unchanged | Effect::InPlace)) {
        let group = change.api_version.split_once('/').map_or("", |g| g.0).to_owned();
        let object = after.get(&(group, change.kind.clone(), change.namespace.clone(), change.name.clone()));
        let Some((template, Effect::Restarts)) = object.and_then(|o| template(&change.kind, o)) else { continue };
        let mut names = Vec::new();
        reads(&template, &mut names);
        names.sort();
        names.dedup();
        for (kind, name) in names.into_iter().filter(|n| !n.1.is_empty()) {
            readers.entry((kind, change.namespace.clone(), name)).or_default().push(format!("{} {}", change.kind, change.name));
        }
    }
    for change in changes.iter_mut().filter(|c| c.effect == Effect::InPlace) {
        if let Some(who) = readers.get(&(change.kind.clone(), change.namespace.clone(), change.name.clone())) {
            change.notes.push(format!("read at start by {}, whose pods do not start again", who.join(", ")));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(image: &str, replicas: i64, label: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": replicas,
            "selector": {"matchLabels": {"app": label}}, "template": {"metadata": {"labels": {"app": label}},
            "spec": {"containers": [{"name": "c", "image": image, "envFrom": [{"configMapRef": {"name": "cfg"}}]}]}}}})
    }

    fn config(value: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cfg"}, "data": {"a": value}})
    }

    #[test]
    fn effects() {
        let old = deployment("web:1", 2, "web");
        for (new, effect, path) in [
            (old.clone(), Effect::Unchanged, None),
            (deployment("web:1", 3, "web"), Effect::InPlace, Some(".spec.replicas")),
            (deployment("web:2", 2, "web"), Effect::Restarts, Some(".spec.template.spec.containers[name=\"c\"].image")),
            (deployment("web:1", 2, "shop"), Effect::Refused, Some(".spec.selector.matchLabels.app")),
        ] {
            let changes = compare(std::slice::from_ref(&old), &[new], "default");
            assert_eq!((changes.len(), changes[0].effect), (1, effect));
            assert_eq!(changes[0].fields.first().map(|f| f.path.as_str()), path);
        }
    }

    #[test]
    fn readers_that_do_not_start_again() {
        let pods = deployment("web:1", 2, "web");
        let changes = compare(&[pods.clone(), config("1")], &[pods, config("2")], "default");
        assert_eq!(changes[1].notes, ["read at start by Deployment web, whose pods do not start again"]);
    }
}
