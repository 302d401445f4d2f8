//! The API's types per Kubernetes version, embedded and inflated on first use. The format is described in
//! `schemas/README.md`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

/// The version whose Go types, defaults and validation kval knows.
pub const NEWEST_VALIDATED: &str = "1.36";

static GO_TYPES: &[u8] = include_bytes!("../../schemas/go-types.bin");
static VERSIONS: &[u8] = include_bytes!("../../schemas/versions.bin");

/// A field of a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its key in JSON; empty when the struct is inlined.
    pub json: &'static str,
    /// Its type expression.
    pub ty: &'static str,
    /// Its name in Go; empty where only OpenAPI is known.
    pub go_name: &'static str,
    /// When it is left out of JSON.
    pub omit: Omit,
}

/// When a field is left out of JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Omit {
    /// Never.
    #[default]
    Never,
    /// When empty; a struct never is (`omitempty`).
    Empty,
    /// When it has its type's zero value, structs too (`omitzero`).
    Zero,
}

/// A struct.
#[derive(Clone, Debug, Default)]
pub struct Struct {
    /// How Go prints the type, such as `v1.PodSpec`.
    pub printed: &'static str,
    /// Its fields in declaration order.
    pub fields: Vec<Field>,
}

/// The types of one Kubernetes version.
#[derive(Debug, Default)]
pub struct Schema {
    kinds: FxHashMap<&'static str, &'static str>,
    structs: FxHashMap<&'static str, Entry>,
}

/// A struct, read when somebody asks for it: of a thousand most runs need a few dozen.
#[derive(Debug, Default)]
struct Entry {
    /// The lines that describe it.
    lines: &'static str,
    body: OnceLock<Arc<Struct>>,
}

impl Schema {
    /// The type of `group/version/Kind` (`v1/Pod` for the core group).
    pub fn kind(&self, gvk: &str) -> Option<&'static str> {
        self.kinds.get(gvk).copied()
    }

    /// All kinds, as `group/version/Kind`, and their types, sorted.
    pub fn kinds(&self) -> Vec<(&'static str, &'static str)> {
        let mut out: Vec<_> = self.kinds.iter().map(|(gvk, ty)| (*gvk, *ty)).collect();
        out.sort_unstable();
        out
    }

    /// A struct by its name.
    pub fn get(&self, name: &str) -> Option<&Struct> {
        self.structs.get(name).map(|entry| &**entry.body.get_or_init(|| Arc::new(read_struct(entry.lines))))
    }

    /// The name of a struct as the schema holds it.
    pub fn name(&self, name: &str) -> Option<&'static str> {
        self.structs.get_key_value(name).map(|(name, _)| *name)
    }

    /// The field with this JSON name, and the Go names of the inlined structs on the way to it.
    pub fn field(&self, name: &str, json: &str) -> Option<(Field, Vec<&'static str>)> {
        let mut trail = Vec::new();
        let field = self.find(name, json, &mut trail, 0)?;
        Some((field, trail))
    }

    fn find(&self, name: &str, json: &str, trail: &mut Vec<&'static str>, depth: usize) -> Option<Field> {
        let fields = &self.get(name)?.fields;
        if let Some(field) = fields.iter().find(|f| f.json == json && !f.json.is_empty()) {
            return Some(*field);
        }
        if depth > 8 {
            return None;
        }
        for inlined in fields.iter().filter(|f| f.json.is_empty()) {
            trail.push(inlined.go_name);
            if let Some(field) = self.find(inlined.ty.trim_start_matches('*'), json, trail, depth + 1) {
                return Some(field);
            }
            trail.pop();
        }
        None
    }

    /// All JSON names of a struct, inlined ones included, in declaration order.
    pub fn names(&self, name: &str) -> Vec<&'static str> {
        let mut out = Vec::new();
        self.collect_names(name, &mut out, 0);
        out
    }

    fn collect_names(&self, name: &str, out: &mut Vec<&'static str>, depth: usize) {
        for field in self.get(name).map_or(&[][..], |s| &s.fields) {
            if !field.json.is_empty() {
                out.push(field.json);
            } else if depth < 8 {
                self.collect_names(field.ty.trim_start_matches('*'), out, depth + 1);
            }
        }
    }
}

/// When an API came and went; versions are `major.minor`, empty where unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// The group, empty for core.
    pub group: &'static str,
    /// Such as `v1beta1`.
    pub version: &'static str,
    /// Such as `Ingress`.
    pub kind: &'static str,
    /// The first version with it.
    pub first: &'static str,
    /// The last version with it.
    pub last: &'static str,
    /// The version that deprecated it.
    pub deprecated: &'static str,
    /// The version that removed it.
    pub removed: &'static str,
    /// What to use instead, such as `networking.k8s.io/v1 Ingress`.
    pub replacement: &'static str,
}

/// A definition that a version sets (its number) or drops.
type Change = (&'static str, Option<usize>);

/// When all APIs came and went: the head of the versions' text, and all of it that most objects need.
#[derive(Debug, Default)]
struct Lives {
    all: Vec<Lifecycle>,
    groups: BTreeSet<&'static str>,
    numbers: FxHashMap<(&'static str, &'static str, &'static str), usize>,
}

#[derive(Debug, Default)]
struct Bundle {
    definitions: Vec<(Arc<Struct>, Vec<&'static str>)>,
    versions: Vec<(&'static str, Vec<Change>)>,
}

pub(crate) fn inflate(bytes: &[u8]) -> &'static str {
    let mut text = String::new();
    let result = flate2::read::DeflateDecoder::new(bytes).read_to_string(&mut text);
    debug_assert!(result.is_ok(), "an embedded schema does not inflate");
    // One text per process, kept for its whole life: every name of the schema is a slice of it.
    Box::leak(text.into_boxed_str())
}

/// The lines up to the first one that starts with `mark`.
fn inflate_head(bytes: &[u8], mark: u8) -> &'static str {
    let mut decoder = flate2::read::DeflateDecoder::new(bytes);
    let mut head = Vec::new();
    let mut part = [0; 4096];
    let end = loop {
        let before = head.len();
        match decoder.read(&mut part) {
            Ok(read @ 1..) => head.extend_from_slice(&part[..read]),
            _ => break head.len(),
        }
        if let Some(at) = memchr::memmem::find(&head[before.saturating_sub(1)..], &[b'\n', mark]) {
            break before.saturating_sub(1) + at + 1;
        }
    };
    head.truncate(end);
    Box::leak(String::from_utf8_lossy(&head).into_owned().into_boxed_str())
}

static LIVES: LazyLock<Lives> = LazyLock::new(|| read_lives(inflate_head(VERSIONS, b'D')));
static NEWEST: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(read_go_types(inflate(GO_TYPES))));
static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| read_versions(inflate(VERSIONS)));
/// By the version as it was asked for.
static LOADED: Mutex<BTreeMap<String, Arc<Schema>>> = Mutex::new(BTreeMap::new());

/// The cells of a line, which are a few bytes long each.
pub(crate) fn cells(line: &'static str) -> impl Iterator<Item = &'static str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some(at) = text.bytes().position(|b| b == b'\t') else { return Some(text) };
        let (cell, behind) = text.split_at(at);
        rest = behind.get(1..);
        Some(cell)
    })
}

fn read_go_types(text: &'static str) -> Schema {
    let mut schema = Schema::default();
    let mut open: Option<(&'static str, usize)> = None;
    let mut close = |open: Option<(&'static str, usize)>, end: usize| {
        if let Some((name, from)) = open {
            let lines = text.get(from..end).unwrap_or_default();
            schema.structs.insert(name, Entry { lines, body: OnceLock::new() });
        }
    };
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
        let line = text.get(from..end).unwrap_or_default();
        let mut cells = cells(line).skip(1);
        let mut cell = || cells.next().unwrap_or("");
        match line.as_bytes().first() {
            Some(b'K') => drop(schema.kinds.insert(cell(), cell())),
            Some(b'T') => {
                close(open, from);
                open = Some((cell(), from));
            }
            _ => {}
        }
        from = end + 1;
    }
    close(open, text.len());
    schema
}

/// The struct that some lines describe.
fn read_struct(lines: &'static str) -> Struct {
    let mut out = Struct::default();
    for line in lines.lines() {
        let mut cells = cells(line);
        let tag = cells.next().unwrap_or("");
        let mut cell = || cells.next().unwrap_or("");
        match tag {
            "T" => (_, out.printed) = (cell(), cell()),
            "F" => {
                let (json, ty, go_name) = (cell(), cell(), cell());
                let omit = match cell() {
                    "e" => Omit::Empty,
                    "z" => Omit::Zero,
                    _ => Omit::Never,
                };
                out.fields.push(Field { json, ty, go_name, omit });
            }
            _ => {}
        }
    }
    out
}

fn read_lives(text: &'static str) -> Lives {
    let mut lives = Lives::default();
    for line in text.lines() {
        let mut cells = cells(line).skip(1);
        let mut cell = || cells.next().unwrap_or("");
        let life = Lifecycle {
            group: cell(),
            version: cell(),
            kind: cell(),
            first: cell(),
            last: cell(),
            deprecated: cell(),
            removed: cell(),
            replacement: cell(),
        };
        lives.groups.insert(life.group);
        lives.numbers.insert((life.group, life.version, life.kind), lives.all.len());
        lives.all.push(life);
    }
    lives
}

fn read_versions(text: &'static str) -> Bundle {
    let mut bundle = Bundle::default();
    let mut open: Option<(Struct, Vec<&'static str>)> = None;
    for line in text.lines() {
        let mut cells = cells(line);
        let tag = cells.next().unwrap_or("");
        let mut cell = || cells.next().unwrap_or("");
        if matches!(tag, "D" | "V") {
            if let Some((body, gvks)) = open.take() {
                bundle.definitions.push((Arc::new(body), gvks));
            }
        }
        match tag {
            "D" => open = Some((Struct::default(), Vec::new())),
            "F" => {
                if let Some((body, _)) = &mut open {
                    body.fields.push(Field { json: cell(), ty: cell(), go_name: "", omit: Omit::Empty });
                }
            }
            "G" => {
                if let Some((_, gvks)) = &mut open {
                    gvks.push(cell());
                }
            }
            "V" => bundle.versions.push((cell(), Vec::new())),
            "+" => {
                let (name, number) = (cell(), cell().parse().ok());
                if let Some((_, changes)) = bundle.versions.last_mut() {
                    changes.push((name, number));
                }
            }
            "-" => {
                let name = cell();
                if let Some((_, changes)) = bundle.versions.last_mut() {
                    changes.push((name, None));
                }
            }
            _ => {}
        }
    }
    bundle
}

/// The Go types of [`NEWEST_VALIDATED`].
pub fn newest() -> &'static Arc<Schema> {
    &NEWEST
}

/// All Kubernetes versions with a schema, oldest first.
pub fn versions() -> Vec<&'static str> {
    BUNDLE.versions.iter().map(|v| v.0).collect()
}

/// `1.29` of `v1.29.3`; `None` when it is no version.
pub fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split(['.', '-', '+']);
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next()?.parse().ok()?))
}

/// The OpenAPI types of a version (`1.29`, `v1.29.3`); of the nearest version known when it is older or newer than all.
pub fn of_version(version: &str) -> Option<Arc<Schema>> {
    let mut loaded = LOADED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(schema) = loaded.get(version) {
        return Some(Arc::clone(schema));
    }
    let wanted = minor(version)?;
    let at = |v: &str| minor(v).unwrap_or_default();
    let known = &BUNDLE.versions;
    let index = known.iter().rposition(|(v, _)| at(v) <= wanted).unwrap_or(0);
    let name = known.get(index)?.0;
    if let Some(schema) = loaded.get(name).cloned() {
        loaded.insert(version.to_owned(), Arc::clone(&schema));
        return Some(schema);
    }
    let mut schema = Schema::default();
    let mut names: BTreeMap<&'static str, usize> = BTreeMap::new();
    for (_, changes) in &known[..=index] {
        for (name, change) in changes {
            match change {
                Some(number) => names.insert(name, *number),
                None => names.remove(name),
            };
        }
    }
    for (name, number) in names {
        let Some((body, gvks)) = BUNDLE.definitions.get(number) else { continue };
        schema.structs.insert(name, Entry { lines: "", body: OnceLock::from(Arc::clone(body)) });
        for gvk in gvks {
            schema.kinds.insert(gvk, name);
        }
    }
    let schema = Arc::new(schema);
    loaded.insert(name.to_owned(), Arc::clone(&schema));
    Some(schema)
}

/// The life of an API, when it is one of Kubernetes' own.
pub fn lifecycle(group: &str, version: &str, kind: &str) -> Option<&'static Lifecycle> {
    LIVES.numbers.get(&(group, version, kind)).and_then(|number| LIVES.all.get(*number))
}

/// All APIs of Kubernetes' own.
pub fn lifecycles() -> &'static [Lifecycle] {
    &LIVES.all
}

/// Whether [`NEWEST_VALIDATED`] has a kind, `group/version/Kind`; `None` where only its schema can say.
pub(super) fn newest_has(gvk: &str) -> Option<bool> {
    let (api_version, kind) = gvk.rsplit_once('/')?;
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let now = minor(NEWEST_VALIDATED)?;
    match lifecycle(group, version, kind) {
        Some(life) => Some(minor(life.first)? <= now && now <= minor(life.last)?),
        // Of every group the schema lists what all requests are made of.
        None => (!matches!(kind, "DeleteOptions" | "WatchEvent") && newest().kind(gvk).is_none()).then_some(false),
    }
}

/// Whether the group is one of Kubernetes' own (in any version), and not of custom resources.
pub fn is_builtin_group(group: &str) -> bool {
    LIVES.groups.contains(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said without the schema is what the schema says.
    #[test]
    fn the_newest_version_has_what_its_schema_lists() {
        let schema = of_version(NEWEST_VALIDATED).unwrap();
        let lives = lifecycles().iter().map(|l| {
            if l.group.is_empty() { format!("{}/{}", l.version, l.kind) } else { format!("{}/{}/{}", l.group, l.version, l.kind) }
        });
        let listed = schema.kinds().into_iter().map(|(gvk, _)| gvk.to_owned());
        for gvk in lives.chain(listed).chain(["example.com/v1/Some".to_owned(), "v1/Nothing".to_owned()]) {
            let said = newest_has(&gvk);
            assert!(said.is_none_or(|said| said == schema.kind(&gvk).is_some()), "{gvk}: {said:?}");
        }
    }
}

#[cfg(test)]
#[path = "schema_build.rs"]
pub(crate) mod build;
