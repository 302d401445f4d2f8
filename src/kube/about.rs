//! What a field is: its type, what the server makes of it when it is absent, what it refuses, and the versions that have it.
//! Defaults and constraints are asked of the code that fills and validates objects, so they cannot differ from it.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::check;
use super::policy;
use super::schema;
use super::schema::{NEWEST_VALIDATED, Schema};
use crate::diagnostic::similar;

/// A step to a field: its name and its type.
struct Step {
    name: String,
    ty: &'static str,
}

/// What is inside of pointers, lists and maps, and which of these stand around it.
fn inner(ty: &str) -> (&str, Vec<char>) {
    let (mut ty, mut around) = (ty, Vec::new());
    loop {
        if let Some(rest) = ty.strip_prefix('*') {
            ty = rest;
        } else if let Some(rest) = ty.strip_prefix("[]").filter(|rest| *rest != "uint8") {
            around.push('l');
            ty = rest;
        } else if let Some((_, rest)) = ty.strip_prefix("map[").and_then(|t| t.split_once(']')) {
            around.push('m');
            ty = rest;
        } else {
            return (ty, around);
        }
    }
}

/// A type in words.
fn words(schema: &Schema, ty: &str) -> String {
    let (base, around) = inner(ty);
    let name = base.split('=').next_back().unwrap_or(base);
    let mut out = match name {
        "string" => "text".to_owned(),
        "bool" => "true or false".to_owned(),
        "int32" => "whole number (32 bits)".to_owned(),
        "int64" | "int" => "whole number (64 bits)".to_owned(),
        "float64" => "number".to_owned(),
        "[]uint8" => "bytes in base64".to_owned(),
        _ if base.ends_with("/resource.Quantity") => "quantity, such as 500m or 2Gi".to_owned(),
        _ if base.ends_with("/intstr.IntOrString") => "number, or text such as 25%".to_owned(),
        _ if base.ends_with("/v1.Time") || base.ends_with("/v1.MicroTime") => "time, such as 2030-01-31T12:00:00Z".to_owned(),
        _ if base.ends_with("ResourceList=map") => "quantities by resource, such as cpu: 500m".to_owned(),
        "map" => "texts by key".to_owned(),
        "slice" => "list of texts".to_owned(),
        _ if schema.get(base).is_some_and(|s| !s.fields.is_empty()) => {
            let printed = schema.get(base).map_or("", |s| s.printed);
            format!("object ({})", printed.rsplit('.').next().unwrap_or(printed))
        }
        _ => "any value".to_owned(),
    };
    for shape in around.iter().rev() {
        out = if *shape == 'l' { format!("list of: {out}") } else { format!("by key: {out}") };
    }
    out
}

/// The API that a kind names: the stable one where there are several.
fn find(schema: &Schema, asked: &str) -> Option<(String, &'static str)> {
    let (wanted_version, wanted) = asked.rsplit_once('/').map_or((None, asked), |(version, kind)| (Some(version), kind));
    let rank = |gvk: &str| {
        let version = gvk.rsplit('/').nth(1).unwrap_or("");
        (version.contains("alpha"), version.contains("beta"), gvk.matches('/').count(), gvk.to_owned())
    };
    let named = |kind: &str| kind.eq_ignore_ascii_case(wanted) || policy::resource_of(kind).eq_ignore_ascii_case(wanted);
    let mut found: Vec<(&'static str, &'static str)> = schema
        .kinds()
        .into_iter()
        .filter(|(gvk, _)| gvk.rsplit_once('/').is_some_and(|(version, kind)| named(kind) && wanted_version.is_none_or(|w| w == version)))
        .collect();
    found.sort_by_key(|(gvk, _)| rank(gvk));
    found.first().map(|(gvk, ty)| ((*gvk).to_owned(), *ty))
}

/// The way from a type to a field.
fn walk(schema: &Schema, ty: &str, names: &[&str]) -> Result<Vec<Step>, String> {
    let mut out: Vec<Step> = Vec::new();
    let mut ty = inner(ty).0.to_owned();
    for name in names {
        let plain = name.split('[').next().unwrap_or(name);
        let Some((field, _)) = schema.field(&ty, plain) else {
            let near = similar(plain, schema.names(&ty)).map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            return Err(format!("there is no field {plain:?}{near}"));
        };
        out.push(Step { name: plain.to_owned(), ty: field.ty });
        ty = inner(field.ty).0.to_owned();
    }
    Ok(out)
}

/// An object that holds `value` at the end of the way; nothing when the last field is to be absent.
fn holding(gvk: &str, steps: &[Step], value: Option<&Value>) -> Value {
    let (api_version, kind) = gvk.rsplit_once('/').unwrap_or(("", gvk));
    let mut held: Option<Value> = value.cloned();
    for (i, step) in steps.iter().enumerate().rev() {
        let last = i + 1 == steps.len();
        if !last {
            for shape in inner(step.ty).1.iter().rev() {
                let inside = held.take().unwrap_or_else(|| json!({}));
                held = Some(if *shape == 'l' { json!([inside]) } else { json!({ "key": inside }) });
            }
        }
        let mut fields = Map::new();
        if let Some(value) = held.take() {
            fields.insert(step.name.clone(), value);
        }
        held = Some(Value::Object(fields));
    }
    let mut object = held.unwrap_or_else(|| json!({}));
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    if object.get("metadata").is_none() {
        object["metadata"] = json!({ "name": "x" });
    }
    object
}

/// The field as the server spells it, and as a JSON pointer.
fn spelled(steps: &[Step]) -> (String, String) {
    let (mut field, mut pointer) = (String::new(), String::new());
    for (i, step) in steps.iter().enumerate() {
        let dot = if i == 0 { "" } else { "." };
        let _ = write!(field, "{dot}{}", step.name);
        let _ = write!(pointer, "/{}", step.name);
        if i + 1 < steps.len() {
            for shape in inner(step.ty).1 {
                field.push_str(if shape == 'l' { "[0]" } else { "[key]" });
                pointer.push_str(if shape == 'l' { "/0" } else { "/key" });
            }
        }
    }
    (field, pointer)
}

/// What the server says of values of a field that are likely wrong.
fn refused(gvk: &str, steps: &[Step]) -> (bool, Vec<String>) {
    let (field, _) = spelled(steps);
    let probes: Vec<Value> = match inner(steps.last().map_or("", |s| s.ty)) {
        (_, around) if !around.is_empty() => vec![json!([]), json!({})],
        (ty, _) => match ty.split('=').next_back().unwrap_or(ty) {
            "string" => vec![json!("?!"), json!(""), json!("x".repeat(300))],
            "int32" | "int64" | "int" => vec![json!(-1), json!(0), json!(i32::MAX)],
            _ => Vec::new(),
        },
    };
    let causes = |value: Option<&Value>| check::admit(&holding(gvk, steps, value), NEWEST_VALIDATED).causes;
    let required = causes(None).iter().any(|c| c.field == field && c.reason == "FieldValueRequired");
    let mut said: Vec<String> = Vec::new();
    for probe in &probes {
        // What the choices are may be told of the object around.
        let about = |c: &check::Cause| {
            c.field == field && c.reason != "FieldValueRequired"
                || c.reason == "FieldValueNotSupported" && field.rsplit_once('.').is_some_and(|(around, _)| around == c.field)
        };
        for cause in causes(Some(probe)).into_iter().filter(about) {
            let shown = format!("{probe}: ");
            let text = match cause.message.split_once("supported values: ") {
                Some((_, values)) => format!("one of {values}"),
                None => cause.message.split_once(&shown).map_or(cause.message.as_str(), |(_, detail)| detail).to_owned(),
            };
            if !said.contains(&text) {
                said.push(text);
            }
        }
    }
    (required, said)
}

/// The API versions that have the field, with the Kubernetes versions that have these.
fn lives(kind: &str, names: &[&str]) -> BTreeMap<String, (&'static str, &'static str)> {
    let mut out: BTreeMap<String, (&'static str, &'static str)> = BTreeMap::new();
    for version in schema::versions() {
        let Some(at) = schema::of_version(version) else { continue };
        let has = |(gvk, ty): &(&'static str, &'static str)| gvk.rsplit('/').next() == Some(kind) && walk(&at, ty, names).is_ok();
        for (gvk, _) in at.kinds().into_iter().filter(has) {
            let api_version = gvk.rsplit_once('/').map_or("", |(version, _)| version);
            out.entry(api_version.to_owned()).and_modify(|life| life.1 = version).or_insert((version, version));
        }
    }
    out
}

/// The page of a field such as `Deployment.spec.strategy`.
///
/// # Errors
/// Why there is no such kind or field.
pub fn field_page(asked: &str) -> Result<String, String> {
    // A group has dots too: the kind follows the last slash.
    let start = asked.rfind('/').map_or(0, |i| i + 1);
    let end = asked[start..].find('.').map_or(asked.len(), |i| start + i);
    let names: Vec<&str> = asked[end..].split('.').filter(|n| !n.is_empty()).collect();
    let schema = schema::newest();
    let Some((gvk, ty)) = find(schema, &asked[..end]) else {
        let kinds: Vec<&str> = schema.kinds().into_iter().filter_map(|(gvk, _)| gvk.rsplit('/').next()).collect();
        let near = similar(&asked[start..end], kinds).map_or(String::new(), |n| format!("; did you mean `{n}`?"));
        return Err(format!("there is no kind {:?} in Kubernetes {NEWEST_VALIDATED}{near}", &asked[..end]));
    };
    let steps = walk(schema, ty, &names)?;
    let (api_version, kind) = gvk.rsplit_once('/').unwrap_or(("", &gvk));
    let mut out = format!("{kind}{}{}\n", if names.is_empty() { "" } else { "." }, names.join("."));
    let ty = steps.last().map_or(ty, |s| s.ty);
    let _ = writeln!(out, "  api:      {api_version}");
    let _ = writeln!(out, "  type:     {}", words(schema, ty));
    if !steps.is_empty() {
        let (_, pointer) = spelled(&steps);
        let default = check::defaults_of(&holding(&gvk, &steps, None)).pointer(&pointer).filter(|v| !v.is_null()).cloned();
        let empty = |v: &Value| v.as_object().is_some_and(Map::is_empty) || v.as_array().is_some_and(Vec::is_empty) || *v == "";
        if let Some(default) = default.filter(|d| !empty(d)) {
            let _ = writeln!(out, "  default:  {default}");
        }
        let (required, said) = refused(&gvk, &steps);
        if required {
            out.push_str("  required: yes\n");
        }
        for text in said {
            let _ = writeln!(out, "  must be:  {}", text.strip_prefix("must be ").unwrap_or(&text));
        }
    }
    for (api_version, (first, last)) in lives(kind, &names) {
        let span = if first == last { first.to_owned() } else { format!("{first} to {last}") };
        let _ = writeln!(out, "  in:       {api_version}, Kubernetes {span}");
    }
    let base = inner(ty).0;
    let fields: Vec<(&str, &str)> =
        schema.names(base).into_iter().filter_map(|name| Some((name, schema.field(base, name)?.0.ty))).collect();
    if !fields.is_empty() {
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        out.push_str("  fields:\n");
        for (name, ty) in fields {
            let _ = writeln!(out, "    {name:width$}  {}", words(schema, ty));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_fields() {
        let page = field_page("Deployment.spec.strategy.type").unwrap();
        for part in ["default:  \"RollingUpdate\"", "one of \"Recreate\", \"RollingUpdate\"", "apps/v1, Kubernetes 1.", "type:     text"] {
            assert!(page.contains(part), "{part} in {page}");
        }
        let page = field_page("pods.spec.containers.ports.containerPort").unwrap();
        assert!(page.contains("required: yes") || page.contains("between 1 and 65535"), "{page}");
        assert!(field_page("Deployment.spec.stategy").unwrap_err().contains("did you mean `strategy`?"));
        assert!(field_page("Deploymnt").unwrap_err().contains("did you mean `Deployment`?"));
    }
}
