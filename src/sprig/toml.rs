//! TOML: written as BurntSushi/toml writes it, read into plain values.

use crate::gotmpl::Function;
use crate::value::Kind;
use crate::value::Map;
use crate::value::Str;
use crate::value::Value;
use crate::value::stacked;

use super::args::ANY;
use super::args::DICT;
use super::args::STR;
use super::args::any;
use super::args::bytes;
use super::args::fixed;
use super::args::string;
use super::time_object;
use super::toml_read;

/// How deep values are written; what is deeper is a cycle.
const MAX_DEPTH: usize = 500;
/// So many values are written.
const MAX_VALUES: usize = 2_000_000;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("toToml", &[ANY], STR, |_, a| string(write(given(a)?).unwrap_or_else(|e| e))),
    fixed("mustToToml", &[ANY], STR, |_, a| string(write(given(a)?)?)),
    fixed("fromToml", &[STR], DICT, |_, a| Ok(read(bytes(a, 0)).into())),
];

const ARRAY_NIL: &str = "toml: cannot encode array with nil element";
const NO_KEY: &str = "toml: top-level values must be Go maps or structs";
const TOO_DEEP: &str = "toml: the value is too large or nested too deeply";

/// The value to write; nil makes Go's library panic.
fn given(a: &[Value]) -> Result<&Value, String> {
    let value = any(a, 0);
    if value.is_nil() { Err("reflect: call of reflect.Value.Type on zero Value".to_owned()) } else { Ok(value) }
}

/// A document.
fn write(value: &Value) -> Result<String, String> {
    let mut writer = Writer { out: String::new() };
    writer.value(&[], &plain(value)?, 0)?;
    Ok(writer.out)
}

/// What a value is to the encoder.
enum Shape {
    Nil,
    /// Written as it stands.
    Scalar(String),
    List(Vec<Shape>),
    /// Keys in the order they are written in: those of a map sorted, those of a struct as declared.
    Table(Vec<(Str, Shape)>),
}

/// The shape of a value; objects by what the Go library makes of them.
fn plain(value: &Value) -> Result<Shape, String> {
    shape(value, 0, &mut 0)
}

fn shape(value: &Value, depth: usize, seen: &mut usize) -> Result<Shape, String> {
    *seen += 1;
    if depth > MAX_DEPTH || *seen > MAX_VALUES {
        return Err(TOO_DEEP.to_owned());
    }
    Ok(match &value.kind {
        Kind::Nil => Shape::Nil,
        Kind::Bool(b) => Shape::Scalar(b.to_string()),
        Kind::Int(_, n) => Shape::Scalar(n.to_string()),
        Kind::Uint(_, n) => Shape::Scalar(n.to_string()),
        Kind::Float(f) => Shape::Scalar(float(*f)),
        Kind::Complex(..) => return Err("unsupported type: complex128".to_owned()),
        Kind::Str(s) => Shape::Scalar(quoted(s)),
        Kind::List(l) if l.is_nil() && depth > 0 => Shape::Nil,
        Kind::List(l) => {
            let items = l.items().iter().map(|v| stacked(|| shape(v, depth + 1, seen))).collect::<Result<Vec<_>, _>>()?;
            if items.iter().any(|i| matches!(i, Shape::Nil)) {
                return Err(ARRAY_NIL.to_owned());
            }
            Shape::List(items)
        }
        Kind::Map(m) if m.is_nil() => Shape::Nil,
        Kind::Map(m) => {
            let entries: Vec<(Str, Value)> = m.borrow().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
            Shape::Table(entries.into_iter().map(|(k, v)| Ok((k, stacked(|| shape(&v, depth + 1, seen))?))).collect::<Result<_, String>>()?)
        }
        Kind::Object(o) => {
            if let Some(t) = time_object::time_of(value) {
                return Ok(Shape::Scalar(t.toml()));
            }
            let exported = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase());
            let texts = ["time.Duration", "*semver.Version", "semver.Version"];
            if texts.contains(&o.go_type().to_string().as_str()) {
                return Ok(Shape::Scalar(quoted(&Str::from(o.print()))));
            }
            if let Some(s) = o.structure() {
                let fields = s.fields.into_iter().filter(|(name, _)| exported(name));
                return Ok(Shape::Table(
                    fields.map(|(k, v)| Ok((k.into(), stacked(|| shape(&v, depth + 1, seen))?))).collect::<Result<_, String>>()?,
                ));
            }
            let inner = o.underlying().map_or_else(|| o.to_plain().map_err(|e| e.0), Ok)?;
            return stacked(|| shape(&inner, depth + 1, seen));
        }
    })
}

impl Shape {
    /// Whether it is a table or an array of tables, which come after the other keys of a table.
    fn is_table(&self) -> bool {
        match self {
            Self::Table(_) => true,
            Self::List(items) => Self::is_table_array(items),
            _ => false,
        }
    }

    /// Whether a list is written as `[[key]]`: it has items and all are tables.
    fn is_table_array(items: &[Shape]) -> bool {
        !items.is_empty() && items.iter().all(|i| matches!(i, Self::Table(_)))
    }
}

struct Writer {
    out: String,
}

fn bare(key: &[u8]) -> bool {
    !key.is_empty() && key.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn key_text(key: &Str) -> String {
    if bare(key.as_bytes()) { key.to_string() } else { quoted(key) }
}

fn quoted(s: &Str) -> String {
    use std::fmt::Write;
    let mut out = String::from("\"");
    for c in super::args::runes(s.as_bytes()) {
        match c {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if (c as u32) < 0x20 || c == '\x7f' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn path_text(path: &[Str]) -> String {
    path.iter().map(key_text).collect::<Vec<_>>().join(".")
}

/// The keys of a table: plain ones first.
fn ordered(entries: &[(Str, Shape)]) -> impl Iterator<Item = &(Str, Shape)> {
    entries.iter().filter(|(_, v)| !v.is_table()).chain(entries.iter().filter(|(_, v)| v.is_table()))
}

impl Writer {
    fn value(&mut self, path: &[Str], value: &Shape, depth: usize) -> Result<(), String> {
        match value {
            Shape::Nil => {}
            Shape::Table(entries) => {
                // An empty line stands between top-level tables.
                if path.len() == 1 {
                    self.newline();
                }
                if !path.is_empty() {
                    self.header("[", path, "]");
                }
                self.table(path, entries, depth + 1)?;
            }
            Shape::List(items) if Shape::is_table_array(items) => {
                if path.is_empty() {
                    return Err(NO_KEY.to_owned());
                }
                for item in items {
                    if let Shape::Table(entries) = item {
                        self.newline();
                        self.header("[[", path, "]]");
                        self.table(path, entries, depth + 1)?;
                    }
                }
            }
            _ => {
                if let Some(key) = path.last() {
                    self.indent(path);
                    self.out.push_str(&key_text(key));
                    self.out.push_str(" = ");
                }
                self.inline(value);
                if !path.is_empty() {
                    self.newline();
                }
            }
        }
        Ok(())
    }

    fn table(&mut self, path: &[Str], entries: &[(Str, Shape)], depth: usize) -> Result<(), String> {
        for (key, value) in ordered(entries) {
            let below = [path, std::slice::from_ref(key)].concat();
            stacked(|| self.value(&below, value, depth))?;
        }
        Ok(())
    }

    /// A line end, but not at the very start.
    fn newline(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn indent(&mut self, path: &[Str]) {
        self.out.push_str(&"  ".repeat(path.len() - 1));
    }

    fn header(&mut self, open: &str, path: &[Str], close: &str) {
        self.indent(path);
        self.out.push_str(&format!("{open}{}{close}\n", path_text(path)));
    }

    fn inline(&mut self, value: &Shape) {
        match value {
            Shape::Nil => {}
            Shape::Scalar(text) => self.out.push_str(text),
            Shape::List(items) => {
                self.out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.out.push_str(", ");
                    }
                    stacked(|| self.inline(item));
                }
                self.out.push(']');
            }
            Shape::Table(entries) => {
                self.out.push('{');
                for (i, (key, item)) in ordered(entries).enumerate() {
                    if matches!(item, Shape::Nil) {
                        continue;
                    }
                    self.out.push_str(&key_text(key));
                    self.out.push_str(" = ");
                    stacked(|| self.inline(item));
                    // A nil at the end leaves its comma behind.
                    if i + 1 < entries.len() {
                        self.out.push_str(", ");
                    }
                }
                self.out.push('}');
            }
        }
    }
}

fn float(f: f64) -> String {
    if f.is_nan() {
        return "nan".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let text = super::text::float(f);
    if text.contains(['e', '.']) { text } else { format!("{text}.0") }
}

/// A document as a map; what is no TOML is told under the key `Error`.
fn read(text: &[u8]) -> Map {
    toml_read::read(text).unwrap_or_else(|e| {
        let map = Map::default();
        map.insert("Error", e.into());
        map
    })
}
