//! Objects that nothing is wrong with, found out without a tree: of the plain subset of YAML, every value as its type has it.
//!
//! Nearly all objects are. About any other nothing is said here: it is judged again, with places and sentences.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use serde_json::Map;
use serde_json::Value;

use super::check;
use super::deciders;
use super::decode;
use super::deprecation;
use super::quantity;
use super::schema::{self, Schema};
use super::validation;
use super::warnings;
use crate::yaml::{NodeKind, Outline, Part, PartKind};

/// How a type is read.
enum Plan {
    /// Not here.
    Other,
    Text,
    Flag,
    Int32,
    Int64,
    Quantity,
    /// An integer or a text.
    Either,
    Bytes,
    List(usize),
    Map(usize),
    Struct(FxHashMap<&'static str, usize>),
}

/// Deeper objects are for the trees.
const MAX_DEPTH: usize = 100;

/// The types of the newest version, by number.
#[derive(Default)]
struct Plans {
    all: Vec<Plan>,
    numbers: FxHashMap<&'static str, usize>,
    /// The types of `group/version/Kind` that the version serves and does not warn of, and that no other is judged by.
    kinds: FxHashMap<&'static str, usize>,
}

static PLANS: LazyLock<Plans> = LazyLock::new(|| {
    let newest = schema::newest();
    let mut plans = Plans::default();
    for (gvk, ty) in newest.kinds() {
        let Some((api_version, kind)) = gvk.rsplit_once('/') else { continue };
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let gone = schema::lifecycle(group, version, kind).is_none_or(|life| !life.removed.is_empty());
        let warned = deprecation::warning(api_version, kind, schema::NEWEST_VALIDATED).is_some();
        let decides = deciders::DECIDING.contains(&kind) || kind == "CustomResourceDefinition";
        if schema::newest_has(gvk) == Some(true) && !gone && !warned && !decides {
            let number = plans.number(newest, ty);
            plans.kinds.insert(gvk, number);
        }
    }
    plans
});

impl Plans {
    fn number(&mut self, schema: &Schema, ty: &'static str) -> usize {
        if let Some(number) = self.numbers.get(ty) {
            return *number;
        }
        let number = self.all.len();
        self.numbers.insert(ty, number);
        self.all.push(Plan::Other);
        self.all[number] = self.plan(schema, ty.trim_start_matches('*'));
        number
    }

    fn plan(&mut self, schema: &Schema, ty: &'static str) -> Plan {
        const QUANTITY: &str = "k8s.io/apimachinery/pkg/api/resource.Quantity";
        match ty {
            "string" => return Plan::Text,
            "bool" => return Plan::Flag,
            "int32" => return Plan::Int32,
            "int64" => return Plan::Int64,
            "[]uint8" => return Plan::Bytes,
            QUANTITY => return Plan::Quantity,
            "k8s.io/apimachinery/pkg/util/intstr.IntOrString" => return Plan::Either,
            _ => {}
        }
        if let Some(item) = ty.strip_prefix("[]") {
            return Plan::List(self.number(schema, item));
        }
        if let Some((_, value)) = decode::map_parts(ty) {
            return Plan::Map(self.number(schema, value));
        }
        // Types that read themselves.
        if ty.contains(".JSONSchemaProps") || [".RawExtension", "/v1.FieldsV1", "/v1.JSON", "Time"].iter().any(|end| ty.ends_with(end)) {
            return Plan::Other;
        }
        match ty.split_once('=') {
            Some((_, "string")) => return Plan::Text,
            Some((name, "map")) if name.ends_with(".ResourceList") => return Plan::Map(self.number(schema, QUANTITY)),
            Some((name, "slice")) if !name.ends_with(".ValidationRules") => return Plan::List(self.number(schema, "string")),
            Some(_) => return Plan::Other,
            None => {}
        }
        let fields = schema.names(ty).into_iter();
        let fields: FxHashMap<&'static str, usize> =
            fields.filter_map(|name| Some((name, self.number(schema, schema.field(ty, name)?.0.ty)))).collect();
        if fields.is_empty() { Plan::Other } else { Plan::Struct(fields) }
    }

    /// The object as Go reads it; `None` where decoding may refuse a part of it.
    fn read(&self, number: usize, part: Part<'_>, depth: usize) -> Option<Value> {
        let text = || part.text().map(|text| Value::String(text.into_owned()));
        Some(match (&self.all[number], part.kind()) {
            (Plan::Text, PartKind::Text) => text()?,
            (Plan::Flag, PartKind::Other) => match part.scalar()? {
                NodeKind::Bool(given) => given.into(),
                _ => return None,
            },
            (Plan::Int32 | Plan::Either, PartKind::Other) => match part.scalar()? {
                NodeKind::Int(given) => i32::try_from(given).ok()?.into(),
                _ => return None,
            },
            (Plan::Int64, PartKind::Other) => match part.scalar()? {
                NodeKind::Int(given) => given.into(),
                _ => return None,
            },
            (Plan::Either, PartKind::Text) => text()?,
            (Plan::Quantity, PartKind::Text) => read_quantity(&part.text()?)?,
            (Plan::Quantity, PartKind::Other) => match part.scalar()? {
                NodeKind::Int(given) => read_quantity(&given.to_string())?,
                _ => return None,
            },
            (Plan::Bytes, PartKind::Text) => {
                let text = part.text()?;
                decode::bad_base64(&text).is_none().then(|| text.into_owned().into())?
            }
            (Plan::List(item), PartKind::Sequence) if depth < MAX_DEPTH => {
                part.items().map(|below| self.read(*item, below, depth + 1)).collect::<Option<Vec<Value>>>()?.into()
            }
            (Plan::Map(item), PartKind::Mapping) if depth < MAX_DEPTH => {
                let mut out = Map::new();
                for (key, below) in part.entries() {
                    let value = self.read(*item, below, depth + 1)?;
                    out.insert(key.into_owned(), value).is_none().then_some(())?;
                }
                out.into()
            }
            (Plan::Struct(fields), PartKind::Mapping) if depth < MAX_DEPTH => {
                let mut out = Map::new();
                let mut nulls = false;
                for (key, below) in part.entries() {
                    let field = fields.get(&*key)?;
                    // Nothing at all is the field's zero value.
                    let value = if is_null(below) { Value::Null } else { self.read(*field, below, depth + 1)? };
                    nulls |= value.is_null();
                    out.insert(key.into_owned(), value).is_none().then_some(())?;
                }
                if nulls {
                    out.retain(|_, value| !value.is_null());
                }
                out.into()
            }
            _ => return None,
        })
    }
}

fn is_null(part: Part<'_>) -> bool {
    part.kind() == PartKind::Other && matches!(part.scalar(), Some(NodeKind::Null))
}

fn read_quantity(text: &str) -> Option<Value> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    quantity::parse(text).is_ok().then(|| quantity::canonical(text).into())
}

/// Whether the API server of the newest version takes an object, has nothing to say about it, and judges no other by it.
/// `false` says nothing.
pub fn is_sound(outline: &Outline<'_>) -> bool {
    accepted(outline).is_some()
}

fn accepted(outline: &Outline<'_>) -> Option<()> {
    let root = outline.root()?;
    let (api_version, kind) = (root.get("apiVersion")?.text()?, root.get("kind")?.text()?);
    let number = PLANS.kinds.get(format!("{api_version}/{kind}").as_str())?;
    // A list is taken apart.
    if root.get("items").is_some() {
        return None;
    }
    let object = PLANS.read(*number, root, 0)?;
    // Read from texts by conversion, and as they were sent.
    let meta = object.get("metadata");
    if kind == "DaemonSet" && meta.is_some_and(|meta| meta.get("annotations").is_some())
        || meta.is_some_and(|m| m.get("ownerReferences").is_some())
    {
        return None;
    }
    let object = check::prepared(&api_version, &kind, object);
    let fine = validation::validate(&api_version, &kind, &object).is_empty()
        && warnings::warnings(&api_version, &kind, &object, &Value::Null).is_empty();
    fine.then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::crd_outline::tests::recorded;
    use crate::kube::shape;
    use crate::kube::{ValidateOptions, light_objects, validate};
    use crate::source::FileId;
    use crate::value::json::from_json;
    use crate::yaml::{self, Parsed};

    /// What is read here is what the tree gives, and what is sound is never refused or warned of.
    #[test]
    fn nothing_sound_is_refused() {
        let (mut sound, mut valid) = (0, 0);
        for (record, is_valid) in
            recorded("valid").lines().map(|l| (l, true)).chain(recorded("create").lines().step_by(7).map(|l| (l, false)))
        {
            let record: Value = serde_json::from_str(record).unwrap();
            let Ok(value) = from_json(record["manifest"].to_string().as_bytes()) else { continue };
            let Ok(text) = yaml::to_yaml(&value) else { continue };
            let text = String::from_utf8(text).unwrap();
            yaml::outline_each(&text, FileId(0), &mut |parsed| {
                let Parsed::Outline(outline) = parsed else { return };
                let document = outline.document();
                let root = outline.root().unwrap();
                let gvk = format!(
                    "{}/{}",
                    record["manifest"]["apiVersion"].as_str().unwrap_or(""),
                    record["manifest"]["kind"].as_str().unwrap_or("")
                );
                if let Some(number) = PLANS.kinds.get(gvk.as_str())
                    && let Some(read) = PLANS.read(*number, root, 0)
                {
                    let newest = schema::newest();
                    let ty = newest.kind(&gvk).unwrap();
                    let node = document.root.clone().unwrap();
                    assert!(decode::decode(newest, ty, &node).is_empty(), "{}", record["id"]);
                    assert_eq!(read, shape::read(newest, ty, &node), "{}", record["id"]);
                }
                valid += usize::from(is_valid);
                if is_sound(&outline) {
                    sound += usize::from(is_valid);
                    let options = ValidateOptions { warnings: true, ..ValidateOptions::default() };
                    let found: Vec<_> = light_objects(FileId(0), &document).iter().flat_map(|o| validate(o, &options)).collect();
                    assert!(found.is_empty(), "{} {found:?}", record["id"]);
                }
            });
        }
        assert!(sound * 10 > valid * 6, "{sound} of {valid}");
    }
}
