//! Documents: what is loaded from where, which schemas within them have names and anchors, and in which dialect they speak.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::super::json;
use super::super::json::Json;
use super::draft::{Below, Draft, embedded};
use super::failure::escape;
use crate::source::World;
use crate::sprig::urls;
use crate::value::quote;

/// A draft and, where a metaschema of its own says so, the vocabularies in force.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dialect {
    pub(super) draft: Draft,
    pub(super) vocabularies: Option<Vec<String>>,
}

impl Dialect {
    pub(super) fn has(&self, vocabulary: &str) -> bool {
        if vocabulary == "core" || self.draft < Draft::D2019 {
            return true;
        }
        match &self.vocabularies {
            Some(list) => list.iter().any(|v| v == vocabulary),
            None => self.draft.default_vocabularies().contains(&vocabulary),
        }
    }
}

/// A schema with an identifier of its own, or a whole document.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) pointer: String,
    pub(super) id: String,
    pub(super) dialect: Dialect,
    pub(super) anchors: BTreeMap<String, String>,
    pub(super) dynamic_anchors: Vec<String>,
}

/// A document.
#[derive(Clone, Debug)]
pub(super) struct Root {
    pub(super) url: String,
    pub(super) document: Rc<Json>,
    pub(super) resources: BTreeMap<String, Resource>,
    pub(super) processed: FxHashSet<String>,
}

/// Go's `url.PathUnescape`.
pub(super) fn decode_fragment(whole: &str, fragment: &str) -> Result<String, String> {
    urls::unescape_path(fragment).map_err(|e| parse_error(whole, &e))
}

fn parse_error(url: &str, error: &str) -> String {
    format!("error in parsing {}: {error}", quote(url.as_bytes()))
}

/// Go's `url.Parse`, with its error.
fn parse_url(url: &str) -> Result<urls::Url, String> {
    urls::parse(url).map_err(|e| format!("parse {}: {e}", quote(url.as_bytes())))
}

/// An address seen from another, in two parts: before and after `#`, the latter decoded.
pub(super) fn join(base: &str, reference: &str) -> Result<(String, String), String> {
    let parsed = parse_url(base).map_err(|e| parse_error(base, &e))?;
    let (url, fragment) = split_fragment(reference)?;
    let parsed_reference = parse_url(url).map_err(|e| parse_error(url, &e))?;
    Ok((parsed.resolve(&parsed_reference).print(), fragment))
}

pub(super) fn split_fragment(reference: &str) -> Result<(&str, String), String> {
    let (url, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    Ok((url, decode_fragment(reference, fragment)?))
}

/// Escapes all but the slashes of a pointer.
pub(super) fn encode(fragment: &str) -> String {
    fragment.split('/').map(urls::escape_path_segment).collect::<Vec<_>>().join("/")
}

pub(super) fn address(url: &str, pointer: &str) -> String {
    let stays = |b: u8| b.is_ascii_alphanumeric() || b"-_.~$&+:=@/".contains(&b);
    if pointer.bytes().all(stays) {
        return [url, "#", pointer].concat();
    }
    format!("{url}#{}", encode(pointer))
}

/// The value at a pointer of a document.
pub(super) fn lookup<'a>(url: &str, document: &'a Json, pointer: &str) -> Result<&'a Json, String> {
    let mut value = document;
    for step in pointer.split('/').skip(1) {
        let Some(step) = unescape(step) else {
            return Err(format!("invalid json-pointer {}", quote(address(url, pointer).as_bytes())));
        };
        let next = match value {
            Json::Map(entries) => entries.get(step.as_ref()),
            Json::List(items) => step.parse::<i64>().ok().and_then(|i| usize::try_from(i).ok()).and_then(|i| items.get(i)),
            _ => None,
        };
        let Some(next) = next else {
            return Err(format!("json-pointer in {} not found", quote(address(url, pointer).as_bytes())));
        };
        value = next;
    }
    Ok(value)
}

fn unescape(step: &str) -> Option<Cow<'_, str>> {
    if !step.contains('~') {
        return Some(Cow::Borrowed(step));
    }
    let mut parts = step.split('~');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let rest = part.strip_prefix('0').map(|r| ('~', r)).or_else(|| part.strip_prefix('1').map(|r| ('/', r)));
        let (c, rest) = rest?;
        out.push(c);
        out.push_str(rest);
    }
    Some(Cow::Owned(out))
}

/// Where documents come from.
pub(super) struct Loader<'a> {
    pub(super) documents: BTreeMap<String, Rc<Json>>,
    /// Files are read through it; `None` where there are none.
    pub(super) world: Option<&'a dyn World>,
    /// URNs that nobody resolved.
    pub(super) unresolved: Vec<String>,
    /// A file was asked for where there are none.
    pub(super) misses_files: bool,
}

impl Loader<'_> {
    pub(super) fn load(&mut self, url: &str) -> Result<Rc<Json>, String> {
        if let Some(document) = self.documents.get(url) {
            return Ok(Rc::clone(document));
        }
        let document = match embedded(url) {
            Some(document) => document,
            None => self.fetch(url).map_err(|e| format!("failing loading {}: {e}", quote(url.as_bytes())))?,
        };
        self.documents.insert(url.to_owned(), Rc::clone(&document));
        Ok(document)
    }

    fn fetch(&mut self, url: &str) -> Result<Rc<Json>, String> {
        let parsed = parse_url(url)?;
        match parsed.scheme() {
            "file" => {
                let path = String::from_utf8_lossy(parsed.path()).into_owned();
                let Some(world) = self.world else {
                    self.misses_files = true;
                    return Err(format!("open {path}: no such file or directory"));
                };
                let bytes = world.read(&path).map_err(|e| e.message)?;
                read(&String::from_utf8_lossy(&bytes)).map(Rc::new)
            }
            "http" | "https" => Err(format!("HTTP request failed for {url}: Get {}: kval does not use the network", quote(url.as_bytes()))),
            "urn" => {
                if !self.unresolved.iter().any(|u| u == url) {
                    self.unresolved.push(url.to_owned());
                }
                Ok(Rc::new(Json::Bool(true)))
            }
            _ => Err(format!("no URLLoader registered for {}", quote(parsed.print().as_bytes()))),
        }
    }

    /// The draft a schema is written in.
    fn draft(&mut self, url: &str, pointer: &str, schema: &Json, default: Draft) -> Result<Draft, String> {
        if schema.get("$schema").is_none() {
            return Ok(default);
        }
        let mut seen = BTreeSet::new();
        let (mut url, mut pointer) = (url.to_owned(), pointer);
        let mut schema =
            Rc::new(schema.get("$schema").cloned().map_or(Json::Null, |s| Json::Map(BTreeMap::from([("$schema".to_owned(), s)]))));
        loop {
            let Some(name) = schema.get("$schema").and_then(Json::as_str) else { return Ok(default) };
            if let Some(draft) = Draft::from_url(name) {
                return Ok(draft);
            }
            let name = name.split('#').next().unwrap_or("").to_owned();
            if let Err(e) = parse_url(&name) {
                return Err(format!("invalid $schema in {}: {e}", quote(address(&url, pointer).as_bytes())));
            }
            if pointer.is_empty() && name == url {
                return Err(format!("draft {} is not supported", quote(name.as_bytes())));
            }
            if !seen.insert(name.clone()) {
                return Err(format!("cycle in resolving $schema in {}", quote(name.as_bytes())));
            }
            schema = self.load(&name)?;
            (url, pointer) = (name, "");
        }
    }

    /// The vocabularies that the metaschema of a schema asks for.
    fn vocabularies(&mut self, schema: &Json, draft: Draft) -> Result<Option<Vec<String>>, String> {
        let Some(name) = schema.get("$schema").and_then(Json::as_str).filter(|s| Draft::from_url(s).is_none()) else { return Ok(None) };
        let name = name.split('#').next().unwrap_or("").to_owned();
        let metaschema = self.load(&name)?;
        let Some(Json::Map(wanted)) = metaschema.get("$vocabulary").filter(|_| draft >= Draft::D2019) else { return Ok(None) };
        let prefix = draft.vocabulary_urls().1;
        let mut out: Vec<String> = Vec::new();
        for vocabulary in wanted.iter().filter(|(_, on)| **on == Json::Bool(true)).map(|(name, _)| name) {
            match vocabulary.strip_prefix(&prefix).filter(|v| draft.vocabularies().contains(v)) {
                Some(known) => out.push(known.to_owned()),
                None => {
                    return Err(format!("unsupported vocabulary {} in {}", quote(vocabulary.as_bytes()), quote(name.as_bytes())));
                }
            }
        }
        if !out.iter().any(|v| v == "core") {
            out.push("core".to_owned());
        }
        Ok(Some(out))
    }
}

/// A document from text.
pub(in super::super) fn read(text: &str) -> Result<Json, String> {
    let (document, end) = json::decode(text)?;
    if !text[end..].trim_matches([' ', '\t', '\r', '\n']).is_empty() {
        return Err("invalid character after top-level value".to_owned());
    }
    Ok(document)
}

/// The deepest nesting of schemas.
const MAX_DEPTH: usize = 2000;

impl Root {
    /// A document with all schemas in it that have names.
    pub(super) fn new(url: &str, document: Rc<Json>, loader: &mut Loader<'_>) -> Result<Self, String> {
        let mut root =
            Self { url: url.to_owned(), document: Rc::clone(&document), resources: BTreeMap::new(), processed: FxHashSet::default() };
        root.collect(&document, url, "", &Dialect { draft: Draft::D2020, vocabularies: None }, loader, 0)?;
        Ok(root)
    }

    /// The resource that holds what a pointer names.
    pub(super) fn resource(&self, pointer: &str) -> &Resource {
        let mut at = pointer;
        loop {
            if let Some(found) = self.resources.get(at) {
                return found;
            }
            match at.rfind('/') {
                Some(slash) => at = &at[..slash],
                None => return &self.resources[""],
            }
        }
    }

    /// The pointer that a fragment of a resource means.
    pub(super) fn fragment(&self, fragment: &str, resource: &Resource) -> Result<String, String> {
        if fragment.is_empty() || fragment.starts_with('/') {
            return Ok(format!("{}{fragment}", resource.pointer));
        }
        resource.anchors.get(fragment).cloned().ok_or_else(|| {
            let reference = format!("{}#{}", resource.id, encode(fragment));
            format!("anchor in {} not found in schema {}", quote(reference.as_bytes()), quote(self.url.as_bytes()))
        })
    }

    /// The pointer an address means in this document; `None` when it is of another one.
    pub(super) fn resolve(&self, url: &str, fragment: &str) -> Result<Option<String>, String> {
        let resource = if url == self.url { self.resources.get("") } else { self.resources.values().find(|r| r.id == url) };
        resource.map(|r| self.fragment(fragment, r)).transpose()
    }

    /// Adds a schema that stands where no keyword expects one.
    pub(super) fn add_schema(&mut self, pointer: &str, loader: &mut Loader<'_>) -> Result<(), String> {
        let document = Rc::clone(&self.document);
        let schema = lookup(&self.url, &document, pointer)?;
        let base = self.resource(pointer);
        let (id, dialect) = (base.id.clone(), base.dialect.clone());
        self.collect(schema, &id, pointer, &dialect, loader, 0)?;
        if !self.resources.contains_key(pointer) {
            let holder = self.resource(pointer).pointer.clone();
            self.collect_anchors(schema, pointer, &holder)?;
        }
        Ok(())
    }

    fn collect(
        &mut self,
        schema: &Json,
        base: &str,
        pointer: &str,
        fallback: &Dialect,
        loader: &mut Loader<'_>,
        depth: usize,
    ) -> Result<(), String> {
        if self.processed.contains(pointer) {
            return Ok(());
        }
        if depth > MAX_DEPTH {
            return Err("schemas are nested too deep".to_owned());
        }
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.collect_here(schema, base, pointer, fallback, loader, depth))?;
        self.processed.insert(pointer.to_owned());
        Ok(())
    }

    fn collect_here(
        &mut self,
        schema: &Json,
        base: &str,
        pointer: &str,
        fallback: &Dialect,
        loader: &mut Loader<'_>,
        depth: usize,
    ) -> Result<(), String> {
        let new = |id: &str, dialect: Dialect| Resource {
            pointer: pointer.to_owned(),
            id: id.to_owned(),
            dialect,
            anchors: BTreeMap::new(),
            dynamic_anchors: Vec::new(),
        };
        let Json::Map(_) = schema else {
            if pointer.is_empty() {
                self.resources.insert(String::new(), new(base, fallback.clone()));
            }
            return Ok(());
        };
        let mut has_schema = schema.get("$schema").is_some_and(|s| s.as_str().is_some());
        let mut draft = loader.draft(&self.url, pointer, schema, fallback.draft)?;
        let mut id = draft.id(schema);
        if id.is_empty() && !pointer.is_empty() {
            draft = fallback.draft;
            has_schema = false;
            id = draft.id(schema);
        }
        let mut base = base.to_owned();
        if !id.is_empty() {
            base = join(&base, id).map_err(|_| format!("error in parsing id at {}", quote(address(&self.url, pointer).as_bytes())))?.0;
        }
        if !id.is_empty() || pointer.is_empty() {
            match self.resources.values().find(|r| r.id == base) {
                Some(other) if other.pointer != pointer => {
                    let [id, url, first, second] = [&base, &self.url, pointer, &other.pointer].map(|s| quote(s.as_bytes()));
                    return Err(format!("duplicate id {id} in {url} at {first} and {second}"));
                }
                Some(_) => {}
                None => {
                    let dialect =
                        if has_schema { Dialect { draft, vocabularies: loader.vocabularies(schema, draft)? } } else { fallback.clone() };
                    self.resources.insert(pointer.to_owned(), new(&base, dialect));
                }
            }
        }
        let holder = self.resources.values().find(|r| r.id == base).map(|r| (r.pointer.clone(), r.dialect.clone()));
        let (holder, dialect) = holder.ok_or("unable to validate schema: baseres is nil")?;
        self.collect_anchors(schema, pointer, &holder)?;
        let mut below: BTreeMap<String, &Json> = BTreeMap::new();
        for (keyword, kind) in draft.positions() {
            let Some(value) = schema.get(keyword) else { continue };
            let at = [pointer, "/", keyword].concat();
            match (kind, value) {
                (Below::Itself, _) => {
                    below.insert(at, value);
                }
                (Below::Properties, Json::Map(entries)) => {
                    below.extend(entries.iter().map(|(name, value)| (format!("{at}/{}", escape(name)), value)));
                }
                (Below::Items, Json::List(items)) => {
                    below.extend(items.iter().enumerate().map(|(i, value)| (format!("{at}/{i}"), value)));
                }
                _ => {}
            }
        }
        for (pointer, value) in below {
            self.collect(value, &base, &pointer, &dialect, loader, depth + 1)?;
        }
        Ok(())
    }

    fn collect_anchors(&mut self, schema: &Json, pointer: &str, holder: &str) -> Result<(), String> {
        let url = self.url.clone();
        let Some(resource) = self.resources.get_mut(holder) else { return Ok(()) };
        let draft = resource.dialect.draft;
        let mut add = |anchor: &str| -> Result<(), String> {
            match resource.anchors.get(anchor) {
                Some(other) if other != pointer => {
                    let [anchor, url, first, second] = [anchor, &url, other, pointer].map(|s| quote(s.as_bytes()));
                    Err(format!("duplicate anchor {anchor} in {url} at {first} and {second}"))
                }
                Some(_) => Ok(()),
                None => {
                    resource.anchors.insert(anchor.to_owned(), pointer.to_owned());
                    Ok(())
                }
            }
        };
        if draft < Draft::D2019 {
            if schema.get("$ref").is_some() {
                return Ok(());
            }
            if let Some(id) = schema.get(draft.id_keyword()).and_then(Json::as_str) {
                let (_, fragment) =
                    split_fragment(id).map_err(|_| format!("error in parsing anchor at {}", quote(address(&url, pointer).as_bytes())))?;
                if !fragment.is_empty() && !fragment.starts_with('/') {
                    add(&fragment)?;
                }
            }
            return Ok(());
        }
        if let Some(anchor) = schema.get("$anchor").and_then(Json::as_str) {
            add(anchor)?;
        }
        if draft >= Draft::D2020 {
            if let Some(anchor) = schema.get("$dynamicAnchor").and_then(Json::as_str) {
                add(anchor)?;
                resource.dynamic_anchors.push(anchor.to_owned());
            }
        }
        Ok(())
    }
}
