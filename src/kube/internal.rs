//! Objects as the API server's own types print them: some sentences show a whole struct, with Go's field names.
//!
//! The types are embedded as `schemas/internal-types.bin`, described in `schemas/README.md`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::difflib;
use super::quantity;
use super::schema::{cells, inflate};
use crate::value::json;

static TYPES: LazyLock<FxHashMap<&'static str, Vec<Field>>> =
    LazyLock::new(|| read(inflate(include_bytes!("../../schemas/internal-types.bin"))));

#[derive(Clone, Copy, Debug)]
struct Field {
    shown: &'static str,
    json: &'static str,
    ty: &'static str,
    omit: bool,
}

fn read(text: &'static str) -> FxHashMap<&'static str, Vec<Field>> {
    let mut types: FxHashMap<&str, Vec<Field>> = FxHashMap::default();
    let mut name = "";
    for line in text.lines() {
        let mut cells = cells(line);
        let tag = cells.next().unwrap_or("");
        let mut cell = || cells.next().unwrap_or("");
        match tag {
            "T" => {
                name = cell();
                types.entry(name).or_default();
            }
            "F" => {
                let field = Field { shown: cell(), json: cell(), ty: cell(), omit: !cell().is_empty() };
                types.entry(name).or_default().push(field);
            }
            _ => {}
        }
    }
    types
}

/// Whether two values of an internal type are semantically equal: empty lists and maps equal absent ones, quantities their
/// amounts. upstream: equality.Semantic.DeepEqual
pub(crate) fn equal(ty: &str, a: Option<&Value>, b: Option<&Value>) -> bool {
    equal_at(ty, a, b, 0)
}

fn equal_at(ty: &str, a: Option<&Value>, b: Option<&Value>, depth: usize) -> bool {
    let (a, b) = (a.filter(|v| !v.is_null()), b.filter(|v| !v.is_null()));
    if a == b || depth > MAX_DEPTH {
        return true;
    }
    if let Some(inner) = ty.strip_prefix('*') {
        return a.is_some() && b.is_some() && equal_at(inner, a, b, depth + 1);
    }
    if let Some(item) = ty.strip_prefix("[]") {
        let list = |v: Option<&'_ Value>| v.and_then(Value::as_array).cloned().unwrap_or_default();
        let (a, b) = (list(a), list(b));
        return a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| equal_at(item, Some(a), Some(b), depth + 1));
    }
    if let Some(item) = ty.strip_prefix("{}") {
        let map = |v: Option<&'_ Value>| v.and_then(Value::as_object).cloned().unwrap_or_default();
        let (a, b) = (map(a), map(b));
        return a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| equal_at(item, Some(v), Some(w), depth + 1)));
    }
    let (a, b) = (a.unwrap_or(&Value::Null), b.unwrap_or(&Value::Null));
    match ty {
        "s" | "b" | "n" | "bytes" => is_empty(Some(a)) && is_empty(Some(b)),
        "resource.Quantity" => {
            let nanos = |v: &Value| match v {
                Value::Null => 0,
                Value::String(text) => quantity::parse(text).map_or(0, |q| q.nanos),
                other => quantity::parse(&other.to_string()).map_or(0, |q| q.nanos),
            };
            nanos(a) == nanos(b)
        }
        _ => match TYPES.get(ty) {
            Some(fields) => fields.iter().all(|f| {
                let (x, y) = (field_of(ty, f, a), field_of(ty, f, b));
                equal_at(f.ty, x.as_deref(), y.as_deref(), depth + 1)
            }),
            None => false,
        },
    }
}

/// A field of a struct; some come from elsewhere in the API's JSON.
fn field_of<'a>(ty: &str, field: &Field, value: &'a Value) -> Option<Cow<'a, Value>> {
    if ty == "core.PodSpec" && field.json == "securityContext" {
        return Some(Cow::Owned(pod_security(value)));
    }
    let found = field.json.split('/').try_fold(value, |v, key| v.get(key));
    found.filter(|v| !v.is_null()).map(Cow::Borrowed)
}

/// The fields of an internal type, in order: the name shown, the name in the API's JSON and the type.
pub(crate) fn fields(ty: &str) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TYPES.get(ty).map_or(&[][..], Vec::as_slice).iter().map(|f| (f.shown, f.json, f.ty))
}

/// Types that the API's JSON writes in several shapes.
fn reshaped(ty: &str, value: Option<&Value>) -> Option<Value> {
    let value = value?;
    match (ty, value) {
        ("apiextensions.JSONSchemaPropsOrArray", Value::Array(_)) => Some(serde_json::json!({"jSONSchemas": value})),
        ("apiextensions.JSONSchemaPropsOrArray", Value::String(_) | Value::Number(_) | Value::Bool(_)) => Some(Value::Null),
        ("apiextensions.JSONSchemaPropsOrArray", _) => Some(serde_json::json!({"schema": value})),
        ("apiextensions.JSONSchemaPropsOrBool", Value::Bool(_)) => Some(serde_json::json!({"allows": value})),
        ("apiextensions.JSONSchemaPropsOrBool", _) => Some(serde_json::json!({"allows": true, "schema": value})),
        ("apiextensions.JSONSchemaPropsOrStringArray", Value::Array(_)) => Some(serde_json::json!({"property": value})),
        ("apiextensions.JSONSchemaPropsOrStringArray", _) => Some(serde_json::json!({"schema": value})),
        _ => None,
    }
}

struct Printer {
    out: Vec<u8>,
    pretty: bool,
    depth: usize,
}

const MAX_DEPTH: usize = 100;

/// The value as Go's `json.Marshal` writes the internal type `ty`, such as `core.PodSpec`; `None` is its zero value.
pub(crate) fn compact(ty: &str, value: Option<&Value>) -> String {
    print(ty, value, false)
}

/// As [`compact`], on lines indented by one blank.
pub(crate) fn pretty(ty: &str, value: Option<&Value>) -> String {
    print(ty, value, true)
}

/// The difference of two values as the server's sentences show it. upstream: apimachinery/pkg/util/diff
pub(crate) fn diff(ty: &str, a: &Value, b: &Value) -> String {
    difflib::unified(&pretty(ty, Some(a)), &pretty(ty, Some(b)))
}

fn print(ty: &str, value: Option<&Value>, pretty: bool) -> String {
    let mut printer = Printer { out: Vec::new(), pretty, depth: 0 };
    printer.value(ty, value.filter(|v| !v.is_null()));
    String::from_utf8_lossy(&printer.out).into_owned()
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::String(s)) => s.is_empty(),
        Some(Value::Array(a)) => a.is_empty(),
        Some(Value::Object(o)) => o.is_empty(),
        Some(Value::Number(n)) => n.as_f64() == Some(0.0),
        Some(Value::Bool(true)) => false,
    }
}

/// The pod's security context holds what the API keeps beside it.
fn pod_security(spec: &Value) -> Value {
    let mut out = spec.get("securityContext").and_then(Value::as_object).cloned().unwrap_or_default();
    for key in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"] {
        if let Some(value) = spec.get(key) {
            out.insert(key.to_owned(), value.clone());
        }
    }
    Value::Object(out)
}

impl Printer {
    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn string(&mut self, text: &str) {
        json::write_string(text.as_bytes(), true, &mut self.out);
    }

    fn line(&mut self) {
        if self.pretty {
            self.out.push(b'\n');
            self.out.extend(std::iter::repeat_n(b' ', self.depth));
        }
    }

    fn open(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.depth += 1;
    }

    fn close(&mut self, bracket: u8, empty: bool) {
        self.depth -= 1;
        if !empty {
            self.line();
        }
        self.out.push(bracket);
    }

    fn key(&mut self, key: &str, first: &mut bool) {
        if !std::mem::take(first) {
            self.out.push(b',');
        }
        self.line();
        self.string(key);
        self.raw(if self.pretty { ": " } else { ":" });
    }

    fn value(&mut self, ty: &str, value: Option<&Value>) {
        if self.depth > MAX_DEPTH {
            return self.raw("null");
        }
        if let Some(inner) = ty.strip_prefix('*') {
            return if value.is_some() { self.value(inner, value) } else { self.raw("null") };
        }
        if let Some(item) = ty.strip_prefix("[]") {
            let Some(Value::Array(items)) = value else { return self.raw("null") };
            self.open(b'[');
            for (i, entry) in items.iter().enumerate() {
                if i > 0 {
                    self.out.push(b',');
                }
                self.line();
                self.value(item, Some(entry).filter(|v| !v.is_null()));
            }
            return self.close(b']', items.is_empty());
        }
        if let Some(item) = ty.strip_prefix("{}") {
            let Some(Value::Object(map)) = value else { return self.raw("null") };
            self.open(b'{');
            let mut first = true;
            for (key, entry) in map {
                self.key(key, &mut first);
                self.value(item, Some(entry).filter(|v| !v.is_null()));
            }
            return self.close(b'}', map.is_empty());
        }
        match ty {
            "s" => self.string(value.and_then(Value::as_str).unwrap_or("")),
            "b" => self.raw(if value.and_then(Value::as_bool) == Some(true) { "true" } else { "false" }),
            "n" => self.raw(&value.map_or_else(|| "0".to_owned(), Value::to_string)),
            "bytes" => match value.and_then(Value::as_str) {
                Some(text) => self.string(text),
                None => self.raw("null"),
            },
            "resource.Quantity" => match value {
                None => self.string("0"),
                Some(Value::String(text)) => self.string(text),
                Some(other) => self.string(&other.to_string()),
            },
            "intstr.IntOrString" if value.is_none() => self.raw("0"),
            _ => match TYPES.get(ty) {
                Some(fields) => self.fields(ty, fields, value.unwrap_or(&Value::Null)),
                None => self.any(value),
            },
        }
    }

    fn fields(&mut self, ty: &str, fields: &[Field], value: &Value) {
        let changed = reshaped(ty, Some(value));
        let value = changed.as_ref().unwrap_or(value);
        self.open(b'{');
        let mut first = true;
        for field in fields {
            let found = field_of(ty, field, value);
            let found = found.as_deref();
            if field.omit && is_empty(found) {
                continue;
            }
            self.key(field.shown, &mut first);
            self.value(field.ty, found);
        }
        self.close(b'}', first);
    }

    fn any(&mut self, value: Option<&Value>) {
        match value {
            None | Some(Value::Null) => self.raw("null"),
            Some(Value::String(text)) => self.string(text),
            Some(Value::Array(_)) => self.value("[]any", value),
            Some(Value::Object(_)) => self.value("{}any", value),
            Some(other) => {
                let mut text = String::new();
                // Writing to a string cannot fail.
                let _ = write!(text, "{other}");
                self.raw(&text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn prints_as_the_server() {
        let role = json!({"apiGroup": "g", "kind": "Role", "name": "<x>"});
        assert_eq!(compact("rbac.RoleRef", Some(&role)), r#"{"APIGroup":"g","Kind":"Role","Name":"\u003cx\u003e"}"#);
        assert_eq!(compact("*rbac.RoleRef", None), "null");
        let spec = json!({"hostNetwork": true, "containers": []});
        let text = compact("core.PodSpec", Some(&spec));
        assert!(text.starts_with(r#"{"Volumes":null,"InitContainers":null,"Containers":[],"#), "{text}");
        assert!(text.contains(r#""SecurityContext":{"HostNetwork":true,"HostPID":false,"#), "{text}");
        assert_eq!(pretty("v1.LabelSelector", Some(&json!({"matchLabels": {"a": "b"}}))), "{\n \"matchLabels\": {\n  \"a\": \"b\"\n }\n}");
    }
}
