//! TOML: written as BurntSushi/toml writes it, read into plain values.

use crate::gotmpl::Function;
use crate::value::GoType;
use crate::value::IntType;
use crate::value::Kind;
use crate::value::List;
use crate::value::Map;
use crate::value::Str;
use crate::value::Value;

use super::args::ANY;
use super::args::DICT;
use super::args::NIL_DEREFERENCE;
use super::args::STR;
use super::args::any;
use super::args::fixed;
use super::args::string;
use super::args::text;
use super::time_object;
use super::time_object::Time;
use super::time_object::Zone;

/// How deep values are written; what is deeper is a cycle.
const MAX_DEPTH: usize = 500;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("toToml", &[ANY], STR, |_, a| string(write(any(a, 0)).unwrap_or_else(|e| e))),
    fixed("mustToToml", &[ANY], STR, |_, a| string(write(any(a, 0))?)),
    fixed("fromToml", &[STR], DICT, |_, a| Ok(read(&text(a, 0)).into())),
];

const ARRAY_NIL: &str = "toml: cannot encode array with nil element";

/// A document.
fn write(value: &Value) -> Result<String, String> {
    let value = plain(value);
    match &value.kind {
        Kind::Nil => Err(NIL_DEREFERENCE.to_owned()),
        Kind::Map(m) => {
            let mut writer = Writer { out: String::new(), written: false };
            writer.table(&[], m, 0)?;
            Ok(writer.out)
        }
        _ => Err("toml: top-level values must be Go maps or structs".to_owned()),
    }
}

/// A defined type as what it is underneath.
fn plain(value: &Value) -> Value {
    match &value.kind {
        Kind::Object(o) => o.underlying().unwrap_or_else(|| value.clone()),
        _ => value.clone(),
    }
}

struct Writer {
    out: String,
    /// Whether a key or table has been written.
    written: bool,
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

fn is_table(value: &Value) -> bool {
    value.as_map().is_some()
}

/// Whether a list is written as `[[key]]`: it has items and all are tables.
fn is_table_array(list: &List) -> bool {
    !list.items().is_empty() && list.items().iter().all(|v| is_table(&plain(v)))
}

fn path_text(path: &[Str]) -> String {
    path.iter().map(key_text).collect::<Vec<_>>().join(".")
}

impl Writer {
    /// The entries of a table: plain ones first, then sub-tables, each in key order.
    fn table(&mut self, path: &[Str], map: &Map, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err("toml: the value is nested too deeply".to_owned());
        }
        let entries: Vec<(Str, Value)> = map.borrow().iter().map(|(k, v)| (k.clone(), plain(v))).collect();
        let sub = |v: &Value| match &v.kind {
            Kind::Map(_) => true,
            Kind::List(l) => is_table_array(l),
            _ => false,
        };
        for (key, value) in entries.iter().filter(|(_, v)| !sub(v) && !v.is_nil()) {
            let mut text = String::new();
            inline(value, &mut text, depth)?;
            self.indent(path.len());
            self.out.push_str(&format!("{} = {text}\n", key_text(key)));
            self.written = true;
        }
        for (key, value) in entries.iter().filter(|(_, v)| sub(v)) {
            let mut below = path.to_vec();
            below.push(key.clone());
            match &value.kind {
                Kind::Map(m) => self.sub_table(&below, m, depth)?,
                Kind::List(l) => self.table_array(&below, l, depth)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn indent(&mut self, depth: usize) {
        self.out.push_str(&"  ".repeat(depth));
    }

    fn sub_table(&mut self, path: &[Str], map: &Map, depth: usize) -> Result<(), String> {
        if path.len() == 1 && self.written {
            self.out.push('\n');
        }
        self.indent(path.len() - 1);
        self.out.push_str(&format!("[{}]\n", path_text(path)));
        self.written = true;
        self.table(path, map, depth + 1)
    }

    fn table_array(&mut self, path: &[Str], list: &List, depth: usize) -> Result<(), String> {
        for item in list.items() {
            if self.written {
                self.out.push('\n');
            }
            self.indent(path.len() - 1);
            self.out.push_str(&format!("[[{}]]\n", path_text(path)));
            self.written = true;
            if let Some(map) = plain(item).as_map() {
                self.table(path, map, depth + 1)?;
            }
        }
        Ok(())
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
    match text.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0e{exponent}"),
        None if !text.contains('.') => format!("{text}.0"),
        _ => text,
    }
}

fn inline(value: &Value, out: &mut String, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("toml: the value is nested too deeply".to_owned());
    }
    let value = plain(value);
    match &value.kind {
        Kind::Nil => return Err(ARRAY_NIL.to_owned()),
        Kind::Bool(b) => out.push_str(&b.to_string()),
        Kind::Int(_, n) => out.push_str(&n.to_string()),
        Kind::Uint(_, n) => out.push_str(&n.to_string()),
        Kind::Float(f) => out.push_str(&float(*f)),
        Kind::Complex(..) => return Err("toml: unsupported type for key '': complex128".to_owned()),
        Kind::Str(s) => out.push_str(&quoted(s)),
        Kind::List(l) => {
            out.push('[');
            for (i, item) in l.items().iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                inline(item, out, depth + 1)?;
            }
            out.push(']');
        }
        Kind::Map(m) => {
            out.push('{');
            let entries: Vec<(Str, Value)> = m.borrow().iter().filter(|(_, v)| !v.is_nil()).map(|(k, v)| (k.clone(), v.clone())).collect();
            for (i, (key, item)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                out.push_str(&key_text(key));
                out.push_str(" = ");
                inline(item, out, depth + 1)?;
            }
            out.push('}');
        }
        Kind::Object(o) => match time_object::time_of(&value) {
            Some(t) => out.push_str(&String::from_utf8_lossy(&t.format(b"2006-01-02T15:04:05.999999999Z07:00"))),
            None if o.go_type().to_string() == "time.Duration" => out.push_str(&quoted(&Str::from(o.print()))),
            None => inline(&o.to_plain().map_err(|e| e.0)?, out, depth + 1)?,
        },
    }
    Ok(())
}

/// A document as a map; what is no TOML is told under the key `Error`.
fn read(text: &str) -> Map {
    match ::toml::from_str::<::toml::Table>(text) {
        Ok(table) => {
            let map = Map::default();
            for (key, value) in table {
                map.insert(key, from_toml(value));
            }
            map
        }
        Err(e) => {
            let map = Map::default();
            let line = e.span().map_or(1, |s| 1 + text[..s.start.min(text.len())].matches('\n').count());
            map.insert("Error", format!("toml: line {line}: {}", e.message()).into());
            map
        }
    }
}

fn from_toml(value: ::toml::Value) -> Value {
    match value {
        ::toml::Value::String(s) => s.into(),
        ::toml::Value::Integer(n) => Kind::Int(IntType::Int64, n).into(),
        ::toml::Value::Float(f) => f.into(),
        ::toml::Value::Boolean(b) => b.into(),
        ::toml::Value::Datetime(d) => from_datetime(&d),
        ::toml::Value::Array(items) => {
            let tables = !items.is_empty() && items.iter().all(::toml::Value::is_table);
            let elem = if tables { GoType::ANY_MAP } else { GoType::Any };
            List::new(elem, items.into_iter().map(from_toml).collect()).into()
        }
        ::toml::Value::Table(table) => {
            let map = Map::default();
            for (key, value) in table {
                map.insert(key, from_toml(value));
            }
            map.into()
        }
    }
}

/// Local dates and times live in zones that the Go library names.
fn from_datetime(d: &::toml::value::Datetime) -> Value {
    let mut civil = super::go_layout::Civil { month: 1, day: 1, ..Default::default() };
    if let Some(date) = d.date {
        civil.year = i64::from(date.year);
        civil.month = i64::from(date.month);
        civil.day = i64::from(date.day);
    }
    if let Some(time) = d.time {
        civil.hour = i64::from(time.hour);
        civil.minute = i64::from(time.minute);
        civil.second = i64::from(time.second);
        civil.nanosecond = i64::from(time.nanosecond);
    }
    let zone = match d.offset {
        Some(::toml::value::Offset::Z) => Zone::Utc,
        Some(::toml::value::Offset::Custom { minutes: 0 }) => Zone::Fixed(String::new(), 0),
        Some(::toml::value::Offset::Custom { minutes }) => Zone::Fixed(String::new(), i64::from(minutes) * 60),
        None if d.time.is_none() => Zone::Fixed("date-local".to_owned(), 0),
        None if d.date.is_none() => Zone::Fixed("time-local".to_owned(), 0),
        None => Zone::Fixed("datetime-local".to_owned(), 0),
    };
    Value::object(Time::from_civil(&civil, zone))
}
