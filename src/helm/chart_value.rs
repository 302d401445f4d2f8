//! `.Chart` as templates see it: in Helm 4 a map by Go's names of the fields, in Helm 3 Go's structs themselves, which
//! know no other fields and have their JSON names.

use std::any::Any;
use std::collections::BTreeMap;

use super::chart::{Chart, Dependency, ImportValue, Maintainer};
use crate::value::GoError;
use crate::value::GoType;
use crate::value::List;
use crate::value::Map;
use crate::value::Object;
use crate::value::ReflectKind;
use crate::value::Str;
use crate::value::Structure;
use crate::value::Value;

/// Go's name of a field, its name in JSON, whether JSON keeps it when empty, and its value.
type Field = (&'static str, &'static str, bool, Value);

/// `.Chart` for Helm 4, or with `v3` for Helm 3.
pub(super) fn chart_value(chart: &Chart, root: bool, v3: bool) -> Value {
    if v3 {
        return Value::object(Record { go: OUTER, pointer: false, fields: metadata(chart, true), root: Some(root) });
    }
    let map = as_map(metadata(chart, false));
    map.insert("IsRoot", root.into());
    map.into()
}

fn as_map(fields: Vec<Field>) -> Map {
    let map = Map::default();
    fields.into_iter().for_each(|(name, _, _, value)| map.insert(name, value));
    map
}

/// The records of a list: maps, or pointers to structs.
fn records(records: Vec<Vec<Field>>, v3: bool, go: &'static str) -> Value {
    if !v3 {
        return List::any(records.into_iter().map(|fields| as_map(fields).into()).collect()).into();
    }
    let elem = GoType::Named(go, ReflectKind::Ptr);
    if records.is_empty() {
        return List::nil(elem).into();
    }
    let object = |fields| Value::object(Record { go, pointer: true, fields, root: None });
    List::new(elem, records.into_iter().map(object).collect()).into()
}

fn texts(list: &[String], v3: bool) -> Value {
    match (v3, list.is_empty()) {
        (false, _) => List::any(list.iter().map(|s| s.as_str().into()).collect()).into(),
        (true, true) => List::nil(GoType::String).into(),
        (true, false) => List::strings(list.iter().map(String::as_str)).into(),
    }
}

fn metadata(chart: &Chart, v3: bool) -> Vec<Field> {
    let m = &chart.metadata;
    let text = |s: &String| Value::from(s.as_str());
    let annotations: BTreeMap<Str, Value> = m.annotations.iter().flatten().map(|(k, v)| (Str::from(k.as_str()), text(v))).collect();
    // A chart without annotations has a nil map.
    let annotations = if annotations.is_empty() { Map::nil(GoType::String) } else { Map::typed(GoType::String, None, annotations) };
    let maintainers = m.maintainers.iter().flatten().flatten().map(maintainer).collect();
    let dependencies = m.dependencies().map(|d| dependency(d, v3)).collect();
    vec![
        ("Name", "name", false, text(&m.name)),
        ("Home", "home", false, text(&m.home)),
        ("Sources", "sources", false, texts(m.sources.as_deref().unwrap_or_default(), v3)),
        ("Version", "version", false, text(&m.version)),
        ("Description", "description", false, text(&m.description)),
        ("Keywords", "keywords", false, texts(m.keywords.as_deref().unwrap_or_default(), v3)),
        ("Maintainers", "maintainers", false, records(maintainers, v3, "*chart.Maintainer")),
        ("Icon", "icon", false, text(&m.icon)),
        ("APIVersion", "apiVersion", false, text(&m.api_version)),
        ("Condition", "condition", false, text(&m.condition)),
        ("Tags", "tags", false, text(&m.tags)),
        ("AppVersion", "appVersion", false, text(&m.app_version)),
        ("Deprecated", "deprecated", false, m.deprecated.into()),
        ("Annotations", "annotations", false, annotations.into()),
        ("KubeVersion", "kubeVersion", false, text(&m.kube_version)),
        ("Dependencies", "dependencies", false, records(dependencies, v3, "*chart.Dependency")),
        ("Type", "type", false, text(&m.chart_type)),
    ]
}

fn maintainer(m: &Maintainer) -> Vec<Field> {
    vec![
        ("Name", "name", false, m.name.as_str().into()),
        ("Email", "email", false, m.email.as_str().into()),
        ("URL", "url", false, m.url.as_str().into()),
    ]
}

fn dependency(d: &Dependency, v3: bool) -> Vec<Field> {
    vec![
        ("Name", "name", true, d.name.as_str().into()),
        ("Version", "version", false, d.version.as_str().into()),
        ("Repository", "repository", true, d.repository.as_str().into()),
        ("Condition", "condition", false, d.condition.as_str().into()),
        ("Tags", "tags", false, texts(&d.tags, v3)),
        ("Enabled", "enabled", false, d.enabled.into()),
        ("ImportValues", "import-values", false, List::any(d.import_values.iter().map(import).collect()).into()),
        ("Alias", "alias", false, d.alias.as_str().into()),
    ]
}

/// An entry of `import-values` as processing leaves it.
fn import(import: &ImportValue) -> Value {
    let (child, parent) = match import {
        ImportValue::Export(name) => (format!("exports.{name}"), "."),
        ImportValue::Path { child, parent } => (child.clone(), parent.as_str()),
        ImportValue::Other => return Value::NIL,
    };
    let entries = [("child", child.as_str()), ("parent", parent)];
    let entries = entries.into_iter().map(|(k, v)| (Str::from(k), Value::from(v))).collect();
    Map::typed(GoType::String, None, entries).into()
}

/// The type of Helm 3's `.Chart`.
const OUTER: &str = "struct { chart.Metadata; IsRoot bool }";

/// A struct of Helm 3, or a pointer to one; with `root` the one that embeds the metadata.
#[derive(Debug)]
struct Record {
    go: &'static str,
    pointer: bool,
    fields: Vec<Field>,
    root: Option<bool>,
}

impl Record {
    fn embedded(&self) -> Value {
        Value::object(Self { go: "chart.Metadata", pointer: false, fields: self.fields.clone(), root: None })
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_str().is_some_and(|s| s.as_bytes().is_empty())
        || value.as_list().is_some_and(|l| l.items().is_empty())
        || value.as_map().is_some_and(Map::is_empty)
        || matches!(value.kind, crate::value::Kind::Bool(false))
}

impl Object for Record {
    fn go_type(&self) -> GoType {
        GoType::Named(self.go, if self.pointer { ReflectKind::Ptr } else { ReflectKind::Struct })
    }

    fn field(&self, name: &str) -> Option<Value> {
        match (name, self.root) {
            ("IsRoot", Some(root)) => Some(root.into()),
            ("Metadata", Some(_)) => Some(self.embedded()),
            _ => self.fields.iter().find(|f| f.0 == name).map(|f| f.3.clone()),
        }
    }

    fn has_string(&self) -> bool {
        false
    }

    fn print(&self) -> String {
        let shown = |v: &Value| String::from_utf8_lossy(&crate::value::print_value(v).unwrap_or_default()).into_owned();
        let fields: Vec<String> = self.fields.iter().map(|f| shown(&f.3)).collect();
        let fields = format!("{}{{{}}}", if self.pointer { "&" } else { "" }, fields.join(" "));
        self.root.map_or(fields.clone(), |root| format!("{{{fields} {root}}}"))
    }

    fn structure(&self) -> Option<Structure> {
        let fields = match self.root {
            Some(root) => vec![("Metadata", self.embedded()), ("IsRoot", root.into())],
            None => self.fields.iter().map(|f| (f.0, f.3.clone())).collect(),
        };
        Some(Structure { pointer: self.pointer, fields })
    }

    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        let told = self.fields.iter().filter(|f| f.2 || !is_empty(&f.3)).map(|f| (f.1, f.3.clone()));
        Some(told.chain(self.root.map(|root| ("IsRoot", root.into()))).collect())
    }

    fn to_plain(&self) -> Result<Value, GoError> {
        let map = Map::default();
        self.json_fields().into_iter().flatten().for_each(|(name, value)| map.insert(name, value));
        Ok(map.into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
