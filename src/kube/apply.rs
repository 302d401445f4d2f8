//! Merging a configuration into an object as apply does: field by field, lists by the keys of their items.
//! upstream: sigs.k8s.io/structured-merge-diff typed/merge.go, apiserver mutating/patch/smd.go

use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::schema;

static MERGE: &str = include_str!("../../schemas/merge.txt");
const MAX_DEPTH: usize = 200;

/// How the parts of a struct are merged, where not field by field: by struct and field (empty for the struct itself).
static RULES: LazyLock<FxHashMap<(&str, &str), &str>> = LazyLock::new(|| {
    let rule = |line: &'static str| {
        let mut cells = line.split('\t');
        Some(((cells.next()?, cells.next()?), cells.next()?))
    };
    MERGE.lines().filter_map(rule).collect()
});

/// What a type expression is for merging.
enum Part<'t> {
    Struct(&'t str),
    Map(&'t str),
    List(&'t str),
    Other,
}

fn part(ty: &str) -> Part<'_> {
    let ty = ty.trim_start_matches('*');
    if let Some(item) = ty.strip_prefix("[]") {
        return if item == "uint8" || item == "byte" { Part::Other } else { Part::List(item) };
    }
    if let Some(rest) = ty.strip_prefix("map[") {
        return rest.split_once(']').map_or(Part::Other, |(_, value)| Part::Map(value));
    }
    match schema::newest().get(ty) {
        // What has no fields in JSON stands for itself: raw JSON, times, quantities.
        Some(found) if found.fields.iter().any(|f| f.json != "-") => Part::Struct(ty),
        _ => Part::Other,
    }
}

fn rule(owner: &str, field: &str) -> Option<&'static str> {
    RULES.get(&(owner, field)).copied()
}

const META: &str = "k8s.io/apimachinery/pkg/apis/meta/v1.ObjectMeta";
/// Stands for the type of objects whose type nobody knows here.
const CUSTOM: &str = "?";

/// Where in the API's types a value stands, and how it merges there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    ty: &'static str,
    rule: Option<&'static str>,
}

/// How the items of a list are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Items {
    /// The list is one value.
    Whole,
    /// Each item is its own name.
    Set,
    /// By these fields, apart by commas.
    Keyed(&'static str),
}

impl Place {
    /// The place of an object.
    pub fn root(object: &Value) -> Self {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or("");
        let ty = schema::newest().kind(&format!("{}/{}", text("apiVersion"), text("kind")));
        Self { ty: ty.unwrap_or(CUSTOM), rule: None }
    }

    /// The place of a field, or of a value of a map.
    #[must_use]
    pub fn below(self, key: &str) -> Self {
        match part(self.ty) {
            Part::Struct(name) => match schema::newest().field(name, key) {
                Some((field, trail)) => {
                    let rule = std::iter::once(name).chain(trail).find_map(|owner| rule(owner, key));
                    Self { ty: field.ty, rule }
                }
                None => Self::default(),
            },
            Part::Map(item) => Self { ty: item, rule: None },
            _ if self.ty == CUSTOM && key == "metadata" => Self { ty: META, rule: None },
            _ => Self::default(),
        }
    }

    /// The place of an item of a list.
    #[must_use]
    pub fn item(self) -> Self {
        match part(self.ty) {
            Part::List(item) => Self { ty: item, rule: None },
            _ => Self::default(),
        }
    }

    /// The fields of a struct here, in the order Go declares them; none for anything else.
    pub fn names(self) -> Vec<&'static str> {
        match part(self.ty) {
            Part::Struct(name) => schema::newest().names(name),
            _ => Vec::new(),
        }
    }

    /// Whether a map or a struct here is one value.
    pub fn is_whole(self) -> bool {
        self.rule == Some("atomic") || matches!(part(self.ty), Part::Struct(name) if rule(name, "") == Some("atomic"))
    }

    /// How the items of a list here are told apart.
    pub fn items(self) -> Items {
        match self.rule {
            None | Some("atomic") => Items::Whole,
            Some("set") => Items::Set,
            Some(keys) => Items::Keyed(keys),
        }
    }
}

impl Items {
    /// What names an item: its keys with their values, or the item itself.
    pub fn name(self, item: &Value) -> Vec<(&'static str, Value)> {
        let Self::Keyed(keys) = self else { return vec![("", item.clone())] };
        let value = |key: &str| match item.get(key) {
            Some(value) => value.clone(),
            None if key == "protocol" => "TCP".into(),
            None => Value::Null,
        };
        keys.split(',').map(|key| (key, value(key))).collect()
    }
}

/// Why a configuration does not fit the type of its object.
///
/// # Errors
/// The paths of fields that the type does not have.
pub fn check_declared(configuration: &Value) -> Result<(), String> {
    let Place { ty, .. } = Place::root(configuration);
    let mut unknown = Vec::new();
    undeclared(configuration, ty, "", &mut unknown, 0);
    match unknown.as_slice() {
        [] => Ok(()),
        [one] => Err(format!("{one}: field not declared in schema")),
        many => {
            let lines: Vec<String> = many.iter().map(|path| format!("  {path}: field not declared in schema")).collect();
            Err(format!("errors:\n{}", lines.join("\n")))
        }
    }
}

/// Merges a configuration into an object of the same kind.
///
/// # Errors
/// When the configuration has fields the kind does not have, or speaks of something that is replaced as a whole.
pub(crate) fn merge(live: &Value, configuration: &Value) -> Result<Value, String> {
    check_declared(configuration).map_err(|why| format!("failed to convert patch object to typed object: {why}"))?;
    let mut whole = Vec::new();
    let root = Place::root(configuration);
    if root.ty != CUSTOM {
        atomics(configuration, root.ty, "", "", "", &mut whole, 0);
    }
    if !whole.is_empty() {
        return Err(format!("invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {}", whole.join(", ")));
    }
    Ok(merged(live, configuration, root, 0))
}

/// Paths of fields that a type does not have.
fn undeclared(value: &Value, ty: &str, path: &str, out: &mut Vec<String>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match (part(ty), value) {
        (Part::Struct(name), Value::Object(map)) => {
            for (key, v) in map {
                let at = format!("{path}.{key}");
                match schema::newest().field(name, key) {
                    Some((field, _)) => undeclared(v, field.ty, &at, out, depth + 1),
                    None => out.push(at),
                }
            }
        }
        (Part::Map(item), Value::Object(map)) => {
            for (key, v) in map {
                undeclared(v, item, &format!("{path}.{key}"), out, depth + 1);
            }
        }
        (Part::List(item), Value::Array(items)) => {
            for (i, v) in items.iter().enumerate() {
                undeclared(v, item, &format!("{path}[{i}]"), out, depth + 1);
            }
        }
        _ => {}
    }
}

/// Paths of what can only be replaced as a whole; `owner` and `field` say which field of which struct it stands in.
fn atomics(value: &Value, ty: &str, owner: &str, field: &str, path: &str, out: &mut Vec<String>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match (part(ty), value) {
        (Part::Struct(name), Value::Object(map)) => {
            if rule(name, "") == Some("atomic") || rule(owner, field) == Some("atomic") {
                out.push(path.to_owned());
            }
            for (key, v) in map {
                if let Some((found, _)) = schema::newest().field(name, key) {
                    atomics(v, found.ty, name, key, &format!("{path}.{key}"), out, depth + 1);
                }
            }
        }
        (Part::Map(_), Value::Object(_)) if rule(owner, field) == Some("atomic") => out.push(path.to_owned()),
        (Part::List(item), Value::Array(items)) => {
            if matches!(rule(owner, field), None | Some("atomic")) {
                out.push(path.to_owned());
            }
            for (i, v) in items.iter().enumerate() {
                atomics(v, item, "", "", &format!("{path}[{i}]"), out, depth + 1);
            }
        }
        _ => {}
    }
}

/// What a value becomes when another of the same place is merged into it.
pub fn merged(live: &Value, new: &Value, place: Place, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return new.clone();
    }
    match (live, new) {
        (Value::Object(old), Value::Object(map)) if !place.is_whole() => {
            let mut out = old.clone();
            for (key, v) in map {
                let value = match old.get(key) {
                    Some(before) => merged(before, v, place.below(key), depth + 1),
                    None => v.clone(),
                };
                out.insert(key.clone(), value);
            }
            Value::Object(out)
        }
        (Value::Array(old), Value::Array(items)) if place.items() != Items::Whole => {
            Value::Array(merged_items(old, items, place, depth + 1))
        }
        _ => new.clone(),
    }
}

/// Items of two lists in an order that keeps that of both where they agree, and that of the new one where they do not.
/// upstream: structured-merge-diff typed/merge.go visitListItems
fn merged_items(old: &[Value], new: &[Value], place: Place, depth: usize) -> Vec<Value> {
    type Name = Vec<(&'static str, Value)>;
    let items = place.items();
    let (left, right): (Vec<Name>, Vec<Name>) = (old.iter().map(|v| items.name(v)).collect(), new.iter().map(|v| items.name(v)).collect());
    let find = |names: &[Name], name: &Name| names.iter().position(|n| n == name);
    let one = |l: Option<usize>, r: usize| match (l.and_then(|l| old.get(l)), new.get(r)) {
        (Some(l), Some(r)) => merged(l, r, place.item(), depth),
        (_, r) => r.cloned().unwrap_or_default(),
    };
    let mut shared = right.iter().filter(|n| left.contains(n));
    let mut next = shared.next();
    let mut done: Vec<&Name> = Vec::new();
    let mut out = Vec::new();
    let (mut l, mut r) = (0, 0);
    while l < left.len() || r < right.len() {
        if let (Some(a), Some(b)) = (left.get(l), right.get(r)) {
            if a == b {
                done.push(a);
                out.push(one(find(&left, a), find(&right, b).unwrap_or(r)));
                (l, r, next) = (l + 1, r + 1, shared.next());
                continue;
            }
            if right.contains(a) && next.is_some_and(|n| n != a) {
                l += 1;
                continue;
            }
        }
        if let Some(a) = left.get(l) {
            if !right.contains(a) {
                out.extend(old.get(l).cloned());
                l += 1;
                continue;
            }
            if done.contains(&a) {
                l += 1;
            }
        }
        if let Some(b) = right.get(r) {
            done.push(b);
            out.push(one(find(&left, b), find(&right, b).unwrap_or(r)));
            r += 1;
            if next == Some(b) {
                next = shared.next();
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(spec: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "spec": spec})
    }

    #[test]
    fn merges() {
        let live = pod(json!({"containers": [{"name": "a", "image": "x"}, {"name": "b"}], "hostname": "h"}));
        let new = pod(json!({"containers": [{"name": "a", "image": "y"}, {"name": "c"}], "subdomain": "s"}));
        let want = pod(json!({
            "containers": [{"name": "a", "image": "y"}, {"name": "b"}, {"name": "c"}], "hostname": "h", "subdomain": "s",
        }));
        assert_eq!(merge(&live, &new), Ok(want));
        let unknown = merge(&live, &pod(json!({"selector": {"a": "b"}})));
        assert_eq!(unknown, Err("failed to convert patch object to typed object: .spec.selector: field not declared in schema".to_owned()));
        let whole = merge(&live, &pod(json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}})));
        assert!(whole.is_err_and(|e| e.contains("may not mutate atomic")));
    }

    #[test]
    fn raw_json_has_no_declared_fields() {
        let schema = json!({
            "default": {"a": {"b": 1}}, "example": {"c": []}, "enum": [{"d": 1}], "items": {"type": "object", "default": {"e": 1}},
            "additionalProperties": {"type": "string"}, "properties": {"x": {"default": {"f": 1}, "not": {"default": {"g": 1}}}},
        });
        let definition = |schema: Value| {
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": {"versions": [
                {"name": "v1", "schema": {"openAPIV3Schema": schema}}]}})
        };
        assert_eq!(check_declared(&definition(schema)), Ok(()));
        let unknown = check_declared(&definition(json!({"properties": {"x": {"defaults": 1}}})));
        assert_eq!(unknown, Err(".spec.versions[0].schema.openAPIV3Schema.properties.x.defaults: field not declared in schema".to_owned()));
        let template = |parameters: Value| {
            json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "spec": {"devices": {"config": [
            {"opaque": {"driver": "d", "parameters": parameters}}]}}})
        };
        assert_eq!(check_declared(&template(json!({"any": {"thing": 1}}))), Ok(()));
    }
}
