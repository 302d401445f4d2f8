//! Objects of a manifest and what Helm does with them in the cluster. upstream: pkg/kube/client.go, pkg/action/validate.go

use serde_json::Value;
use serde_json::json;

use super::Session;
use super::release::Release;
use crate::cluster::Refusal;
use crate::cluster::server::Deletion;
use crate::cluster::server::Write;
use crate::helm::hooks;
use crate::simulate::apiserver::Propagation;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;
use crate::value;
use crate::yaml;

/// One object of a manifest.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) object: Value,
}

impl Target {
    /// `Deployment "web" in namespace "default"`
    fn place(&self) -> String {
        format!("{} \"{}\" in namespace \"{}\"", self.kind, self.name, self.namespace)
    }

    /// `default/web apps/v1, Kind=Deployment`
    fn full(&self) -> String {
        let group_version = if self.api_version.contains('/') { self.api_version.clone() } else { format!("/{}", self.api_version) };
        format!("{}/{} {group_version}, Kind={}", self.namespace, self.name, self.kind)
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.namespace == other.namespace && self.name == other.name && self.group() == other.group()
    }

    fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |g| g.0)
    }
}

/// A decoded YAML document as JSON.
pub(super) fn to_json(value: &value::Value) -> Value {
    let text = value::json::to_json(value).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

impl Session<'_> {
    /// The objects of a manifest; a kind that the cluster does not have is refused.
    pub(super) fn build(&self, manifest: &str) -> Result<Vec<Target>, String> {
        let mut out = Vec::new();
        let mut unknown = Vec::new();
        for range in hooks::split(manifest) {
            let value = yaml::decode(manifest[range].as_bytes()).map_err(|e| format!("error parsing : {}", e.message))?;
            let object = to_json(&value);
            if object.is_null() {
                continue;
            }
            let items = if text(&object, &["kind"]).ends_with("List") && object["items"].is_array() {
                list(&object, &["items"]).to_vec()
            } else {
                vec![object]
            };
            for object in items {
                self.build_one(object, &mut out, &mut unknown);
            }
        }
        match unknown.as_slice() {
            [] => Ok(out),
            [one] => Err(one.clone()),
            many => Err(format!("[{}]", many.join(", "))),
        }
    }

    /// The objects of a manifest, each in its namespace.
    pub fn objects(&self, manifest: &str) -> Result<Vec<Value>, String> {
        Ok(self.build(manifest)?.into_iter().map(|t| t.object).collect())
    }

    fn build_one(&self, mut object: Value, out: &mut Vec<Target>, unknown: &mut Vec<String>) {
        let (api_version, kind) = (text(&object, &["apiVersion"]).to_owned(), text(&object, &["kind"]).to_owned());
        let name = text(&object, &["metadata", "name"]).to_owned();
        let given = text(&object, &["metadata", "namespace"]).to_owned();
        let Some(namespaced) = self.cluster.is_namespaced(&api_version, &kind) else {
            let why = format!("no matches for kind \"{kind}\" in version \"{api_version}\"");
            let place = format!("resource mapping not found for name: \"{name}\" namespace: \"{given}\" from \"\"");
            unknown.push(format!("{place}: {why}\nensure CRDs are installed first"));
            return;
        };
        let namespace = match (namespaced, given.is_empty()) {
            (false, _) => String::new(),
            (true, true) => self.namespace.clone(),
            (true, false) => given,
        };
        if !object["metadata"].is_object() {
            object["metadata"] = json!({});
        }
        if namespaced {
            object["metadata"]["namespace"] = namespace.as_str().into();
        }
        out.push(Target { api_version, kind, namespace, name, object });
    }

    /// Marks objects as parts of a release.
    pub(super) fn own(targets: &mut [Target], release: &Release) {
        for target in targets {
            let meta = &mut target.object["metadata"];
            for (field, entries) in [
                ("labels", vec![("app.kubernetes.io/managed-by", "Helm")]),
                (
                    "annotations",
                    vec![
                        ("meta.helm.sh/release-name", release.name.as_str()),
                        ("meta.helm.sh/release-namespace", release.namespace.as_str()),
                    ],
                ),
            ] {
                if !meta[field].is_object() {
                    meta[field] = json!({});
                }
                for (key, value) in entries {
                    meta[field][key] = value.into();
                }
            }
        }
    }

    fn ownership(live: &Value, release: &Release) -> Result<(), String> {
        let mut errors = Vec::new();
        for (what, field, key, wanted) in [
            ("label", "labels", "app.kubernetes.io/managed-by", "Helm"),
            ("annotation", "annotations", "meta.helm.sh/release-name", release.name.as_str()),
            ("annotation", "annotations", "meta.helm.sh/release-namespace", release.namespace.as_str()),
        ] {
            match at(live, &["metadata", field, key]).as_str() {
                Some(actual) if actual == wanted => {}
                Some(actual) => {
                    errors.push(format!("{what} validation error: key \"{key}\" must equal \"{wanted}\": current value is \"{actual}\""));
                }
                None => errors.push(format!("{what} validation error: missing key \"{key}\": must be set to \"{wanted}\"")),
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(format!("invalid ownership metadata; {}", errors.join("; "))) }
    }

    pub(super) fn live(&self, target: &Target) -> Option<Value> {
        self.cluster.get(&target.kind, &target.namespace, &target.name)
    }

    /// The objects that are there already; those of others are refused unless they are to be taken over.
    pub(super) fn existing(&self, targets: &[Target], release: &Release, take: bool) -> Result<Vec<Target>, String> {
        let mut out = Vec::new();
        for target in targets.iter().filter(|t| !t.name.is_empty()) {
            let Some(live) = self.live(target) else { continue };
            if !take {
                Self::ownership(&live, release)
                    .map_err(|e| format!("{} exists and cannot be imported into the current release: {e}", target.place()))?;
            }
            out.push(target.clone());
        }
        Ok(out)
    }

    fn apply(&mut self, target: &Target, force: bool) -> Result<(), String> {
        let write = Write { force, ..Write::by("helm") };
        let answer = if target.name.is_empty() {
            self.cluster.create(&target.object, &write).map(drop)
        } else {
            self.cluster.apply(&target.object, &write).map(drop)
        };
        self.say_warnings();
        answer.map_err(|e| refused(target, &e))
    }

    fn say_warnings(&mut self) {
        for warning in self.cluster.take_warnings() {
            self.logs.push_with("WARN", "API server warning", &[("message", &warning)]);
        }
    }

    /// Creates objects in order; the first that is refused ends it.
    pub(super) fn create_all(&mut self, targets: &[Target]) -> Result<(), String> {
        targets.iter().try_for_each(|t| self.apply(t, false))
    }

    /// Brings the cluster from one set of objects to another; returns those it created.
    pub(super) fn update_all(&mut self, before: &[Target], after: &[Target], force: bool) -> (Vec<Target>, Result<(), String>) {
        let mut created = Vec::new();
        let mut errors = Vec::new();
        for target in after {
            if self.live(target).is_none() {
                created.push(target.clone());
                if let Err(e) = self.apply(target, force) {
                    return (created, Err(format!("failed to create resource: {e}")));
                }
                continue;
            }
            if !before.iter().any(|b| b.same(target)) {
                let attributes = [("namespace", target.namespace.as_str()), ("name", target.name.as_str()), ("kind", target.kind.as_str())];
                self.logs.push_with(
                    "WARN",
                    "resource exists on cluster but not in original release, using cluster state as baseline",
                    &attributes,
                );
            }
            if let Err(e) = self.apply(target, force) {
                errors.push(e);
            }
        }
        if !errors.is_empty() {
            return (created, Err(errors.join(" && ")));
        }
        for gone in before.iter().filter(|b| !after.iter().any(|a| a.same(b))) {
            let Some(live) = self.live(gone) else { continue };
            if text(&live, &["metadata", "annotations", "helm.sh/resource-policy"]) == "keep" {
                continue;
            }
            let how = Deletion::default();
            if let Err(e) = self.cluster.delete(&gone.api_version, &gone.kind, &gone.namespace, &gone.name, how) {
                let place = format!("namespace={}, name={}, kind={}", gone.namespace, gone.name, gone.kind);
                errors.push(format!("failed to delete resource {place}: {}", e.message));
            }
        }
        (created, if errors.is_empty() { Ok(()) } else { Err(errors.join(" && ")) })
    }

    /// Deletes objects; those that are not there are passed over.
    pub(super) fn delete_all(&mut self, targets: &[Target], propagation: Propagation) {
        for target in targets {
            let how = Deletion { propagation, ..Deletion::default() };
            let _ = self.cluster.delete(&target.api_version, &target.kind, &target.namespace, &target.name, how);
        }
    }

    /// Which of the objects that are there belong to a release, and which do not.
    pub(super) fn by_owner(&self, targets: Vec<Target>, release: &Release) -> (Vec<Target>, Vec<Target>) {
        let there = targets.into_iter().filter_map(|t| self.live(&t).map(|live| (t, live)));
        let (own, others): (Vec<_>, Vec<_>) = there.partition(|(_, live)| Self::ownership(live, release).is_ok());
        (own.into_iter().map(|o| o.0).collect(), others.into_iter().map(|o| o.0).collect())
    }
}

fn refused(target: &Target, refusal: &Refusal) -> String {
    if refusal.reason == "Conflict" {
        return format!("conflict occurred while applying object {}: {}", target.full(), refusal.message);
    }
    format!("server-side apply failed for object {}: {}", target.full(), refusal.message)
}
