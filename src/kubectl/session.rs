//! One command line: the cluster it speaks to, the files it may read, and what it printed.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::Value;

use super::api::{Access, Api, Chosen, Nanos, Refused, Status};
use super::files::Document;
use super::flags::Flags;
use super::resources::Resource;
use crate::simulate::apiserver::Parts;
use crate::source::World;

/// The resources that the server warns of, and how.
const OLD: [(&str, &str); 2] = [
    ("endpoints", "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
    ("componentstatuses", "v1 ComponentStatus is deprecated in v1.19+"),
];

/// Who speaks, and to what.
pub struct Session<'a> {
    /// The cluster.
    pub api: &'a mut dyn Api,
    /// Files and standard input.
    pub world: &'a dyn World,
    /// The namespace of the current context.
    pub context_namespace: String,
    /// The name of the current context.
    pub context: String,
    /// The address of the server, as `cluster-info` tells it.
    pub server: String,
    /// What goes to standard output.
    pub out: String,
    /// What goes to standard error.
    pub err: String,
    pub(super) user: String,
    pub(super) groups: Vec<String>,
    pub(super) resources: Vec<Resource>,
    /// The documents of the files that were named, once somebody has looked at them and left them to the next.
    pub(super) documents: Option<Vec<Document>>,
    /// Go has the objects that are printed as structs: their fields keep their order.
    pub(super) typed: bool,
    /// An object was told of as YAML.
    pub(super) told: bool,
    /// Whether each of [`OLD`] was not asked for, was, or was told of.
    old: Cell<[u8; OLD.len()]>,
}

/// What a command line came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code.
    pub exit: u8,
}

/// Why a command stopped: lines for standard error, as kubectl words them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The lines, each without its line break.
    pub lines: Vec<String>,
}

impl Fault {
    /// `error: …`.
    pub fn error(text: impl AsRef<str>) -> Self {
        Self::plain(format!("error: {}", text.as_ref()))
    }

    /// A line as it is.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { lines: vec![text.into()] }
    }

    /// A wrong use of a verb.
    pub fn usage(verb: &str, text: impl AsRef<str>) -> Self {
        Self::plain(format!("error: {}\nSee 'kubectl {verb} -h' for help and examples", text.as_ref()))
    }

    /// Only the exit code.
    pub fn silent() -> Self {
        Self::default()
    }

    /// A refusal met while doing something with a file: `error when creating "x.yaml": `.
    pub fn at(refused: &Status, context: &str) -> Self {
        Self::plain(sentence(refused, context))
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        Self::at(&refused, "")
    }
}

impl From<Status> for Fault {
    fn from(refused: Status) -> Self {
        Self::at(&refused, "")
    }
}

/// How kubectl tells a refusal. upstream: kubectl/pkg/cmd/util.StandardErrorMessage
fn sentence(refused: &Status, context: &str) -> String {
    if refused.reason == "Invalid" && !refused.kind.is_empty() {
        let head = format!("The {} \"{}\" is invalid", refused.kind, refused.name);
        let lines: Vec<String> = refused
            .causes
            .iter()
            .map(|(field, message)| if field.is_empty() { message.clone() } else { format!("{field}: {message}") })
            .collect();
        return match lines.as_slice() {
            [] => head,
            [one] => format!("{head}: {one}"),
            many => format!("{head}: \n{}", many.iter().map(|l| format!("* {l}")).collect::<Vec<_>>().join("\n")),
        };
    }
    match refused.reason.as_str() {
        "Invalid" => format!("The request is invalid: {context}{}", refused.message),
        "" => format!("Error from server: {context}{}", refused.message),
        reason => format!("Error from server ({reason}): {context}{}", refused.message),
    }
}

impl<'a> Session<'a> {
    /// A session with a cluster.
    pub fn new(api: &'a mut dyn Api, world: &'a dyn World, namespace: &str, context: &str) -> Self {
        let resources = api.resources();
        Self {
            api,
            world,
            context_namespace: namespace.to_owned(),
            context: context.to_owned(),
            server: "https://127.0.0.1:6443".to_owned(),
            out: String::new(),
            err: String::new(),
            user: String::new(),
            groups: Vec::new(),
            resources,
            documents: None,
            typed: false,
            told: false,
            old: Cell::default(),
        }
    }

    /// The namespace a command line means.
    pub(super) fn namespace(&self, flags: &Flags) -> String {
        match flags.text("namespace") {
            "" => self.context_namespace.clone(),
            name => name.to_owned(),
        }
    }

    /// A line of output.
    pub(super) fn say(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// A line of standard error.
    pub(super) fn warn(&mut self, line: &str) {
        self.err.push_str(line);
        self.err.push('\n');
    }

    /// Hands on what the server warned of.
    pub(super) fn hear(&mut self) {
        let mut old = self.old.get();
        for (asked, (_, sentence)) in old.iter_mut().zip(OLD).filter(|(asked, _)| **asked == 1) {
            *asked = 2;
            self.warn(&format!("Warning: {sentence}"));
        }
        self.old.set(old);
        for warning in self.api.warnings() {
            self.warn(&format!("Warning: {warning}"));
        }
    }

    /// The virtual time.
    pub(super) fn now(&self) -> Nanos {
        self.api.now()
    }

    fn permitted(&self, verb: &str, resource: &Resource, namespace: &str, name: &str) -> Result<(), Refused> {
        let mut old = self.old.get();
        for (asked, (name, _)) in old.iter_mut().zip(OLD) {
            *asked = (*asked).max(u8::from(resource.is("", name)));
        }
        self.old.set(old);
        let access = Access { verb, group: &resource.group, resource: &resource.name, namespace, name, ..Access::default() };
        if self.user.is_empty() || self.api.allowed(&self.user, &self.groups, &access) {
            return Ok(());
        }
        let place = if namespace.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace \"{namespace}\"") };
        let why =
            format!("User \"{}\" cannot {verb} resource \"{}\" in API group \"{}\" {place}", self.user, resource.name, resource.group);
        Err(Status::forbidden(resource, name, &why).into())
    }

    /// An object, when the user may see it.
    pub(super) fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Result<Value, Refused> {
        let namespace = if resource.namespaced { namespace } else { "" };
        self.permitted("get", resource, namespace, name)?;
        self.api.get(resource, namespace, name)
    }

    /// Objects, when the user may see them.
    pub(super) fn list(&self, resource: &Resource, namespace: &str) -> Result<Vec<Value>, Refused> {
        let namespace = if resource.namespaced { namespace } else { "" };
        self.permitted("list", resource, namespace, "")?;
        self.api.list(resource, namespace)
    }

    /// What becomes of each object that is chosen, in order, when the user may see them.
    pub(super) fn each<T: Send>(
        &self,
        resource: &Resource,
        namespace: &str,
        chosen: &Chosen<'_>,
        parts: Option<&Parts>,
        make: impl Fn(Value) -> Option<T> + Sync,
    ) -> Result<Vec<T>, Refused> {
        let namespace = if resource.namespaced { namespace } else { "" };
        self.permitted("list", resource, namespace, "")?;
        let made: Mutex<Vec<(usize, T)>> = Mutex::default();
        self.api.visit(resource, namespace, chosen, parts, &|i, object| {
            if let Some(one) = make(object) {
                made.lock().unwrap_or_else(PoisonError::into_inner).push((i, one));
            }
        })?;
        let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
        made.sort_by_key(|(i, _)| *i);
        Ok(made.into_iter().map(|(_, one)| one).collect())
    }

    /// Whether the user may change something.
    pub(super) fn may(&self, verb: &str, resource: &Resource, namespace: &str, name: &str) -> Result<(), Refused> {
        self.permitted(verb, resource, if resource.namespaced { namespace } else { "" }, name)
    }

    /// The resource a word means: plural, singular, short name, kind, with group and version behind dots. upstream:
    /// meta.RESTMapper, restmapper.NewShortcutExpander
    pub(super) fn resource(&self, word: &str) -> Result<Resource, Fault> {
        let lower = word.to_lowercase();
        let asked = word.split('.').next().unwrap_or_default();
        let missing = || Fault::error(format!("the server doesn't have a resource type \"{asked}\""));
        let (name, group) = lower.split_once('.').map_or((lower.as_str(), ""), |(n, g)| (n, g));
        let named = |r: &&Resource| r.name == name || r.singular == name || r.short.iter().any(|s| s == name);
        let mut found: Vec<&Resource> = self.resources.iter().filter(named).collect();
        // A full name beats a short one of another resource.
        found.sort_by_key(|r| (!(r.name == name || r.singular == name), !r.preferred));
        if group.is_empty() {
            return found.first().copied().cloned().ok_or_else(missing);
        }
        let exact = |r: &&&Resource| r.group == group || format!("{}.{}", r.version, r.group).trim_end_matches('.') == group;
        let by_prefix = |r: &&&Resource| !r.group.is_empty() && r.group.starts_with(group);
        found.iter().find(exact).or_else(|| found.iter().find(by_prefix)).map(|r| (*r).clone()).ok_or_else(missing)
    }

    /// The resource of an object's kind.
    pub(super) fn resource_of(&self, object: &Value) -> Option<Resource> {
        let (api_version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
        let found = self.resources.iter().find(|r| r.kind == kind && r.api_version() == api_version)?;
        Some(found.clone())
    }

    /// The definition of a custom resource; none for built-in ones.
    pub(super) fn definition(&self, resource: &Resource) -> Option<Value> {
        if !resource.group.contains('.') {
            return None;
        }
        let definitions = self.resources.iter().find(|r| r.is("apiextensions.k8s.io", "customresourcedefinitions"))?;
        self.api.get(definitions, "", &resource.qualified()).ok()
    }
}
