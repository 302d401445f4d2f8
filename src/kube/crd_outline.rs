//! What validation has to look at in a definition of custom resources. Nearly all of a definition are properties with a type
//! and a description, about which nothing is to be said: those are left out before a tree is made.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::crd_formats;
use crate::cel::decl::escape;
use crate::value::go_regex;
use crate::yaml::{Document, Entry, Node, NodeKind, Outline, Part, PartKind};

/// The document of a definition without the parts of its schemas that no rule of the newest server is about; `None` for any
/// other document. When something is found in it, the whole document has to be judged.
pub fn essential(outline: &Outline<'_>) -> Option<Document> {
    let root = outline.root()?;
    let is = |key: &str, wanted: &str| root.get(key).and_then(Part::text).is_some_and(|t| t == wanted);
    if !is("kind", "CustomResourceDefinition") || !is("apiVersion", "apiextensions.k8s.io/v1") {
        return None;
    }
    let versions = root.get("spec").and_then(|spec| spec.get("versions"));
    // Selectable fields name parts of the schema.
    if versions.is_some_and(|all| all.items().any(|v| v.get("selectableFields").is_some())) {
        return None;
    }
    // Where unknown fields are kept, no schema may have defaults.
    if root.get("spec").and_then(|spec| spec.get("preserveUnknownFields")).is_some_and(|keeps| !is_bool(keeps, false)) {
        return None;
    }
    let node = mapping(root, |key, spec| match key {
        "spec" => mapping(spec, |key, versions| match key {
            "versions" if versions.kind() == PartKind::Sequence => {
                let items = versions.items().enumerate().map(version).collect();
                Arc::new(Node { span: versions.span(), kind: NodeKind::Sequence(items) })
            }
            _ => versions.node(),
        }),
        _ => spec.node(),
    });
    Some(outline.with_root(Some(node)))
}

fn version((number, version): (usize, Part<'_>)) -> Arc<Node> {
    mapping(version, |key, part| match key {
        "schema" => mapping(part, |key, part| match key {
            "openAPIV3Schema" => numbered(schema(part, &Ask { kept: true, root: true, keys: &[] }), part, number),
            _ => part.node(),
        }),
        _ => part.node(),
    })
}

/// Schemas that differ must go on to differ: what versions have in common is judged once.
fn numbered(schema: Option<Arc<Node>>, part: Part<'_>, number: usize) -> Arc<Node> {
    let mut node = schema.unwrap_or_else(|| part.node());
    if let NodeKind::Mapping(entries) = &mut Arc::make_mut(&mut node).kind
        && entries.iter().all(|e| e.key != "description")
    {
        let text = Node { span: part.span(), kind: NodeKind::Str(number.to_string()) };
        entries.push(Entry { key: "description".to_owned(), key_span: part.key_span(), value: Arc::new(text) });
    }
    node
}

/// A mapping with each value made by `value`; anything else as it is.
fn mapping<'o>(part: Part<'o>, value: impl Fn(&str, Part<'o>) -> Arc<Node>) -> Arc<Node> {
    if part.kind() != PartKind::Mapping {
        return part.node();
    }
    let entries = part.entries().map(|(key, v)| entry(&key, v, value(&key, v))).collect();
    Arc::new(Node { span: part.span(), kind: NodeKind::Mapping(entries) })
}

fn entry(key: &str, part: Part<'_>, value: Arc<Node>) -> Entry {
    Entry { key: key.to_owned(), key_span: part.key_span(), value }
}

/// The objects that are held against a version of a definition, by `apiVersion` and kind.
pub type Instances<'v> = &'v (dyn Fn(&str, &str) -> Vec<&'v Value> + Sync);

/// The document of a definition without its descriptions, for objects that are held against it, and without what none of
/// `instances` is about, where those are all; `None` for any other document.
pub fn undescribed(outline: &Outline<'_>, instances: Option<Instances<'_>>) -> Option<Document> {
    let root = outline.root()?;
    root.get("kind").and_then(Part::text).filter(|kind| kind == "CustomResourceDefinition")?;
    let text = |part: Option<Part<'_>>| part.and_then(Part::text).unwrap_or_default().into_owned();
    let spec = root.get("spec");
    let group = text(spec.and_then(|spec| spec.get("group")));
    let kind = text(spec.and_then(|spec| spec.get("names")).and_then(|names| names.get("kind")));
    let version = |version: Part<'_>| {
        let found = instances.map(|of| of(&format!("{group}/{}", text(version.get("name"))), &kind));
        mapping(version, |key, part| match (key, &found) {
            ("schema", Some(found)) if found.is_empty() => Arc::new(Node { span: part.span(), kind: NodeKind::Mapping(Vec::new()) }),
            ("schema", Some(found)) => mapping(part, |_, part| used(part, found)),
            ("schema", None) => mapping(part, |_, part| whole(part)),
            _ => part.node(),
        })
    };
    let node = mapping(root, |key, spec| match key {
        "spec" => mapping(spec, |key, versions| match key {
            "versions" if versions.kind() == PartKind::Sequence => {
                let items = versions.items().map(version).collect();
                Arc::new(Node { span: versions.span(), kind: NodeKind::Sequence(items) })
            }
            _ => versions.node(),
        }),
        _ => spec.node(),
    });
    Some(outline.with_root(Some(node)))
}

/// A schema as far as it is about `values`. What is absent matters where it has a default, and where rules may name it.
fn used(part: Part<'_>, values: &[&Value]) -> Arc<Node> {
    if part.kind() != PartKind::Mapping || repeats(part) {
        return whole(part);
    }
    // Rules about items speak of the list, and may do with it what they like.
    let is_object = part.get("items").is_none() && part.get("additionalProperties").is_none();
    let rules = match part.get("x-kubernetes-validations") {
        Some(rules) => match named(rules).filter(|_| is_object) {
            Some(rules) => Some(rules),
            None => return whole(part),
        },
        None => None,
    };
    let property = |name: &str, property: Part<'_>| {
        let below: Vec<&Value> = values.iter().filter_map(|value| value.get(name)).collect();
        match property.get("default") {
            Some(_) => Some(whole(property)),
            None if rules.as_deref().is_some_and(|rules| names(rules, name)) => Some(whole(property)),
            None if below.is_empty() => None,
            None => Some(used(property, &below)),
        }
    };
    with_entries(part, |key, below| match key {
        "description" if below.kind() == PartKind::Text => None,
        "properties" if below.kind() == PartKind::Mapping => Some(with_entries(below, property)),
        "items" => {
            let items: Vec<&Value> = values.iter().filter_map(|value| value.as_array()).flatten().collect();
            Some(used(below, &items))
        }
        "additionalProperties" => {
            let values: Vec<&Value> = values.iter().filter_map(|value| value.as_object()).flat_map(|map| map.values()).collect();
            Some(used(below, &values))
        }
        _ => Some(below.node()),
    })
}

/// What the schema above asks of one.
struct Ask<'k> {
    /// It stays in any case.
    kept: bool,
    /// It is the schema of objects.
    root: bool,
    /// The properties that tell the items of a list apart.
    keys: &'k [Cow<'k, str>],
}

/// The parts of a schema.
#[derive(Default)]
struct Found<'o> {
    ty: Cow<'o, str>,
    format: Option<Cow<'o, str>>,
    properties: Option<Part<'o>>,
    items: Option<Part<'o>>,
    additional: Option<Part<'o>>,
    list_type: Option<Cow<'o, str>>,
    list_keys: Option<Part<'o>>,
    pattern: Option<Part<'o>>,
    default: Option<Part<'o>>,
    choices: Option<Part<'o>>,
    any_of: Option<Part<'o>>,
    rules: Option<Part<'o>>,
    map_type: bool,
    preserves: bool,
    /// An integer or a string.
    either: bool,
    /// Lengths or numbers have limits.
    limited: bool,
    /// A rule is about it.
    special: bool,
    /// Rules are about all that is in it.
    whole: bool,
    /// A key stands twice.
    repeated: bool,
}

fn is_texts(part: Part<'_>) -> bool {
    part.kind() == PartKind::Sequence && part.items().all(|p| p.kind() == PartKind::Text)
}

fn is_bool(part: Part<'_>, wanted: bool) -> bool {
    matches!(part.scalar(), Some(NodeKind::Bool(given)) if given == wanted)
}

fn is_int(part: Part<'_>) -> bool {
    matches!(part.scalar(), Some(NodeKind::Int(_)))
}

fn found(schema: Part<'_>) -> Found<'_> {
    let mut out = Found::default();
    let mut seen = 0_u32;
    for (key, part) in schema.entries() {
        let bit = match &*key {
            "description" => {
                out.repeated |= part.kind() != PartKind::Text;
                0
            }
            "type" => {
                match part.text() {
                    Some(ty) => out.ty = ty,
                    None => out.special = true,
                }
                1
            }
            "format" => {
                out.format = part.text();
                out.special |= out.format.is_none();
                2
            }
            "properties" => {
                out.properties = Some(part);
                out.whole |= part.kind() != PartKind::Mapping;
                3
            }
            "items" => {
                out.items = Some(part);
                4
            }
            "additionalProperties" => {
                out.additional = Some(part);
                5
            }
            "required" => {
                out.special |= !is_texts(part);
                6
            }
            "enum" => {
                out.choices = Some(part);
                out.special |= part.kind() != PartKind::Sequence;
                7
            }
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" | "minimum" | "maximum" => {
                out.limited = true;
                out.special |= !is_int(part);
                continue;
            }
            "nullable" => {
                out.special |= !matches!(part.scalar(), Some(NodeKind::Bool(_)));
                8
            }
            "x-kubernetes-list-type" => {
                out.list_type = part.text();
                out.special |= out.list_type.is_none();
                9
            }
            "x-kubernetes-list-map-keys" => {
                out.list_keys = Some(part);
                out.special |= !is_texts(part);
                10
            }
            "x-kubernetes-map-type" => {
                out.map_type = true;
                out.special |= part.text().is_none_or(|t| t != "atomic" && t != "granular");
                11
            }
            "x-kubernetes-preserve-unknown-fields" => {
                out.preserves = true;
                out.special |= !is_bool(part, true);
                12
            }
            "pattern" => {
                out.pattern = Some(part);
                out.special |= !part.text().is_some_and(|pattern| is_regex(&pattern));
                13
            }
            "x-kubernetes-int-or-string" => {
                out.either = true;
                out.special |= !is_bool(part, true);
                14
            }
            "default" => {
                out.default = Some(part);
                15
            }
            "anyOf" => {
                out.any_of = Some(part);
                16
            }
            "x-kubernetes-validations" => {
                out.rules = Some(part);
                17
            }
            // Schemas that speak of no properties need no others.
            "oneOf" | "allOf" => {
                out.special = true;
                out.whole |= part.kind() != PartKind::Sequence || !part.items().all(speaks_of_itself);
                continue;
            }
            "not" => {
                out.special = true;
                out.whole |= !speaks_of_itself(part);
                continue;
            }
            _ => {
                (out.special, out.whole) = (true, true);
                continue;
            }
        };
        out.repeated |= seen & (1 << bit) != 0;
        seen |= 1 << bit;
    }
    if let Some(any_of) = out.any_of.filter(|any_of| !(out.either && out.ty.is_empty() && is_int_or_string(*any_of))) {
        out.special = true;
        out.whole |= any_of.kind() != PartKind::Sequence || !any_of.items().all(speaks_of_itself);
    }
    if out.default.is_some_and(|default| !out.takes(default)) {
        (out.special, out.whole) = (true, true);
    }
    out
}

impl Found<'_> {
    /// Whether a scalar is a fit default without a closer look.
    fn takes(&self, default: Part<'_>) -> bool {
        let free = !self.special && !self.limited && self.pattern.is_none() && self.format.is_none() && self.any_of.is_none();
        let chosen = |text: &str| self.choices.is_none_or(|all| all.items().any(|one| one.text().is_some_and(|one| one == text)));
        free && match &*self.ty {
            "string" => default.text().is_some_and(|text| chosen(&text)),
            "boolean" => self.choices.is_none() && matches!(default.scalar(), Some(NodeKind::Bool(_))),
            "integer" => self.choices.is_none() && is_int(default),
            _ => false,
        }
    }

    /// Whether what is said about the items of a list can be wrong.
    fn doubtful_list(&self) -> bool {
        let Some(list_type) = self.list_type.as_deref() else { return self.list_keys.is_some() };
        if self.ty != "array" || (list_type == "map") != self.list_keys.is_some() {
            return true;
        }
        let Some(items) = self.items.filter(|items| items.kind() == PartKind::Mapping) else { return true };
        match list_type {
            "atomic" => false,
            "set" => !is_definite_scalar(items),
            "map" => !self.list_keys.is_some_and(|keys| tell_apart(keys, items)),
            _ => true,
        }
    }
}

/// Whether a schema is of a scalar that is never null.
fn is_definite_scalar(schema: Part<'_>) -> bool {
    let ty = schema.get("type").and_then(Part::text);
    schema.get("nullable").is_none() && ty.is_some_and(|ty| matches!(&*ty, "boolean" | "integer" | "number" | "string"))
}

/// Whether keys are properties that all objects of a list have.
fn tell_apart(keys: Part<'_>, items: Part<'_>) -> bool {
    let names: Vec<Cow<'_, str>> = keys.items().filter_map(Part::text).collect();
    let Some(properties) = items.get("properties") else { return false };
    let required = items.get("required");
    let fits = |(i, name): (usize, &Cow<'_, str>)| {
        let required = || required.is_some_and(|all| all.items().any(|one| one.text().as_ref() == Some(name)));
        !names[..i].contains(name)
            && properties.get(name).is_some_and(|p| is_definite_scalar(p) && (required() || p.get("default").is_some()))
    };
    items.get("type").and_then(Part::text).is_some_and(|ty| ty == "object")
        && items.get("nullable").is_none()
        && !names.is_empty()
        && names.iter().enumerate().all(fits)
}

/// Whether `anyOf` says "an integer or a string" and nothing else.
fn is_int_or_string(any_of: Part<'_>) -> bool {
    let is = |part: Option<Part<'_>>, wanted: &str| {
        part.filter(|p| p.kind() == PartKind::Mapping).is_some_and(|part| {
            let mut entries = part.entries();
            let first = entries.next().is_some_and(|(key, ty)| key == "type" && ty.text().is_some_and(|ty| ty == wanted));
            first && entries.next().is_none()
        })
    };
    let mut items = any_of.items();
    is(items.next(), "integer") && is(items.next(), "string") && items.next().is_none()
}

/// Whether Go compiles a pattern. Most are those of quantities.
fn is_regex(pattern: &str) -> bool {
    const QUANTITY: &str =
        r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";
    pattern == QUANTITY || go_regex::translate(pattern.as_bytes()).is_ok()
}

/// Whether a schema inside of a junctor is about the value itself only.
fn speaks_of_itself(part: Part<'_>) -> bool {
    part.kind() == PartKind::Mapping
        && part.entries().all(|(key, below)| match &*key {
            "type" | "required" | "enum" | "format" | "minLength" | "maxLength" | "minimum" | "maximum" => true,
            "not" => speaks_of_itself(below),
            "anyOf" | "oneOf" | "allOf" => below.kind() == PartKind::Sequence && below.items().all(speaks_of_itself),
            _ => false,
        })
}

fn unusual(found: &Found<'_>) -> bool {
    let ty = &*found.ty;
    let format = found.format.as_deref().unwrap_or("");
    let known_format = match ty {
        _ if format.is_empty() => true,
        "" | "string" => crd_formats::is_supported(format),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    };
    let known_type = matches!(ty, "array" | "boolean" | "integer" | "number" | "object" | "string");
    !(known_type || ty.is_empty() && (found.preserves || found.either))
        || found.preserves && found.either
        || !known_format
        || found.map_type && ty != "object"
        || found.doubtful_list()
        || ty == "array" && found.items.is_none()
}

/// The texts of rules that are about properties of `self` by their names, and about nothing else of it; `None` for others.
fn named(rules: Part<'_>) -> Option<String> {
    let mut out = String::new();
    for rule in rules.items() {
        for (key, part) in rule.entries() {
            match &*key {
                "rule" | "messageExpression" | "fieldPath" => {
                    out.push_str(&part.text()?);
                    out.push('\n');
                }
                _ => {}
            }
        }
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for word in ["self", "oldSelf"] {
        for (at, _) in out.match_indices(word) {
            let inner = out[..at].ends_with(|c: char| is_name(c) || c == '.');
            let rest = &out[at + word.len()..];
            if !inner && !rest.starts_with(is_name) && !rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(is_name)) {
                return None;
            }
        }
    }
    Some(out)
}

/// Whether rules may speak of a property.
fn names(rules: &str, property: &str) -> bool {
    rules.contains(property) || escape(property).is_some_and(|name| rules.contains(&name))
}

/// What is to be looked at in a schema; `None` for nothing.
fn schema(part: Part<'_>, ask: &Ask<'_>) -> Option<Arc<Node>> {
    if part.kind() != PartKind::Mapping {
        return Some(part.node());
    }
    let found = found(part);
    if found.repeated {
        return Some(part.node());
    }
    let named = match found.rules {
        Some(rules) => match named(rules).filter(|_| found.items.is_none() && found.additional.is_none()) {
            Some(named) => Some(named),
            None => return Some(whole(part)),
        },
        None => None,
    };
    if found.whole {
        return Some(whole(part));
    }
    let additional_is_schema = found.additional.is_some_and(|a| a.kind() == PartKind::Mapping);
    if found.additional.is_some() && (ask.root || found.properties.is_some() || !additional_is_schema) {
        return Some(whole(part));
    }
    let unusual = unusual(&found);
    let mut special = ask.kept || found.special || unusual || named.is_some();
    let mut properties: Vec<Entry> = Vec::new();
    if let Some(all) = found.properties {
        let mut last = Cow::Borrowed("");
        let mut sorted = true;
        for (name, property) in all.entries() {
            sorted &= last < name;
            let meta = ask.root && matches!(&*name, "apiVersion" | "kind" | "metadata");
            let below = match &named {
                _ if meta => Some(property.node()),
                Some(rules) if names(rules, &name) => Some(whole(property)),
                _ => schema(property, &Ask { kept: false, root: false, keys: &[] }),
            };
            special |= below.is_some();
            if let Some(node) = below.or_else(|| ask.keys.contains(&name).then(|| shallow(property))) {
                properties.push(entry(&name, property, node));
            }
            last = name;
        }
        if !sorted && repeats(all) {
            return Some(part.node());
        }
    }
    let keys: Vec<Cow<'_, str>> = found.list_keys.iter().flat_map(|keys| keys.items().filter_map(Part::text)).collect();
    let kept = unusual && found.list_type.as_deref().is_some_and(|t| t != "atomic");
    let items = found.items.map(|items| (items, schema(items, &Ask { kept, root: false, keys: &keys })));
    special |= items.as_ref().is_some_and(|(_, node)| node.is_some());
    let additional = found.additional.map(|extra| (extra, schema(extra, &Ask { kept: false, root: false, keys: &[] })));
    special |= additional.as_ref().is_some_and(|(_, node)| node.is_some());
    if !special {
        return None;
    }
    let own = |key: &str, value: Part<'_>| match key {
        "description" => None,
        "properties" => Some(Arc::new(Node { span: value.span(), kind: NodeKind::Mapping(std::mem::take(&mut properties)) })),
        "items" => items.as_ref().map(|(items, node)| node.clone().unwrap_or_else(|| shallow(*items))),
        "additionalProperties" => additional.as_ref().map(|(extra, node)| node.clone().unwrap_or_else(|| shallow(*extra))),
        _ => Some(value.node()),
    };
    Some(with_entries(part, own))
}

fn with_entries<'o>(part: Part<'o>, mut value: impl FnMut(&str, Part<'o>) -> Option<Arc<Node>>) -> Arc<Node> {
    let entries = part.entries().filter_map(|(key, v)| Some(entry(&key, v, value(&key, v)?))).collect();
    Arc::new(Node { span: part.span(), kind: NodeKind::Mapping(entries) })
}

/// Whether a key stands twice.
fn repeats(part: Part<'_>) -> bool {
    let mut names: Vec<Cow<'_, str>> = part.entries().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// A schema of which nothing but itself matters.
fn shallow(part: Part<'_>) -> Arc<Node> {
    if part.kind() != PartKind::Mapping {
        return part.node();
    }
    with_entries(part, |key, value| match key {
        "description" | "properties" => None,
        "items" | "additionalProperties" => Some(shallow(value)),
        _ => Some(value.node()),
    })
}

/// A schema with all that is in it, but for descriptions.
fn whole(part: Part<'_>) -> Arc<Node> {
    if part.kind() != PartKind::Mapping || repeats(part) {
        return part.node();
    }
    with_entries(part, |key, value| match key {
        "description" if value.kind() == PartKind::Text => None,
        "properties" if value.kind() == PartKind::Mapping => Some(with_entries(value, |_, property| Some(whole(property)))),
        "items" | "additionalProperties" => Some(whole(value)),
        _ => Some(value.node()),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Read;

    use serde_json::Value;

    use super::{essential, undescribed};
    use crate::kube::custom_resource;
    use crate::kube::{ValidateOptions, light_objects, validate};
    use crate::source::FileId;
    use crate::value::json::from_json;
    use crate::yaml;
    use crate::yaml::{Document, Parsed};

    fn is_fine(document: &Document) -> bool {
        let options = ValidateOptions { warnings: true, ..ValidateOptions::default() };
        light_objects(FileId(0), document).iter().all(|object| validate(object, &options).is_empty())
    }

    pub(in crate::kube) fn recorded(name: &str) -> String {
        let file = format!("{}/testdata/validation/{name}.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(std::fs::read(file).unwrap().as_slice()).read_to_string(&mut text).unwrap();
        text
    }

    /// The essence of a definition is refused or warned of exactly where the definition is.
    #[test]
    fn nothing_that_is_refused_is_left_out() {
        let (mut fine, mut refused) = (0, 0);
        let records = ["crd", "create", "valid"].map(recorded).concat();
        for line in records.lines().filter(|line| line.contains("\"CustomResourceDefinition\"")) {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            if record["manifest"]["kind"] != "CustomResourceDefinition" {
                continue;
            }
            let value = from_json(record["manifest"].to_string().as_bytes()).unwrap();
            let text = String::from_utf8(yaml::to_yaml(&value).unwrap()).unwrap();
            yaml::outline_each(&text, FileId(0), &mut |parsed| {
                let Parsed::Outline(outline) = parsed else { return };
                let Some(short) = essential(&outline) else { return };
                let expected = is_fine(&outline.document());
                assert_eq!(is_fine(&short), expected, "{}\n{:#?}", record["id"], short.root.map(|r| r.to_json()));
                *(if expected { &mut fine } else { &mut refused }) += 1;
            });
        }
        assert!(fine > 100 && refused > 100, "{fine} {refused}");
    }

    /// What no object is about is nothing that any of them is judged by.
    #[test]
    fn objects_are_judged_alike_by_what_is_left_of_a_definition() {
        let mut compared = 0;
        for line in recorded("cr").lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            let object = &record["manifest"];
            let known: Vec<Value> = record["setup"].as_array().into_iter().flatten().cloned().collect();
            let word = |key: &str| object[key].as_str().unwrap_or("");
            let Some((crd, version)) = custom_resource::definition_of(&known, word("apiVersion"), word("kind")) else { continue };
            let of = |api_version: &str, kind: &str| {
                if (api_version, kind) == (word("apiVersion"), word("kind")) { vec![object] } else { Vec::new() }
            };
            let text = String::from_utf8(yaml::to_yaml(&from_json(crd.to_string().as_bytes()).unwrap()).unwrap()).unwrap();
            yaml::outline_each(&text, FileId(0), &mut |parsed| {
                let Parsed::Outline(outline) = parsed else { return };
                let short = [undescribed(&outline, Some(&of)).unwrap().root.unwrap().to_json()];
                let (short, short_version) = custom_resource::definition_of(&short, word("apiVersion"), word("kind")).unwrap();
                let mut answers = [(crd, version), (short, short_version)].map(|(c, v)| custom_resource::admit(c, v, object, None, ""));
                // What another version stores is not asked for.
                answers.iter_mut().for_each(|answer| answer.object = None);
                assert_eq!(answers[0], answers[1], "{}", record["id"]);
                compared += 1;
            });
        }
        assert!(compared > 100, "{compared}");
    }
}
