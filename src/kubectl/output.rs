//! Output formats: tables as kubectl lays them out, YAML, JSON, names, JSONPath, columns, templates. upstream:
//! cli-runtime/pkg/printers, kubectl/pkg/cmd/get

use std::cmp::Ordering;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::api::Nanos;
use super::files::from_json;
use super::flags::Flags;
use super::json::{compact, inside, pretty};
use super::jsonpath;
use super::resources::Resource;
use super::session::{Fault, Session};
use super::table;
use super::tabwriter;
use crate::kube::apply::Place;
use crate::simulate::apiserver::{Parts, Wanted};
use crate::simulate::scheduler::json::{at, scalar, text};
use crate::value::quantity;
use crate::yaml::json_to_kyaml;
use crate::yaml::json_to_yaml;
use crate::yaml::kyaml_in_order;

/// The formats `get` allows, in the order its error lists them.
const OF_GET: &[&str] = &[
    "custom-columns",
    "custom-columns-file",
    "go-template",
    "go-template-file",
    "json",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
    "kyaml",
    "name",
    "template",
    "templatefile",
    "wide",
    "yaml",
];
/// Those of the other verbs.
const OF_OTHERS: &[&str] = &[
    "go-template",
    "go-template-file",
    "json",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
    "kyaml",
    "name",
    "template",
    "templatefile",
    "yaml",
];

/// So many objects are worth the help of other threads.
const MANY: usize = 200;

/// A column that was asked for: its header, and what stands in it where the path is one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Custom {
    header: String,
    path: Result<jsonpath::Template, String>,
}

/// How objects are printed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Format {
    /// A table; the flag says whether with all columns.
    Table(bool),
    Yaml,
    Kyaml,
    Json,
    Name,
    JsonPath(Box<jsonpath::Template>, bool),
    Columns(Vec<Custom>),
    Template(String),
}

fn mismatch(given: &str, allowed: &[&str]) -> Fault {
    let list = allowed.join(",");
    Fault::error(format!("unable to match a printer suitable for the output format \"{given}\", allowed formats are: {list}"))
}

impl Session<'_> {
    /// The format `-o` asks for.
    pub(super) fn format(&self, flags: &Flags, of_get: bool) -> Result<Format, Fault> {
        let given = flags.text("output");
        let (name, argument) = given.split_once('=').map_or((given, None), |(n, a)| (n, Some(a.to_owned())));
        let argument = argument.or_else(|| Some(flags.text("template").to_owned()).filter(|t| !t.is_empty()));
        let file = |path: &str| -> Result<String, Fault> {
            let bytes = self.world.read(path).map_err(|e| Fault::error(format!("error reading --template {path}, {}", e.message)))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let path = |given: Option<String>, as_json: bool| -> Result<Format, Fault> {
            let given = given.filter(|g| !g.is_empty()).ok_or_else(|| Fault::error("template format specified but no template given"))?;
            let mut template = jsonpath::parse(&given).map_err(|e| Fault::error(format!("error parsing jsonpath {given}, {e}")))?;
            template.strict = flags.off("allow-missing-template-keys");
            Ok(Format::JsonPath(Box::new(template), as_json))
        };
        let template = |given: String| -> Result<Format, Fault> {
            super::template::check(&given).map_err(|e| Fault::error(format!("error parsing template {given}, {e}")))?;
            Ok(Format::Template(given))
        };
        let no_template = || Fault::error("template format specified but no template given");
        // Only some formats take an argument.
        if given.contains('=') && matches!(name, "" | "wide" | "yaml" | "kyaml" | "json" | "name") {
            return Err(mismatch(given, if of_get { OF_GET } else { OF_OTHERS }));
        }
        Ok(match name {
            "" if flags.given("template") => template(argument.ok_or_else(no_template)?)?,
            "" => Format::Table(false),
            "wide" if of_get => Format::Table(true),
            "yaml" => Format::Yaml,
            "kyaml" => Format::Kyaml,
            "json" => Format::Json,
            "name" => Format::Name,
            "jsonpath" => path(argument, false)?,
            "jsonpath-as-json" => path(argument, true)?,
            "jsonpath-file" => path(Some(file(&argument.unwrap_or_default())?), false)?,
            "go-template" | "template" => template(argument.ok_or_else(no_template)?)?,
            "go-template-file" | "templatefile" => template(file(&argument.unwrap_or_default())?)?,
            "custom-columns" if of_get => Format::Columns(columns(&argument.unwrap_or_default())?),
            "custom-columns-file" if of_get => Format::Columns(columns_of_file(&file(&argument.unwrap_or_default())?)?),
            _ => return Err(mismatch(given, if of_get { OF_GET } else { OF_OTHERS })),
        })
    }

    /// Prints one object, or a list of them, in a format that is no table.
    pub(super) fn print_value(&mut self, format: &Format, value: &Value, flags: &Flags) -> Result<(), Fault> {
        let items: Vec<&Value> = match value["items"].as_array() {
            Some(items) if text(value, &["kind"]).ends_with("List") => items.iter().collect(),
            _ => vec![value],
        };
        match format {
            Format::Table(_) => {}
            Format::Yaml => {
                self.out.push_str(&String::from_utf8_lossy(&json_to_yaml(value).map_err(Fault::error)?));
            }
            Format::Kyaml => {
                let order = |path: &[&str]| {
                    let down = |place: Place, step: &&str| if step.is_empty() { place.item() } else { place.below(step) };
                    path.iter().fold(Place::root(value), down).names()
                };
                self.out.push_str(&if self.typed { kyaml_in_order(value, &order) } else { json_to_kyaml(value) });
            }
            Format::Json => {
                self.out.push_str(&pretty(value, self.typed.then(|| Place::root(value))));
                self.out.push('\n');
            }
            Format::Name => {
                for item in items {
                    let line = self.full_name(item);
                    self.say(&line);
                }
            }
            Format::JsonPath(template, as_json) => {
                if *as_json {
                    let found = template.values(value).map_err(|e| no_path(&template.source, value, &e))?;
                    let flat: Vec<Value> = found.into_iter().flatten().collect();
                    self.out.push_str(&pretty(&Value::Array(flat), None));
                    self.out.push('\n');
                } else {
                    let shown = template.print(value).map_err(|e| no_path(&template.source, value, &e))?;
                    self.out.push_str(&shown);
                }
            }
            Format::Columns(columns) => {
                let lines: Vec<String> = items.into_iter().map(|item| column_values(item, columns)).collect();
                self.print_columns(columns, &lines, flags);
            }
            Format::Template(given) => {
                let object = from_json(value);
                let (shown, wrong) = super::template::execute(&given.as_bytes().into(), &object, flags.off("allow-missing-template-keys"));
                self.out.push_str(&shown);
                if let Some(why) = wrong {
                    let data = compact(&pretty(value, self.typed.then(|| Place::root(value))));
                    let whole = crate::value::sprint(std::slice::from_ref(&object)).unwrap_or_default();
                    let whole = String::from_utf8_lossy(&whole).into_owned();
                    self.say(&format!("Error executing template: {why}. Printing more information for debugging the template:"));
                    self.say(&format!("\ttemplate was:\n\t\t{given}\n\traw data was:\n\t\t{data}"));
                    self.say(&format!("\tobject given to template engine was:\n\t\t{whole}\n"));
                    return Err(Fault::error(format!("error executing template {}: {why}", crate::value::quote(given.as_bytes()))));
                }
            }
        }
        Ok(())
    }

    /// A list of items that are written already by [`item`].
    pub(super) fn print_items(&mut self, format: &Format, items: &[String], flags: &Flags) -> Result<(), Fault> {
        let empty = list_of(Vec::new());
        match format {
            Format::Yaml if !items.is_empty() => {
                let whole = String::from_utf8_lossy(&json_to_yaml(&empty).map_err(Fault::error)?).into_owned();
                let (head, tail) = whole.split_once("items: []\n").unwrap_or((whole.as_str(), ""));
                self.out.push_str(head);
                self.out.push_str("items:\n");
                items.iter().for_each(|item| self.out.push_str(item));
                self.out.push_str(tail);
            }
            Format::Json if !items.is_empty() => {
                let whole = pretty(&empty, None);
                let (head, tail) = whole.split_once("[]").unwrap_or((whole.as_str(), ""));
                self.out.push_str(head);
                for (i, item) in items.iter().enumerate() {
                    self.out.push_str(if i == 0 { "[\n        " } else { ",\n        " });
                    self.out.push_str(item);
                }
                self.out.push_str("\n    ]");
                self.out.push_str(tail);
                self.out.push('\n');
            }
            Format::Name => items.iter().for_each(|item| self.say(item)),
            Format::Columns(columns) => self.print_columns(columns, items, flags),
            _ => self.print_value(format, &empty, flags)?,
        }
        Ok(())
    }

    fn print_columns(&mut self, columns: &[Custom], items: &[String], flags: &Flags) {
        let mut lines = String::new();
        if !flags.on("no-headers") {
            lines.push_str(&columns.iter().map(|c| c.header.as_str()).collect::<Vec<_>>().join("\t"));
            lines.push('\n');
        }
        for item in items {
            lines.push_str(item);
            lines.push('\n');
        }
        self.out.push_str(&tabwriter::align(&lines, 6, 3));
    }

    /// `deployment.apps/web`.
    pub(super) fn full_name(&self, object: &Value) -> String {
        let name = text(object, &["metadata", "name"]);
        match self.resource_of(object) {
            Some(resource) => resource.named(name),
            None => {
                let group = text(object, &["apiVersion"]).split_once('/').map_or("", |(g, _)| g);
                let kind = text(object, &["kind"]).to_lowercase();
                if group.is_empty() { format!("{kind}/{name}") } else { format!("{kind}.{group}/{name}") }
            }
        }
    }

    /// The tables of objects, one for each resource in turn.
    pub(super) fn print_tables(&mut self, groups: &[(Arc<Resource>, Vec<Value>)], layout: &Layout) {
        let now = self.now();
        let mut blocks: Vec<String> = Vec::new();
        for (resource, objects) in groups.iter().filter(|(_, objects)| !objects.is_empty()) {
            let drawn = Drawn::new(resource, self.definition(resource), layout, now);
            let lines: Vec<String> = if objects.len() > MANY {
                objects.par_iter().map(|o| drawn.line(o)).collect()
            } else {
                objects.iter().map(|o| drawn.line(o)).collect()
            };
            blocks.push(drawn.table(&lines));
        }
        self.print_blocks(&blocks, layout);
    }

    /// Tables that are laid out already.
    pub(super) fn print_blocks(&mut self, blocks: &[String], layout: &Layout) {
        let gap = if layout.headers { "\n" } else { "" };
        self.out.push_str(&blocks.join(gap));
    }
}

/// An item of a list as it is printed there; empty for formats that print none by itself.
pub(super) fn item(format: &Format, resource: &Resource, object: Value) -> Result<String, String> {
    match format {
        // As a list of its own an item looks as it does in the whole.
        Format::Yaml => json_to_yaml(&Value::Array(vec![object])).map(|b| String::from_utf8(b).unwrap_or_default()),
        Format::Json => Ok(inside(&object, None, 2)),
        Format::Name => Ok(resource.named(text(&object, &["metadata", "name"]))),
        Format::Columns(columns) => Ok(column_values(&object, columns)),
        _ => Ok(String::new()),
    }
}

/// Neither specification nor status.
const ABOUT: Parts = Parts { metadata: Wanted::All, spec: Wanted::NOTHING, status: Wanted::NOTHING };
/// Anything but the specification.
const NO_SPEC: Parts = Parts { metadata: Wanted::All, spec: Wanted::NOTHING, status: Wanted::All };

/// What a format looks at in the objects of a resource; nothing when that may be anything.
pub(super) fn parts_of(format: &Format, resource: &Resource) -> Option<&'static Parts> {
    let looked: Vec<&str> = match format {
        // Events are no objects with a specification.
        _ if resource.kind == "Event" => return None,
        Format::Name => Vec::new(),
        Format::Columns(columns) => {
            let all = columns.iter().map(|c| c.path.as_ref().ok().and_then(|p| p.fields_of_items(false)));
            all.collect::<Option<Vec<_>>>()?.concat()
        }
        Format::JsonPath(template, _) => template.fields_of_items(true)?,
        _ => return None,
    };
    let (status, about) = (looked.contains(&"status"), looked.iter().all(|f| matches!(*f, "apiVersion" | "kind" | "metadata" | "status")));
    match (about, status) {
        // The status of other kinds is completed as a whole.
        (true, true) if resource.is("", "pods") => Some(&NO_SPEC),
        (true, false) => Some(&ABOUT),
        _ => None,
    }
}

/// What a table shows besides its cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) wide: bool,
    pub(super) headers: bool,
    pub(super) namespace: bool,
    pub(super) kinds: bool,
    pub(super) all_labels: bool,
    pub(super) labels: Vec<String>,
}

/// A table of the objects of a resource. upstream: TablePrinter, decorateTable
pub(super) struct Drawn<'a> {
    resource: &'a Resource,
    definition: Option<Value>,
    columns: Vec<table::Column>,
    layout: &'a Layout,
    now: Nanos,
}

impl<'a> Drawn<'a> {
    pub(super) fn new(resource: &'a Resource, definition: Option<Value>, layout: &'a Layout, now: Nanos) -> Self {
        let columns = table::columns(&resource.api_version(), &resource.kind, definition.as_ref());
        Self { resource, definition, columns, layout, now }
    }

    /// What its rows look at; nothing when that may be anything.
    pub(super) fn parts(&self) -> Option<&'static Parts> {
        if self.definition.is_some() { None } else { table::parts(&self.resource.api_version(), &self.resource.kind) }
    }

    fn shows(&self, column: usize) -> bool {
        self.layout.wide || self.columns.get(column).is_some_and(|c| !c.wide)
    }

    fn namespaced(&self) -> bool {
        self.layout.namespace && self.resource.namespaced
    }

    /// The cells of an object, apart by tabs.
    pub(super) fn line(&self, object: &Value) -> String {
        let layout = self.layout;
        let row = table::row(object, self.now, self.definition.as_ref());
        // The kind goes before the name, wherever that column stands.
        let name_column = self.columns.iter().position(|c| c.name == "Name");
        let mut cells: Vec<String> = Vec::new();
        if self.namespaced() {
            cells.push(text(object, &["metadata", "namespace"]).to_owned());
        }
        for (i, cell) in row.cells.iter().enumerate().take(self.columns.len()).filter(|(i, _)| self.shows(*i)) {
            let shown = cell_text(cell);
            cells.push(if layout.kinds && Some(i) == name_column { format!("{}/{shown}", self.resource.kind_group()) } else { shown });
        }
        let labels = at(object, &["metadata", "labels"]);
        cells.extend(layout.labels.iter().map(|l| labels.get(l).map(scalar).unwrap_or_default()));
        if layout.all_labels {
            cells.push(super::labels::format(labels));
        }
        cells.join("\t")
    }

    /// The whole of it, aligned.
    pub(super) fn table(&self, rows: &[String]) -> String {
        let layout = self.layout;
        let mut lines = String::new();
        if layout.headers {
            let mut head: Vec<String> = Vec::new();
            if self.namespaced() {
                head.push("NAMESPACE".to_owned());
            }
            head.extend(self.columns.iter().enumerate().filter(|(i, _)| self.shows(*i)).map(|(_, c)| c.name.to_uppercase()));
            head.extend(layout.labels.iter().map(|l| l.rsplit('/').next().unwrap_or(l).to_uppercase()));
            if layout.all_labels {
                head.push("LABELS".to_owned());
            }
            lines.push_str(&head.join("\t"));
            lines.push('\n');
        }
        for row in rows {
            lines.push_str(row);
            lines.push('\n');
        }
        tabwriter::align(&lines, 6, 3)
    }
}

/// A cell, cut at its first line break. upstream: printRows
fn cell_text(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(s) => match s.find(['\u{c}', '\n', '\r']) {
            Some(end) => format!("{}...", s.get(..end).unwrap_or(s)),
            None => s.clone(),
        },
        other => other.to_string(),
    }
}

/// A `List` of objects, as `get` prints several.
pub(super) fn list_of(objects: Vec<Value>) -> Value {
    let mut list = json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}});
    list["items"] = Value::Array(objects);
    list
}

/// `N:.metadata.name,…`. upstream: NewCustomColumnsPrinterFromSpec
fn columns(spec: &str) -> Result<Vec<Custom>, Fault> {
    if spec.is_empty() {
        return Err(Fault::error("custom-columns format specified but no custom columns given"));
    }
    spec.split(',')
        .map(|part| {
            let (header, path) = part
                .split_once(':')
                .ok_or_else(|| Fault::error(format!("unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")))?;
            let column = custom(header, path)?;
            match column.path {
                Ok(_) => Ok(column),
                Err(why) => Err(Fault::error(why)),
            }
        })
        .collect()
}

/// Headers on the first line, paths on the second.
fn columns_of_file(text: &str) -> Result<Vec<Custom>, Fault> {
    let mut lines = text.lines();
    let headers: Vec<&str> = lines.next().unwrap_or("").split_whitespace().collect();
    let paths: Vec<&str> = lines.next().unwrap_or("").split_whitespace().collect();
    if headers.len() != paths.len() {
        let (h, p) = (headers.len(), paths.len());
        return Err(Fault::error(format!("number of headers ({h}) and field specifications ({p}) don't match")));
    }
    headers.iter().zip(paths).map(|(h, p)| custom(h, p)).collect()
}

fn custom(header: &str, path: &str) -> Result<Custom, Fault> {
    let path = jsonpath::parse(&jsonpath::relaxed(path).map_err(Fault::error)?).map(|mut template| {
        template.strict = false;
        template
    });
    Ok(Custom { header: header.to_owned(), path })
}

fn column_values(item: &Value, columns: &[Custom]) -> String {
    let value = |column: &Custom| {
        let found = column.path.as_ref().ok().and_then(|p| p.find(item).ok()).unwrap_or_default();
        if found.is_empty() { "<none>".to_owned() } else { found.iter().map(go_value).collect::<Vec<_>>().join(",") }
    };
    columns.iter().map(value).collect::<Vec<_>>().join("\t")
}

/// A value in Go's `%v`.
fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_value).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => format!("map[{}]", map.iter().map(|(k, v)| format!("{k}:{}", go_value(v))).collect::<Vec<_>>().join(" ")),
        other => scalar(other),
    }
}

/// A Go template over an object.
/// What is said of a path that leads nowhere. upstream: cli-runtime/pkg/printers.JSONPathPrinter
fn no_path(source: &str, value: &Value, why: &str) -> Fault {
    let quoted = crate::value::quote(source.as_bytes());
    let about = format!("\ttemplate was:\n\t\t{source}\n\tobject given to jsonpath engine was:\n\t\t{}\n\n", go_syntax(value, 0));
    Fault::error(format!(
        "error executing jsonpath {quoted}: Error executing template: {why}. Printing more information for debugging the template:\n{about}"
    ))
}

/// A value as `%#v` writes it.
fn go_syntax(value: &Value, depth: usize) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(s) => crate::value::quote(s.as_bytes()),
        _ if depth > 500 => String::new(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|i| go_syntax(i, depth + 1)).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let entry = |k: &&String| format!("{}:{}", crate::value::quote(k.as_bytes()), go_syntax(&value[k.as_str()], depth + 1));
            format!("map[string]interface {{}}{{{}}}", keys.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Sorts objects by a path, as `--sort-by` does. upstream: kubectl/pkg/cmd/get.RuntimeSort
pub(super) fn order(objects: &[&Value], given: &str) -> Result<Vec<usize>, Fault> {
    let path = SortPath::new(given)?;
    order_of(&objects.iter().map(|o| path.key(o)).collect::<Vec<_>>(), &path)
}

/// The path of `--sort-by`.
pub(super) struct SortPath {
    path: String,
    template: jsonpath::Template,
}

impl SortPath {
    pub(super) fn new(given: &str) -> Result<Self, Fault> {
        let path = jsonpath::relaxed(given).map_err(Fault::error)?;
        let mut template = jsonpath::parse(&path).map_err(Fault::error)?;
        template.strict = false;
        Ok(Self { path, template })
    }

    /// What an object is sorted by.
    pub(super) fn key(&self, object: &Value) -> Option<Value> {
        self.template.find(object).ok().and_then(|v| v.into_iter().next())
    }
}

/// As [`order`], of what objects are sorted by.
pub(super) fn order_of(keys: &[Option<Value>], path: &SortPath) -> Result<Vec<usize>, Fault> {
    let path = &path.path;
    if !keys.is_empty() && keys.iter().all(Option::is_none) {
        return Err(Fault::error(format!("couldn't find any field with path \"{path}\" in the list of objects")));
    }
    let mut order: Vec<usize> = (0..keys.len()).collect();
    // An object without the field comes before any other, also before another without it: among few objects, which Go
    // sorts by insertion, those turn around.
    let less = |i: usize, j: usize| match (&keys[i], &keys[j]) {
        (None, _) => true,
        (_, None) => false,
        (a, b) => compare(a.as_ref(), b.as_ref()).is_lt(),
    };
    if keys.len() <= 12 {
        for i in 1..order.len() {
            let mut j = i;
            while j > 0 && less(order[j], order[j - 1]) {
                order.swap(j, j - 1);
                j -= 1;
            }
        }
    } else {
        order.sort_by(|a, b| compare(keys[*a].as_ref(), keys[*b].as_ref()));
    }
    Ok(order)
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        (Some(Value::String(a)), Some(Value::String(b))) => match (quantity::parse(a), quantity::parse(b)) {
            (Ok(x), Ok(y)) => x.cmp(&y),
            _ => natural(a, b),
        },
        (Some(a), Some(b)) => a.to_string().cmp(&b.to_string()),
    }
}

/// Runs of digits compare as numbers. upstream: github.com/fvbommel/sortorder
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let run = |s: &[u8], from: usize| s.iter().skip(from).take_while(|c| c.is_ascii_digit()).count();
            let (m, n) = (run(a, i), run(b, j));
            let zeros = |s: &[u8], from: usize, len: usize| s.iter().skip(from).take(len).take_while(|c| **c == b'0').count().min(len);
            let (p, q) = (zeros(a, i, m), zeros(b, j, n));
            let order = (m - p).cmp(&(n - q)).then_with(|| a.get(i + p..i + m).cmp(&b.get(j + q..j + n)));
            if order.is_ne() {
                return order;
            }
            (i, j) = (i + m, j + n);
        } else if x == y {
            (i, j) = (i + 1, j + 1);
        } else {
            return x.cmp(y);
        }
    }
    (a.len() - i).cmp(&(b.len() - j))
}
