//! What validation has to look at in a definition of custom resources. Nearly all of a definition are properties with a type
//! and a description, about which nothing is to be said: those are left out before a tree is made.

use std::borrow::Cow;
use std::sync::Arc;

use super::crd_formats;
use crate::yaml::{Document, Entry, Node, NodeKind, Outline, Part, PartKind};

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

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

/// The document of a definition without its descriptions, for objects that are held against it; `None` for any other document.
pub fn undescribed(outline: &Outline<'_>) -> Option<Document> {
    let root = outline.root()?;
    root.get("kind").and_then(Part::text).filter(|kind| kind == "CustomResourceDefinition")?;
    let version = |version: Part<'_>| {
        mapping(version, |key, part| match key {
            "schema" => mapping(part, |_, part| whole(part)),
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
    map_type: bool,
    preserves: bool,
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
                out.special |= part.kind() != PartKind::Sequence;
                7
            }
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" | "minimum" | "maximum" => {
                out.special |= !matches!(part.node().kind, NodeKind::Int(_));
                continue;
            }
            "nullable" => {
                out.special |= !matches!(part.node().kind, NodeKind::Bool(_));
                8
            }
            "x-kubernetes-list-type" => {
                out.list_type = part.text();
                out.special |= out.list_type.is_none();
                9
            }
            "x-kubernetes-list-map-keys" => {
                out.list_keys = Some(part);
                out.special = true;
                10
            }
            "x-kubernetes-map-type" => {
                out.map_type = true;
                out.special |= part.text().is_none_or(|t| t != "atomic" && t != "granular");
                11
            }
            "x-kubernetes-preserve-unknown-fields" => {
                out.preserves = true;
                out.special |= !matches!(part.node().kind, NodeKind::Bool(true));
                12
            }
            "pattern" | "x-kubernetes-int-or-string" => {
                out.special = true;
                continue;
            }
            // Schemas that speak of no properties need no others.
            "anyOf" | "oneOf" | "allOf" => {
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
    out
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
        "" | "string" => crd_formats::is_supported(format),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    };
    !(TYPES.contains(&ty) || ty.is_empty() && found.preserves)
        || !format.is_empty() && !known_format
        || found.map_type && ty != "object"
        || found.list_type.as_deref().is_some_and(|t| t != "atomic" || ty != "array")
        || ty == "array" && found.items.is_none()
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
    if found.whole {
        return Some(whole(part));
    }
    let additional_is_schema = found.additional.is_some_and(|a| a.kind() == PartKind::Mapping);
    if found.additional.is_some() && (ask.root || found.properties.is_some() || !additional_is_schema) {
        return Some(whole(part));
    }
    let mut special = ask.kept || found.special || unusual(&found);
    let mut properties: Vec<Entry> = Vec::new();
    if let Some(all) = found.properties {
        let mut last = Cow::Borrowed("");
        let mut sorted = true;
        for (name, property) in all.entries() {
            sorted &= last < name;
            let meta = ask.root && matches!(&*name, "apiVersion" | "kind" | "metadata");
            let below = if meta { Some(property.node()) } else { schema(property, &Ask { kept: false, root: false, keys: &[] }) };
            if let Some(node) = below.or_else(|| ask.keys.contains(&name).then(|| shallow(property))) {
                properties.push(entry(&name, property, node));
            }
            last = name;
        }
        if !sorted && repeats(all) {
            return Some(part.node());
        }
        special |= !properties.is_empty();
    }
    let keys: Vec<Cow<'_, str>> = found.list_keys.iter().flat_map(|keys| keys.items().filter_map(Part::text)).collect();
    let distinct = found.list_type.as_deref().is_some_and(|t| t != "atomic");
    let items = found.items.map(|items| (items, schema(items, &Ask { kept: distinct, root: false, keys: &keys })));
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
mod tests {
    use std::io::Read;

    use super::essential;
    use crate::kube::{ValidateOptions, light_objects, validate};
    use crate::source::FileId;
    use crate::value::json::from_json;
    use crate::yaml;
    use crate::yaml::{Document, Parsed};

    fn is_fine(document: &Document) -> bool {
        let options = ValidateOptions { warnings: true, ..ValidateOptions::default() };
        light_objects(FileId(0), document).iter().all(|object| validate(object, &options).is_empty())
    }

    fn recorded(name: &str) -> String {
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
}
