//! The objects of `-f`: files, directories, standard input. upstream: cli-runtime/pkg/resource

use serde_json::Value;

use super::flags::Flags;
use super::session::{Fault, Session};
use crate::source::FileKind;
use crate::yaml;

/// An object of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    /// The object.
    pub(super) object: Value,
    /// The file, or `STDIN`.
    pub(super) source: String,
}

impl Session<'_> {
    /// All objects of `-f`, lists taken apart.
    pub(super) fn documents(&self, flags: &Flags) -> Result<Vec<Document>, Fault> {
        let mut out = Vec::new();
        let mut any = false;
        if flags.given("kustomize") {
            return Err(Fault::error("kval does not run kustomize: render it first and give the result with -f"));
        }
        for path in flags.list("filename") {
            if path == "-" {
                let bytes = self.world.stdin().map_err(|e| Fault::error(e.message))?;
                read(&bytes, "STDIN", &mut out)?;
                any = true;
                continue;
            }
            if path.starts_with("http://") || path.starts_with("https://") {
                return Err(Fault::error(format!("kval reads nothing from the network: download \"{path}\" first")));
            }
            let mut files = Vec::new();
            match self.world.kind(&path) {
                Ok(FileKind::Directory) => self.walk(&path, flags.on("recursive"), &mut files, 0)?,
                Ok(_) => files.push(path.clone()),
                Err(_) => return Err(Fault::error(format!("the path \"{path}\" does not exist"))),
            }
            if files.is_empty() && !any {
                return Err(Fault::error(format!("error reading [{path}]: recognized file extensions are [.json .yaml .yml]")));
            }
            any = true;
            for file in files {
                let bytes = self.world.read(&file).map_err(|e| Fault::error(e.message))?;
                read(&bytes, &file, &mut out)?;
            }
        }
        Ok(out)
    }

    fn walk(&self, path: &str, deep: bool, out: &mut Vec<String>, depth: usize) -> Result<(), Fault> {
        if depth > 64 {
            return Ok(());
        }
        for entry in self.world.read_dir(path).map_err(|e| Fault::error(e.message))? {
            let full = format!("{}/{}", path.trim_end_matches('/'), entry.name);
            match entry.kind {
                FileKind::Directory if deep => self.walk(&full, deep, out, depth + 1)?,
                FileKind::File if [".json", ".yaml", ".yml"].iter().any(|end| entry.name.ends_with(end)) => out.push(full),
                _ => {}
            }
        }
        Ok(())
    }
}

fn read(bytes: &[u8], source: &str, out: &mut Vec<Document>) -> Result<(), Fault> {
    let objects = yaml::decode_documents_as(bytes, to_json).map_err(|e| {
        let message = e.to_string();
        let message = message.strip_prefix("error converting YAML to JSON: ").unwrap_or(&message).to_owned();
        Fault::error(format!("error parsing {source}: error converting YAML to JSON: {message}"))
    })?;
    for object in objects {
        if object.is_null() {
            continue;
        }
        let kind = object["kind"].as_str().unwrap_or("");
        match object["items"].as_array() {
            Some(items) if kind.ends_with("List") => {
                out.extend(items.iter().map(|object| Document { object: object.clone(), source: source.to_owned() }));
            }
            _ => out.push(Document { object, source: source.to_owned() }),
        }
    }
    Ok(())
}

/// A decoded value as JSON; whole numbers stay whole.
pub(super) fn to_json(value: &crate::value::Value) -> Value {
    let bytes = crate::value::json::to_json_raw(value).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

/// JSON as a value, for printing as YAML and for templates; whole numbers stay whole.
pub(super) fn from_json(value: &Value) -> crate::value::Value {
    use crate::value::{List, Map, Str, Value as Own};
    match value {
        Value::Null => Own::NIL,
        Value::Bool(b) => (*b).into(),
        Value::Number(n) => n.as_i64().map_or_else(|| n.as_f64().unwrap_or(0.0).into(), Own::int64),
        Value::String(s) => s.as_str().into(),
        Value::Array(items) => List::any(items.iter().map(from_json).collect()).into(),
        Value::Object(entries) => {
            let entries: std::collections::BTreeMap<Str, Own> =
                entries.iter().map(|(k, v)| (Str::from(k.as_str()), from_json(v))).collect();
            Map::new(entries).into()
        }
    }
}
