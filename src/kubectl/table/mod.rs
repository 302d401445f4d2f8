//! The server's tables: one row of cells per object, as `kubectl get` asks for them.
//! upstream: pkg/printers/internalversion, apiextensions-apiserver/pkg/registry/customresource/tableconvertor

mod cluster;
mod network;
mod pod;
mod storage;
mod workload;

use serde_json::Value;

use super::api::Nanos;
use super::jsonpath;
use super::times;
use crate::simulate::apiserver::{Parts, Wanted};
use crate::simulate::scheduler::json::{at, int, list, scalar, text};

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Such as `Up-to-date`; kubectl prints it in capitals.
    pub name: String,
    /// Whether it is shown with `-o wide` only.
    pub wide: bool,
}

/// A row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// One value a column: strings, numbers, booleans, or null for nothing.
    pub cells: Vec<Value>,
    /// `Completed` conditions: reason and sentence.
    pub completed: Option<(&'static str, &'static str)>,
}

/// The columns of a kind and how its rows are made.
pub(super) struct Printer {
    group: &'static str,
    kind: &'static str,
    /// Names; those after `|` are wide.
    columns: &'static [&'static str],
    row: fn(&Value, Nanos) -> Vec<Value>,
    /// What the rows look at besides what objects are about; nothing when that may be anything.
    parts: Option<Parts>,
}

impl Printer {
    /// The same; its rows look at these parts only.
    const fn of(self, spec: Wanted, status: Wanted) -> Self {
        Self { parts: Some(Parts { metadata: Wanted::All, spec, status }), ..self }
    }
}

pub(super) const fn printer(
    group: &'static str,
    kind: &'static str,
    columns: &'static [&'static str],
    row: fn(&Value, Nanos) -> Vec<Value>,
) -> Printer {
    Printer { group, kind, columns, row, parts: None }
}

fn find(api_version: &str, kind: &str) -> Option<&'static Printer> {
    let group = api_version.split_once('/').map_or("", |(g, _)| g);
    let all = [pod::PRINTERS, workload::PRINTERS, network::PRINTERS, storage::PRINTERS, cluster::PRINTERS];
    all.into_iter().flatten().find(|p| p.kind == kind && (p.group == group || (kind == "Event" && group == "events.k8s.io")))
}

/// The columns of a kind; `definition` is the CRD of a custom resource.
pub fn columns(api_version: &str, kind: &str, definition: Option<&Value>) -> Vec<Column> {
    if let Some(definition) = definition {
        let mut out = vec![Column { name: "Name".to_owned(), wide: false }];
        let added = additional(definition, api_version);
        out.extend(added.iter().map(|c| Column { name: text(c, &["name"]).to_owned(), wide: int(c, &["priority"]).unwrap_or(0) != 0 }));
        return out;
    }
    let names = find(api_version, kind).map_or(&["Name", "Created At"][..], |p| p.columns);
    let read = |name: &&str| Column { name: name.trim_start_matches('|').to_owned(), wide: name.starts_with('|') };
    names.iter().map(read).collect()
}

/// What the rows of a kind look at; nothing when that may be anything.
pub fn parts(api_version: &str, kind: &str) -> Option<&'static Parts> {
    find(api_version, kind)?.parts.as_ref()
}

/// The row of an object at a time; `definition` is the CRD of a custom resource.
pub fn row(object: &Value, now: Nanos, definition: Option<&Value>) -> Row {
    let (api_version, kind) = (text(object, &["apiVersion"]), text(object, &["kind"]));
    if let Some(definition) = definition {
        return Row { cells: custom(object, now, &additional(definition, api_version)), completed: None };
    }
    let Some(printer) = find(api_version, kind) else {
        return Row { cells: vec![name(object), text(object, &["metadata", "creationTimestamp"]).into()], completed: None };
    };
    let completed = match (kind, text(object, &["status", "phase"])) {
        ("Pod", "Succeeded") => Some(("Succeeded", "The pod has completed successfully.")),
        ("Pod", "Failed") => Some(("Failed", "The pod failed.")),
        _ => None,
    };
    Row { cells: (printer.row)(object, now), completed }
}

/// The additional columns of a version; the age where there are none. upstream: tableconvertor.New
fn additional(definition: &Value, api_version: &str) -> Vec<Value> {
    let version = api_version.rsplit('/').next().unwrap_or("");
    let own = list(definition, &["spec", "versions"]).iter().find(|v| text(v, &["name"]) == version);
    match own.map(|v| list(v, &["additionalPrinterColumns"])) {
        Some(columns) if !columns.is_empty() => columns.to_vec(),
        _ => vec![serde_json::json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"})],
    }
}

fn custom(object: &Value, now: Nanos, columns: &[Value]) -> Vec<Value> {
    let mut cells = vec![name(object)];
    for column in columns {
        let path = format!("{{{}}}", text(column, &["jsonPath"]));
        let found = jsonpath::parse(&path).ok().and_then(|p| p.find(object).ok()).unwrap_or_default();
        let Some(first) = found.first() else {
            cells.push(Value::Null);
            continue;
        };
        cells.push(match (text(column, &["type"]), first) {
            ("string", value) => jsonpath::shown(value).into(),
            ("integer", Value::Number(n)) => n.as_i64().or_else(|| n.as_f64().map(|f| f as i64)).into(),
            ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => first.clone(),
            ("date", Value::String(_)) => times::parse(first).map_or_else(|| "<invalid>".to_owned(), |t| times::human(now - t)).into(),
            _ => Value::Null,
        });
    }
    cells
}

fn name(object: &Value) -> Value {
    text(object, &["metadata", "name"]).into()
}

fn age(object: &Value, now: Nanos) -> Value {
    times::since(at(object, &["metadata", "creationTimestamp"]), now).into()
}

fn number(object: &Value, path: &[&str]) -> Value {
    int(object, path).unwrap_or(0).into()
}

fn or<'a>(value: &'a str, other: &'a str) -> &'a str {
    if value.is_empty() { other } else { value }
}

/// A string, or what stands for an absent one.
fn optional(object: &Value, path: &[&str], absent: &str) -> Value {
    match at(object, path) {
        Value::Null => absent.into(),
        value => scalar(value).into(),
    }
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, &["status", "conditions"]).iter().find(|c| text(c, &["type"]) == kind)
}

fn joined(values: &[Value], key: &str) -> String {
    values.iter().map(|v| text(v, &[key])).collect::<Vec<_>>().join(",")
}

/// Names and images of containers. upstream: layoutContainerCells
fn containers(object: &Value, path: &[&str]) -> [Value; 2] {
    let all = list(object, path);
    [joined(all, "name").into(), joined(all, "image").into()]
}

fn count(object: &Value, path: &[&str]) -> Value {
    let n = match at(object, path) {
        Value::Array(a) => a.len(),
        Value::Object(o) => o.len(),
        _ => 0,
    };
    n.into()
}

/// At most three, and how many more.
fn three(all: &[String], none: &str) -> String {
    let shown = all.iter().take(3).cloned().collect::<Vec<_>>().join(",");
    match all.len() {
        n if n > 3 => format!("{shown} + {} more...", n - 3),
        _ if shown.is_empty() => none.to_owned(),
        _ => shown,
    }
}

/// `RWO,ROX,RWX,RWOP`: the access modes of a volume, short. upstream: helper.GetAccessModesAsString
pub fn access_modes(given: &[Value]) -> String {
    storage::modes(given)
}

/// The roles of a node, from its labels. upstream: findNodeRoles
pub fn node_roles(node: &Value) -> Vec<String> {
    cluster::roles(node)
}

/// The state of a signing request. upstream: extractCSRStatus
pub fn signing_status(request: &Value) -> String {
    cluster::signing_status(request)
}
