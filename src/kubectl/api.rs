//! What the verbs need of an API server. A simulated cluster, a recorded one or a directory of manifests implements
//! [`Api`]; objects are JSON values as the server returns them (without `managedFields`).

use serde_json::Value;

use super::resources::Resource;
use crate::simulate::apiserver::Parts;
use crate::simulate::scheduler::json::text;

/// Nanoseconds of virtual time since 1970.
pub type Nanos = i64;

/// A refused request, in the server's words: a `metav1.Status` of failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// HTTP status.
    pub code: u16,
    /// Such as `NotFound`, `AlreadyExists`, `Invalid`, `Forbidden`, `BadRequest`, `Conflict`.
    pub reason: String,
    /// The sentence, such as `pods "web" not found`.
    pub message: String,
    /// `details.kind`: the kind for `Invalid`, else the resource.
    pub kind: String,
    /// `details.group`.
    pub group: String,
    /// `details.name`.
    pub name: String,
    /// `details.causes`: the field and the sentence of each.
    pub causes: Vec<(String, String)>,
}

impl Status {
    /// A refusal without details.
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self { code, reason: reason.to_owned(), message: message.into(), ..Self::default() }
    }

    /// `pods "web" not found`. upstream: apimachinery/pkg/api/errors.NewNotFound
    pub fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self { kind: resource.name.clone(), group: resource.group.clone(), name: name.to_owned(), ..Self::new(404, "NotFound", message) }
    }

    /// `pods "web" already exists`. upstream: NewAlreadyExists
    pub fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        let status = Self::new(409, "AlreadyExists", message);
        Self { kind: resource.name.clone(), group: resource.group.clone(), name: name.to_owned(), ..status }
    }

    /// `Pod "web" is invalid: …`, with one cause per field. upstream: NewInvalid
    pub fn invalid(resource: &Resource, name: &str, causes: Vec<(String, String)>) -> Self {
        let mut shown: Vec<String> = Vec::new();
        for (field, message) in &causes {
            let line = if field.is_empty() { message.clone() } else { format!("{field}: {message}") };
            if !shown.contains(&line) {
                shown.push(line);
            }
        }
        let list = if shown.len() == 1 { shown.concat() } else { format!("[{}]", shown.join(", ")) };
        let qualified = if resource.group.is_empty() { resource.kind.clone() } else { format!("{}.{}", resource.kind, resource.group) };
        let status = Self::new(422, "Invalid", format!("{qualified} \"{name}\" is invalid: {list}"));
        Self { kind: resource.kind.clone(), group: resource.group.clone(), name: name.to_owned(), causes, ..status }
    }

    /// `pods "web" is forbidden: …`. upstream: NewForbidden
    pub fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let subject = if name.is_empty() { resource.qualified() } else { format!("{} \"{name}\"", resource.qualified()) };
        let status = Self::new(403, "Forbidden", format!("{subject} is forbidden: {why}"));
        Self { kind: resource.name.clone(), group: resource.group.clone(), name: name.to_owned(), ..status }
    }
}

/// A refusal, as requests return it.
pub type Refused = Box<Status>;

/// How a write is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Nothing is stored; the answer is as if it were.
    pub dry_run: bool,
    /// Such as `kubectl-client-side-apply`, `kubectl-create`, or that of `--field-manager`.
    pub field_manager: String,
    /// Unknown and double fields are refused (`fieldValidation=Strict`), and else only warned of or dropped.
    pub validation: FieldValidation,
    /// For server-side apply: fields of other managers are taken over.
    pub force: bool,
    /// Such as `scale` or `status`; empty for the object itself.
    pub subresource: String,
}

/// What becomes of unknown fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldValidation {
    /// They are refused.
    #[default]
    Strict,
    /// They are warned of and dropped.
    Warn,
    /// They are dropped.
    Ignore,
}

/// The language of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    /// `application/strategic-merge-patch+json`.
    Strategic,
    /// `application/merge-patch+json`.
    Merge,
    /// `application/json-patch+json`.
    Json,
    /// `application/apply-patch+yaml`: server-side apply; creates what is missing.
    Apply,
}

/// How a deletion is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// `Background` when nothing is said.
    pub propagation: Propagation,
    /// Seconds; the object's own when nothing is said.
    pub grace_period: Option<i64>,
    /// Nothing is deleted; the answer is as if it were.
    pub dry_run: bool,
}

/// What becomes of the objects that belong to a deleted one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted afterwards.
    #[default]
    Background,
    /// They are deleted first.
    Foreground,
    /// They stay.
    Orphan,
}

/// A question of access.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access<'a> {
    /// Such as `get`.
    pub verb: &'a str,
    /// Empty for the core group.
    pub group: &'a str,
    /// The plural, or a URL path for `non_resource`.
    pub resource: &'a str,
    /// Such as `log`; empty for none.
    pub subresource: &'a str,
    /// Empty for all namespaces.
    pub namespace: &'a str,
    /// Empty for all objects.
    pub name: &'a str,
    /// Whether `resource` is a URL path.
    pub non_resource: bool,
}

/// A value that is made when somebody looks.
pub type Lazy<'a> = dyn std::ops::Deref<Target = Value> + 'a;

/// Whether an object is chosen by its labels (`null` for none) and, for pods, its node.
pub type Chosen<'a> = dyn Fn(&Lazy<'_>, &str) -> bool + 'a;

/// An API server as a client sees it. Every request may be refused with a [`Status`].
///
/// `namespace` is empty for objects without one and, in [`Api::list`], for all namespaces.
pub trait Api {
    /// The virtual time.
    fn now(&self) -> Nanos;

    /// What discovery tells, in its order: the built-in resources and those of the CRDs that are established.
    fn resources(&self) -> Vec<Resource>;

    /// An object.
    fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Result<Value, Refused>;

    /// All objects of a resource, in the order of namespace and name, as etcd's.
    fn list(&self, resource: &Resource, namespace: &str) -> Result<Vec<Value>, Refused>;

    /// As [`Api::list`], of the objects that are chosen.
    fn list_if(&self, resource: &Resource, namespace: &str, chosen: &Chosen<'_>) -> Result<Vec<Value>, Refused> {
        let mut all = self.list(resource, namespace)?;
        all.retain(|o| chosen(&&o["metadata"]["labels"], text(o, &["spec", "nodeName"])));
        Ok(all)
    }

    /// As [`Api::list_if`], one object after the other, maybe on several threads: with its place in the order. Nothing is
    /// kept, so that a large list takes no more memory than a small one.
    /// Of `parts` nothing else is looked at: the rest may be left out, which this one does not do.
    fn visit(
        &self,
        resource: &Resource,
        namespace: &str,
        chosen: &Chosen<'_>,
        _parts: Option<&Parts>,
        see: &(dyn Fn(usize, Value) + Sync),
    ) -> Result<(), Refused> {
        self.list_if(resource, namespace, chosen)?.into_iter().enumerate().for_each(|(i, o)| see(i, o));
        Ok(())
    }

    /// The events, listed as `resource`, that are about an object of one of these uids.
    fn events_about(&self, resource: &Resource, namespace: &str, uids: &[&str]) -> Result<Vec<Value>, Refused> {
        let mut all = self.list(resource, namespace)?;
        all.retain(|e| e["involvedObject"]["uid"].as_str().is_some_and(|uid| uids.contains(&uid)));
        Ok(all)
    }

    /// Creates an object and returns it as stored.
    fn create(&mut self, resource: &Resource, namespace: &str, object: &Value, options: &WriteOptions) -> Result<Value, Refused>;

    /// Replaces an object and returns it as stored. With the subresource `scale` the object is a `Scale`.
    fn update(
        &mut self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        object: &Value,
        options: &WriteOptions,
    ) -> Result<Value, Refused>;

    /// Patches an object and returns it as stored.
    fn patch(&mut self, target: &Target<'_>, kind: PatchKind, patch: &Value, options: &WriteOptions) -> Result<Value, Refused>;

    /// The resource version of an object; nothing when it is not there.
    fn resource_version(&self, resource: &Resource, namespace: &str, name: &str) -> Option<String> {
        let found = self.get(resource, namespace, name).ok()?;
        found["metadata"]["resourceVersion"].as_str().map(str::to_owned)
    }

    /// The uid of an object; nothing when it is not there, or has none.
    fn uid_of(&self, resource: &Resource, namespace: &str, name: &str) -> Option<String> {
        let found = self.get(resource, namespace, name).ok()?;
        found["metadata"]["uid"].as_str().map(str::to_owned)
    }

    /// Tells of requests of [`Api::update`] and [`Api::patch`] that are about to come: a server may work them out before. What it
    /// answers when they come is the same.
    fn foresee(&mut self, requests: &[Coming<'_>]) {
        let _ = requests;
    }

    /// Deletes an object. It may stay, marked, until its finalizers or its grace period end.
    fn delete(&mut self, resource: &Resource, namespace: &str, name: &str, options: &DeleteOptions) -> Result<(), Refused>;

    /// Evicts a pod: as deletion, unless a disruption budget forbids it (code 429).
    fn evict(&mut self, namespace: &str, pod: &str, options: &DeleteOptions) -> Result<(), Refused>;

    /// Moves the clock to the next moment something changes, but not past `until`; false when nothing is left to happen
    /// before it (the clock then stands at `until`).
    fn advance(&mut self, until: Nanos) -> bool;

    /// Whether several writes come that nobody looks at in between: what follows from them may wait for the last.
    fn batch(&mut self, on: bool) {
        let _ = on;
    }

    /// Whether answers may leave out everything but what an object is about: the caller looks at its metadata only.
    fn brief(&mut self, on: bool) {
        let _ = on;
    }

    /// When something happens next, as far as that is known.
    fn next(&self) -> Option<Nanos> {
        None
    }

    /// Whether a user of `groups` may do something. `user` is empty for the cluster's administrator.
    fn allowed(&self, user: &str, groups: &[String], access: &Access<'_>) -> bool {
        super::rbac::allowed(self, user, groups, access)
    }

    /// The rules a user has in a namespace, as `PolicyRule` objects. `auth can-i --list`
    fn rules(&self, user: &str, groups: &[String], namespace: &str) -> Vec<Value> {
        super::rbac::rules(self, user, groups, namespace)
    }

    /// What the server warned of since the last call, in order, each once.
    fn warnings(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// The server's version, such as `v1.36.3`.
    fn version(&self) -> String {
        "v1.36.3".to_owned()
    }
}

/// A request that is about to come.
#[derive(Clone, Copy, Debug)]
pub struct Coming<'a> {
    /// The object.
    pub target: Target<'a>,
    /// The language of the patch; nothing for an object that replaces the one that is there.
    pub kind: Option<PatchKind>,
    /// The patch, or the object.
    pub sent: &'a Value,
    /// How it is meant.
    pub options: &'a WriteOptions,
}

/// The object a request is about.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Its resource.
    pub resource: &'a Resource,
    /// Empty for objects without one.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}
