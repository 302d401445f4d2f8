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
        Some(found) if !found.fields.is_empty() => Part::Struct(ty),
        _ => Part::Other,
    }
}

fn rule(owner: &str, field: &str) -> Option<&'static str> {
    RULES.get(&(owner, field)).copied()
}

/// Merges a configuration into an object of the same kind.
///
/// # Errors
/// When the configuration has fields the kind does not have, or speaks of something that is replaced as a whole.
pub(crate) fn merge(live: &Value, configuration: &Value) -> Result<Value, String> {
    let text = |key: &str| configuration.get(key).and_then(Value::as_str).unwrap_or("");
    let Some(ty) = schema::newest().kind(&format!("{}/{}", text("apiVersion"), text("kind"))) else {
        return Ok(merged(live, configuration, "", "", "", 0));
    };
    let mut unknown = Vec::new();
    undeclared(configuration, ty, "", &mut unknown, 0);
    match unknown.as_slice() {
        [] => {}
        [one] => return Err(format!("failed to convert patch object to typed object: {one}: field not declared in schema")),
        many => {
            let lines: Vec<String> = many.iter().map(|path| format!("  {path}: field not declared in schema")).collect();
            return Err(format!("failed to convert patch object to typed object: errors:\n{}", lines.join("\n")));
        }
    }
    let mut whole = Vec::new();
    atomics(configuration, ty, "", "", "", &mut whole, 0);
    if !whole.is_empty() {
        return Err(format!("invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {}", whole.join(", ")));
    }
    Ok(merged(live, configuration, ty, "", "", 0))
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

fn merged(live: &Value, new: &Value, ty: &str, owner: &str, field: &str, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return new.clone();
    }
    match (live, new) {
        (Value::Object(old), Value::Object(map)) => {
            let mut out = old.clone();
            for (key, v) in map {
                let (ty, owner) = match part(ty) {
                    Part::Struct(name) => (schema::newest().field(name, key).map_or("", |(f, _)| f.ty), name),
                    Part::Map(item) => (item, ""),
                    _ => ("", ""),
                };
                let value = match old.get(key) {
                    Some(before) => merged(before, v, ty, owner, key, depth + 1),
                    None => v.clone(),
                };
                out.insert(key.clone(), value);
            }
            Value::Object(out)
        }
        (Value::Array(old), Value::Array(items)) => {
            let item = if let Part::List(item) = part(ty) { item } else { "" };
            match rule(owner, field) {
                None | Some("atomic") => new.clone(),
                Some("set") => {
                    let more = items.iter().filter(|v| !old.contains(v));
                    Value::Array(old.iter().chain(more).cloned().collect())
                }
                Some(keys) => {
                    let keys: Vec<&str> = keys.split(',').collect();
                    let same = |a: &Value, b: &Value| keys.iter().all(|k| a.get(*k) == b.get(*k));
                    let mut out = old.clone();
                    for v in items {
                        match out.iter_mut().find(|o| same(o, v)) {
                            Some(slot) => *slot = merged(slot, v, item, "", "", depth + 1),
                            None => out.push(v.clone()),
                        }
                    }
                    Value::Array(out)
                }
            }
        }
        _ => new.clone(),
    }
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
}
