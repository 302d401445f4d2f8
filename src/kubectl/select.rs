//! Which objects a command line names: `TYPE NAME`, `TYPE/NAME`, comma lists, selectors, files. upstream:
//! cli-runtime/pkg/resource.Builder

use std::sync::Arc;

use serde_json::Value;

use super::api::Lazy;
use super::api::Status;
use super::api::Target;
use super::flags::Flags;
use super::labels;
use super::resources::Resource;
use super::session::{Fault, Session};
use crate::simulate::apiserver::Parts;
use crate::simulate::apiserver::Wanted;
use crate::simulate::scheduler::json::{at, text};

/// What is said of a command line that names no object.
pub(super) const NOTHING_NAMED: &str = "You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'";

/// An object that was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) resource: Arc<Resource>,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) object: Value,
    /// Where it was named: a file, or empty.
    pub(super) source: String,
}

impl Found {
    /// The object, as requests name it.
    pub(super) fn target(&self) -> Target<'_> {
        Target { resource: &self.resource, namespace: &self.namespace, name: &self.name }
    }

    /// `deployment.apps/web`.
    pub(super) fn label(&self) -> String {
        self.resource.named(&self.name)
    }
}

/// What was found, and what was not.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Selection {
    pub(super) found: Vec<Found>,
    pub(super) faults: Vec<Fault>,
    /// Whether several types were asked for.
    pub(super) several: bool,
    /// Whether one object was named.
    pub(super) single: bool,
}

/// What a verb asks of its arguments.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish {
    /// A type alone means all of its objects.
    pub(super) all: bool,
    /// Files' objects are fetched from the server.
    pub(super) latest: bool,
    /// Several objects are refused.
    pub(super) one: bool,
    /// Who may not look at an object may still delete it.
    pub(super) unseen: bool,
    /// Of all objects of a type it is asked only which they are.
    pub(super) named: bool,
}

/// Which one it is.
const NAME: Parts = Parts {
    metadata: Wanted::Fields(&[("name", Wanted::All), ("namespace", Wanted::All), ("uid", Wanted::All)]),
    spec: Wanted::NOTHING,
    status: Wanted::NOTHING,
};

/// One part of the arguments: a resource and the names in it.
#[derive(Clone, Debug)]
struct Part {
    resource: Resource,
    names: Vec<String>,
}

impl Session<'_> {
    /// All namespaces, or the one meant; whether it is all of them.
    pub(super) fn scope(&self, flags: &Flags) -> (String, bool) {
        if flags.on("all-namespaces") { (String::new(), true) } else { (self.namespace(flags), false) }
    }

    /// The types of a word such as `deploy,svc` or `all`.
    pub(super) fn types(&self, word: &str) -> Result<Vec<Resource>, Fault> {
        let mut out = Vec::new();
        for one in word.split(',').filter(|w| !w.is_empty()) {
            let of_category: Vec<Resource> =
                self.resources.iter().filter(|r| r.preferred && r.categories.iter().any(|c| c == one)).cloned().collect();
            if of_category.is_empty() {
                out.push(self.resource(one)?);
            } else {
                out.extend(of_category);
            }
        }
        Ok(out)
    }

    fn parts(&self, args: &[String]) -> Result<Vec<Part>, Fault> {
        let slashes = args.iter().filter(|a| a.contains('/')).count();
        if slashes == 0 {
            let Some((first, names)) = args.split_first() else { return Ok(Vec::new()) };
            let types = self.types(first)?;
            return Ok(types.into_iter().map(|resource| Part { resource, names: names.to_vec() }).collect());
        }
        let mut out: Vec<Part> = Vec::new();
        for arg in args {
            let pieces: Vec<&str> = arg.split('/').collect();
            match pieces.as_slice() {
                [_] => {
                    return Err(Fault::error(
                        "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
                    ));
                }
                [kind, name] if !kind.is_empty() && !name.is_empty() && !kind.contains(',') => {
                    let resource = self.resource(kind)?;
                    out.push(Part { resource, names: vec![(*name).to_owned()] });
                }
                [_, _] => return Err(Fault::error("arguments in resource/name form must have a single resource and name")),
                _ => return Err(Fault::error("arguments in resource/name form may not have more than one slash")),
            }
        }
        Ok(out)
    }

    /// The objects a command line names.
    pub(super) fn select(&mut self, flags: &Flags, args: &[String], wish: Wish) -> Result<Selection, Fault> {
        let mut out = Selection::default();
        if flags.given("filename") || flags.given("kustomize") {
            if !args.is_empty() {
                return Err(Fault::error(
                    "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
                ));
            }
            self.select_files(flags, wish, &mut out)?;
            return Ok(out);
        }
        let (namespace, everywhere) = self.scope(flags);
        let parts = self.parts(args)?;
        if parts.is_empty() {
            return Err(Fault::error(NOTHING_NAMED));
        }
        out.several = args.first().is_some_and(|a| a == "all" || (a.contains(',') && parts.len() > 1));
        let (selector, fields) = (flags.text("selector").to_owned(), flags.text("field-selector").to_owned());
        let named = parts.iter().any(|p| !p.names.is_empty());
        if named {
            if !selector.is_empty() || !fields.is_empty() {
                let what = if selector.is_empty() { "field selector" } else { "selector" };
                return Err(Fault::error(format!("name cannot be provided when a {what} is specified")));
            }
            if flags.on("all") {
                return Err(Fault::error("setting 'all' parameter but found a non empty selector. "));
            }
            if everywhere && parts.iter().any(|p| p.resource.namespaced) {
                return Err(Fault::error("a resource cannot be retrieved by name across all namespaces"));
            }
            let total: usize = parts.iter().map(|p| p.names.len()).sum();
            out.single = total == 1;
            if wish.one && total > 1 {
                return Err(Fault::error("multiple resources provided"));
            }
            for part in parts {
                let resource = Arc::new(part.resource.clone());
                for name in &part.names {
                    let space = if part.resource.namespaced { namespace.as_str() } else { "" };
                    let seen = if wish.unseen {
                        self.may("delete", &part.resource, space, name).and_then(|()| self.api.get(&part.resource, space, name))
                    } else {
                        self.get(&part.resource, &namespace, name)
                    };
                    match seen {
                        Ok(object) => out.found.push(self.found(&resource, object, "")),
                        Err(refused) => out.faults.push(refused.into()),
                    }
                }
            }
            return Ok(out);
        }
        if !wish.all && !flags.on("all") && selector.is_empty() && fields.is_empty() {
            return Err(Fault::error("resource(s) were provided, but no name was specified"));
        }
        for part in parts {
            let chosen = if wish.named && fields.is_empty() {
                self.each_chosen(&part.resource, &namespace, &selector, "", Some(&NAME), |object| object)
            } else {
                self.choose(&part.resource, &namespace, &selector, &fields)
            };
            match chosen {
                Ok(objects) => {
                    let resource = Arc::new(part.resource);
                    out.found.extend(objects.into_iter().map(|object| self.found(&resource, object, "")));
                }
                Err(fault) => out.faults.push(fault),
            }
        }
        Ok(out)
    }

    fn found(&self, resource: &Arc<Resource>, object: Value, source: &str) -> Found {
        Found {
            resource: Arc::clone(resource),
            namespace: text(&object, &["metadata", "namespace"]).to_owned(),
            name: text(&object, &["metadata", "name"]).to_owned(),
            object,
            source: source.to_owned(),
        }
    }

    /// The objects of a resource that selectors choose.
    pub(super) fn choose(&self, resource: &Resource, namespace: &str, selector: &str, fields: &str) -> Result<Vec<Value>, Fault> {
        if selector.is_empty() && fields.is_empty() {
            return Ok(self.list(resource, namespace)?);
        }
        self.each_chosen(resource, namespace, selector, fields, None, |object| object)
    }

    /// What becomes of each object of a resource that selectors choose, in order; of `parts` nothing else is looked at.
    pub(super) fn each_chosen<T: Send>(
        &self,
        resource: &Resource,
        namespace: &str,
        selector: &str,
        fields: &str,
        parts: Option<&Parts>,
        make: impl Fn(Value) -> T + Sync,
    ) -> Result<Vec<T>, Fault> {
        let wrong = |why: &str| {
            let api_version = if resource.group.is_empty() { format!("/{}", resource.version) } else { resource.api_version() };
            let message = format!(
                "Unable to find {} that match label selector {}, field selector {}: {why}",
                quote(&format!("{api_version}, Resource={}", resource.name)),
                quote(selector),
                quote(fields)
            );
            Fault::from(Status::new(400, "BadRequest", message))
        };
        let by_labels = labels::parse(selector).map_err(|e| wrong(&e))?;
        let by_fields = labels::parse_fields(fields).map_err(|e| wrong(&e))?;
        for field in &by_fields {
            let known = labels::selectable(&resource.group, &resource.name);
            if !matches!(field.field.as_str(), "metadata.name" | "metadata.namespace") && !known.contains(&field.field.as_str()) {
                let name = &field.field;
                // Kinds without fields of their own have another sentence than the rest; so have Jobs.
                return Err(wrong(&match resource.name.as_str() {
                    "jobs" => format!("field label {} not supported for Job", quote(name)),
                    _ if known.is_empty() && self.definition(resource).is_none() => {
                        format!("{} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", quote(name))
                    }
                    _ => format!("field label not supported: {name}"),
                }));
            }
        }
        let is_pod = resource.group.is_empty() && resource.name == "pods";
        let by_node: Vec<_> = by_fields.iter().filter(|f| is_pod && f.field == "spec.nodeName").collect();
        let chosen = |labels: &Lazy<'_>, node: &str| {
            by_node.iter().all(|f| (node == f.value) != f.negated) && (by_labels.is_empty() || labels::matches(&by_labels, labels))
        };
        let met = |o: &Value| by_fields.iter().all(|f| (labels::field_value(o, &f.field) == f.value) != f.negated);
        Ok(self.each(resource, namespace, &chosen, parts, |object| met(&object).then(|| make(object)))?)
    }

    fn select_files(&mut self, flags: &Flags, wish: Wish, out: &mut Selection) -> Result<(), Fault> {
        let documents = match self.documents.take() {
            Some(read) => read,
            None => self.documents(flags)?,
        };
        let context = self.namespace(flags);
        let selector = labels::parse(flags.text("selector")).map_err(Fault::error)?;
        for document in documents {
            let source = document.source.clone();
            let mut object = document.object;
            if text(&object, &["kind"]).is_empty() {
                let shown = object.to_string();
                out.faults.push(Fault::error(format!("unable to decode \"{source}\": Object 'Kind' is missing in '{shown}'")));
                continue;
            }
            let Some(resource) = self.resource_of(&object) else {
                out.faults.push(self.no_mapping(&object, &source));
                continue;
            };
            let own = text(&object, &["metadata", "namespace"]).to_owned();
            let namespace = match (resource.namespaced, own.is_empty()) {
                (false, _) => String::new(),
                (true, true) => context.clone(),
                (true, false) if flags.given("namespace") && own != context => {
                    out.faults.push(Fault::error(format!(
                        "the namespace from the provided object \"{own}\" does not match the namespace \"{context}\". You must pass '--namespace={own}' to perform this operation."
                    )));
                    continue;
                }
                (true, false) => own,
            };
            if !labels::matches(&selector, at(&object, &["metadata", "labels"])) {
                continue;
            }
            if resource.namespaced && !flags.on("local") {
                object["metadata"]["namespace"] = namespace.clone().into();
            }
            let name = text(&object, &["metadata", "name"]).to_owned();
            if wish.latest {
                match self.get(&resource, &namespace, &name) {
                    Ok(live) => object = live,
                    Err(refused) => {
                        out.faults.push(refused.into());
                        continue;
                    }
                }
            }
            out.found.push(Found { resource: Arc::new(resource), namespace, name, object, source });
        }
        let mut kinds: Vec<&str> = out.found.iter().map(|f| f.resource.name.as_str()).collect();
        kinds.dedup();
        out.several = kinds.len() > 1;
        out.single = out.found.len() == 1;
        Ok(())
    }

    /// No resource has this kind.
    pub(super) fn no_mapping(&self, object: &Value, source: &str) -> Fault {
        let (name, namespace) = (text(object, &["metadata", "name"]), text(object, &["metadata", "namespace"]));
        let (kind, version) = (text(object, &["kind"]), text(object, &["apiVersion"]));
        Fault::error(format!(
            "resource mapping not found for name: \"{name}\" namespace: \"{namespace}\" from \"{source}\": no matches for kind \"{kind}\" in version \"{version}\"\nensure CRDs are installed first"
        ))
    }
}

fn quote(text: &str) -> String {
    crate::value::quote(text.as_bytes())
}
