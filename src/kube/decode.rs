//! Strict decoding of an object into the API's types, with the API server's own sentences.
//!
//! upstream: sigs.k8s.io/json. The first wrong type decides the server's answer and unknown fields are only reported when
//! there is none; here all are collected, in the order the server would meet them.

use std::fmt::Write as _;

use super::field::{Path, Step};
use super::quantity;
use super::schema::Schema;
use crate::yaml::{Entry, Node, NodeKind};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A field that the type does not have.
    UnknownField,
    /// A key that occurs twice.
    DuplicateField,
    /// A value of another type.
    WrongType,
    /// A value that the field's own reader refuses at once (quantities, times).
    BadValue,
}

/// One thing that decoding refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub fault: Fault,
    /// Go's sentence, such as `unknown field "spec.foo"`.
    pub message: String,
    /// Where.
    pub path: Path,
    /// For unknown fields, the names that the type has.
    pub known: Vec<&'static str>,
}

/// A step on the way, as it stands in the text.
#[derive(Clone, Copy)]
enum Hop<'a> {
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

/// All names are borrowed: nothing is copied before something is refused.
struct Decoder<'a> {
    schema: &'a Schema,
    stack: Vec<&'a str>,
    structs: Vec<&'a str>,
    path: Vec<Hop<'a>>,
    out: Vec<Refusal>,
}

const MAX_DEPTH: usize = 200;

/// Decodes `node` as the type `ty`; nothing is returned when the server would accept it.
pub fn decode(schema: &Schema, ty: &str, node: &Node) -> Vec<Refusal> {
    let mut decoder = Decoder { schema, stack: Vec::new(), structs: Vec::new(), path: Vec::new(), out: Vec::new() };
    decoder.value(ty, node, 0);
    decoder.out
}

/// The one sentence that the server would answer with: a refused value first, then the first wrong type, else all
/// unknown and duplicate fields together.
pub fn sentence(refusals: &[Refusal]) -> Option<String> {
    let first = |fault: Fault| refusals.iter().find(|r| r.fault == fault).map(|r| r.message.clone());
    first(Fault::BadValue).or_else(|| first(Fault::WrongType)).or_else(|| {
        let strict: Vec<&str> = refusals.iter().map(|r| r.message.as_str()).take(100).collect();
        (!strict.is_empty()).then(|| format!("strict decoding error: {}", strict.join(", ")))
    })
}

/// How Go writes a number that is not whole in JSON.
pub(crate) fn float_text(f: f64) -> String {
    let magnitude = f.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{f:e}");
        return match text.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
            _ => text,
        };
    }
    format!("{f}")
}

impl<'a> Decoder<'a> {
    fn refuse(&mut self, fault: Fault, message: String) {
        let path = self.here();
        self.out.push(Refusal { fault, message, path, known: Vec::new() });
    }

    /// The way to where the decoder is.
    fn here(&self) -> Path {
        let step = |hop: &Hop<'_>| match hop {
            Hop::Field(name) => Step::Field((*name).to_owned()),
            Hop::Index(i) => Step::Index(*i),
            Hop::Key(key) => Step::Key((*key).to_owned()),
        };
        Path(self.path.iter().map(step).collect())
    }

    /// The struct beside `ty` with another ending, such as `JSONSchemaProps` beside `JSONSchemaPropsOrBool`.
    fn beside(&self, ty: &str, ending: &str, other: &str) -> Option<&'static str> {
        self.schema.name(&ty.replace(ending, other))
    }

    fn wrong(&mut self, what: &str, ty: &str) {
        let printed = self.printed(ty);
        let place = match self.structs.last() {
            Some(name) => format!("Go struct field {name}.{}", self.stack.join(".")),
            None => "Go value".to_owned(),
        };
        self.refuse(Fault::WrongType, format!("json: cannot unmarshal {what} into {place} of type {printed}"));
    }

    fn printed(&self, ty: &str) -> String {
        if let Some(rest) = ty.strip_prefix("[]") {
            return format!("[]{}", self.printed(rest));
        }
        if let Some(rest) = ty.strip_prefix('*') {
            return format!("*{}", self.printed(rest));
        }
        if let Some((key, value)) = map_parts(ty) {
            return format!("map[{}]{}", self.printed(key), self.printed(value));
        }
        if let Some(printed) = self.schema.get(ty).map(|s| s.printed).filter(|p| !p.is_empty()) {
            return printed.to_owned();
        }
        let name = ty.split('=').next().unwrap_or(ty);
        if name.starts_with("io.") {
            let mut last: Vec<&str> = name.rsplitn(3, '.').take(2).collect();
            last.reverse();
            return last.join(".");
        }
        name.rsplit('/').next().unwrap_or(name).to_owned()
    }

    fn value(&mut self, ty: &'a str, node: &'a Node, depth: usize) {
        if depth > MAX_DEPTH || ty == "any" {
            return;
        }
        if let ("string", NodeKind::Str(_)) = (ty, &node.kind) {
            return;
        }
        if ty.starts_with('*') && matches!(node.kind, NodeKind::Null) {
            return;
        }
        let ty = ty.trim_start_matches('*');
        if self.special(ty, node, depth) || matches!(node.kind, NodeKind::Null) {
            return;
        }
        if let Some(item) = ty.strip_prefix("[]") {
            return self.list(ty, item, node, depth);
        }
        if let Some((_, value)) = map_parts(ty) {
            return self.map(ty, value, node, depth);
        }
        if let Some((name, kind)) = ty.split_once('=') {
            return match kind {
                "slice" if name.ends_with(".ValidationRules") => {
                    let item = self.beside(name, "ValidationRules", "ValidationRule").unwrap_or("any");
                    self.list(ty, item, node, depth);
                }
                "slice" => self.list(ty, "string", node, depth),
                "map" if name.ends_with(".ResourceList") => self.map(ty, "k8s.io/apimachinery/pkg/api/resource.Quantity", node, depth),
                "map" if name.ends_with(".JSONSchemaDefinitions") => {
                    let item = self.beside(name, "JSONSchemaDefinitions", "JSONSchemaProps").unwrap_or("any");
                    self.map(ty, item, node, depth);
                }
                "map" => self.map(ty, "any", node, depth),
                "interface" => {}
                _ => self.scalar(ty, kind, node),
            };
        }
        if self.schema.get(ty).is_some() {
            return self.object(ty, node, depth);
        }
        self.scalar(ty, ty, node);
    }

    /// Types that read themselves; whether `ty` is one.
    fn special(&mut self, ty: &'a str, node: &'a Node, depth: usize) -> bool {
        match ty {
            "string" | "bool" | "int32" | "int64" => return false,
            "k8s.io/apimachinery/pkg/api/resource.Quantity" => {
                let text = match &node.kind {
                    NodeKind::Null => return true,
                    NodeKind::Str(s) => s.trim_matches([' ', '\t', '\r', '\n']).to_owned(),
                    NodeKind::Int(i) => i.to_string(),
                    NodeKind::Uint(u) => u.to_string(),
                    NodeKind::Float(f) => float_text(*f),
                    _ => String::new(),
                };
                if let Err(message) = quantity::parse(&text) {
                    self.refuse(Fault::BadValue, message.to_owned());
                }
            }
            "k8s.io/apimachinery/pkg/util/intstr.IntOrString" => {
                if !matches!(node.kind, NodeKind::Str(_)) {
                    self.value("int32", node, depth);
                }
            }
            "k8s.io/apimachinery/pkg/apis/meta/v1.Time" | "k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime" => match &node.kind {
                NodeKind::Null => {}
                NodeKind::Str(s) => {
                    let layout = if ty.ends_with("MicroTime") { "2006-01-02T15:04:05.000000Z07:00" } else { "2006-01-02T15:04:05Z07:00" };
                    if let Err(message) = parse_time(s, layout) {
                        self.refuse(Fault::BadValue, message);
                    }
                }
                _ => self.value("string", node, depth),
            },
            _ if ty.starts_with("[]") && ty != "[]uint8" => return false,
            _ if ty.ends_with(".RawExtension") || ty.ends_with("/v1.FieldsV1") || ty.ends_with("/v1.JSON") => {}
            _ if ty.ends_with(".JSONSchemaPropsOrBool") => match &node.kind {
                NodeKind::Bool(_) => {}
                NodeKind::Mapping(_) => {
                    let props = self.beside(ty, "JSONSchemaPropsOrBool", "JSONSchemaProps").unwrap_or("any");
                    self.lenient(|d| d.value(props, node, depth + 1));
                }
                _ => self.refuse(Fault::BadValue, "boolean or JSON schema expected".to_owned()),
            },
            _ if ty.ends_with(".JSONSchemaPropsOrArray") => {
                let props = self.beside(ty, "JSONSchemaPropsOrArray", "JSONSchemaProps").unwrap_or("any");
                match &node.kind {
                    NodeKind::Mapping(_) => self.lenient(|d| d.value(props, node, depth + 1)),
                    NodeKind::Sequence(_) => self.lenient(|d| d.list("[]JSONSchemaProps", props, node, depth + 1)),
                    _ => {}
                }
            }
            _ if ty.ends_with(".JSONSchemaPropsOrStringArray") => match &node.kind {
                NodeKind::Mapping(_) => {
                    let props = self.beside(ty, "JSONSchemaPropsOrStringArray", "JSONSchemaProps").unwrap_or("any");
                    self.lenient(|d| d.value(props, node, depth + 1));
                }
                NodeKind::Sequence(_) => self.lenient(|d| d.value("[]string", node, depth + 1)),
                _ => {}
            },
            "[]uint8" => match &node.kind {
                NodeKind::Str(s) => {
                    if let Some(at) = bad_base64(s) {
                        self.refuse(Fault::WrongType, format!("illegal base64 data at input byte {at}"));
                    }
                }
                _ => return false,
            },
            _ => return false,
        }
        true
    }

    /// Decodes without strictness, as a type that reads itself does with its parts.
    fn lenient(&mut self, part: impl FnOnce(&mut Self)) {
        let before = self.out.len();
        part(self);
        let mut index = 0;
        self.out.retain(|r| {
            index += 1;
            index <= before || !matches!(r.fault, Fault::UnknownField | Fault::DuplicateField)
        });
    }

    fn scalar(&mut self, ty: &str, kind: &str, node: &Node) {
        let what = match &node.kind {
            NodeKind::Null => return,
            NodeKind::Bool(_) => "bool",
            NodeKind::Int(_) | NodeKind::Uint(_) | NodeKind::Float(_) => "number",
            NodeKind::Str(_) => "string",
            NodeKind::Sequence(_) => "array",
            NodeKind::Mapping(_) => "object",
        };
        match (kind, &node.kind) {
            ("string", NodeKind::Str(_)) | ("bool", NodeKind::Bool(_)) => {}
            ("float64", NodeKind::Int(_) | NodeKind::Uint(_) | NodeKind::Float(_)) => {}
            ("int64" | "int", NodeKind::Int(_)) => {}
            // A whole number, however it is written, is one in JSON.
            ("int64" | "int" | "int32", NodeKind::Float(f)) if f.fract() == 0.0 && f.abs() <= f64::from(i32::MAX) => {}
            ("int32", NodeKind::Int(i)) if i32::try_from(*i).is_ok() => {}
            ("int16", NodeKind::Int(i)) if i16::try_from(*i).is_ok() => {}
            ("uint8", NodeKind::Int(i)) if u8::try_from(*i).is_ok() => {}
            ("uint32", NodeKind::Int(i)) if u32::try_from(*i).is_ok() => {}
            ("int32" | "int16" | "uint8" | "uint32", NodeKind::Int(i)) => self.wrong(&format!("number {i}"), ty),
            ("int32" | "int64" | "int" | "int16" | "uint8" | "uint32", NodeKind::Uint(u)) => self.wrong(&format!("number {u}"), ty),
            ("int32" | "int64" | "int" | "int16" | "uint8" | "uint32", NodeKind::Float(f)) => {
                self.wrong(&format!("number {}", float_text(*f)), ty);
            }
            ("string" | "bool" | "float64" | "int32" | "int64" | "int" | "int16" | "uint8" | "uint32", _) => self.wrong(what, ty),
            // A name the schema does not define: nothing is known about it.
            _ => {}
        }
    }

    fn list(&mut self, ty: &'a str, item: &'a str, node: &'a Node, depth: usize) {
        match &node.kind {
            NodeKind::Sequence(items) => {
                for (i, value) in items.iter().enumerate() {
                    self.path.push(Hop::Index(i));
                    self.value(item, value, depth + 1);
                    self.path.pop();
                }
            }
            other => self.wrong_collection(ty, other),
        }
    }

    fn wrong_collection(&mut self, ty: &str, kind: &NodeKind) {
        let what = match kind {
            NodeKind::Null => return,
            NodeKind::Bool(_) => "bool",
            NodeKind::Int(_) | NodeKind::Uint(_) | NodeKind::Float(_) => "number",
            NodeKind::Str(_) => "string",
            NodeKind::Sequence(_) => "array",
            NodeKind::Mapping(_) => "object",
        };
        self.wrong(what, ty);
    }

    fn duplicate(&mut self, entries: &[&'a Entry], index: usize) {
        let key = &entries[index].key;
        let twice = index > 0 && entries[index - 1].key == *key;
        let thrice = index > 1 && entries[index - 2].key == *key;
        if twice && !thrice {
            self.path.push(Hop::Key(key));
            let dotted = dotted(&self.path);
            self.refuse(Fault::DuplicateField, format!("duplicate field {}", quote(&dotted)));
            self.path.pop();
        }
    }

    fn map(&mut self, ty: &'a str, value: &'a str, node: &'a Node, depth: usize) {
        let NodeKind::Mapping(entries) = &node.kind else { return self.wrong_collection(ty, &node.kind) };
        let entries = sorted(entries);
        for (i, entry) in entries.iter().enumerate() {
            self.duplicate(&entries, i);
            self.path.push(Hop::Key(&entry.key));
            self.value(value, &entry.value, depth + 1);
            self.path.pop();
        }
    }

    fn object(&mut self, ty: &'a str, node: &'a Node, depth: usize) {
        let NodeKind::Mapping(entries) = &node.kind else { return self.wrong_collection(ty, &node.kind) };
        let Some(body) = self.schema.get(ty) else { return };
        if body.fields.is_empty() && ty.starts_with("io.") {
            return;
        }
        let printed = if body.printed.is_empty() { ty } else { body.printed };
        let name = printed.rsplit(['.', '/']).next().unwrap_or(printed);
        let entries = sorted(entries);
        for (i, entry) in entries.iter().enumerate() {
            let found = self.schema.field(ty, &entry.key);
            self.path.push(Hop::Field(&entry.key));
            match found {
                Some((field, trail)) => {
                    self.path.pop();
                    self.duplicate(&entries, i);
                    self.path.push(Hop::Field(&entry.key));
                    let before = self.stack.len();
                    self.stack.extend(trail.iter().filter(|s| !s.is_empty()));
                    self.stack.push(&entry.key);
                    self.structs.push(name);
                    self.value(field.ty, &entry.value, depth + 1);
                    self.structs.pop();
                    self.stack.truncate(before);
                }
                None => {
                    let twice = i > 0 && entries[i - 1].key == entry.key;
                    if !twice {
                        let message = format!("unknown field {}", quote(&dotted(&self.path)));
                        let known = self.schema.names(ty);
                        let path = self.here();
                        self.out.push(Refusal { fault: Fault::UnknownField, message, path, known });
                    }
                }
            }
            self.path.pop();
        }
    }
}

/// A client sends the keys of a mapping in the order of their bytes.
fn sorted(entries: &[Entry]) -> Vec<&Entry> {
    let mut out: Vec<&Entry> = entries.iter().collect();
    if !out.is_sorted_by(|a, b| a.key <= b.key) {
        out.sort_by(|a, b| a.key.cmp(&b.key));
    }
    out
}

/// `map[K]T` taken apart.
pub(super) fn map_parts(ty: &str) -> Option<(&str, &str)> {
    ty.strip_prefix("map[")?.split_once(']')
}

/// The path as strict decoding writes it: map keys with dots too.
fn dotted(path: &[Hop<'_>]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Hop::Field(name) | Hop::Key(name) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(name);
            }
            Hop::Index(i) => {
                let _ = write!(out, "[{i}]");
            }
        }
    }
    out
}

/// Go's `strconv.Quote` for what field names hold.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            '\u{80}'..='\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{feff}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The byte at which Go's decoder gives up on a base64 text.
pub(super) fn bad_base64(text: &str) -> Option<usize> {
    let bytes: Vec<(usize, u8)> = text.bytes().enumerate().filter(|(_, b)| !matches!(b, b'\r' | b'\n')).collect();
    let valid = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    let mut i = 0;
    while i < bytes.len() {
        for j in 0..4 {
            let Some(&(at, b)) = bytes.get(i + j) else {
                return (j > 0).then(|| if j == 0 { i } else { text.len() - j });
            };
            if valid(b) {
                continue;
            }
            if b != b'=' || j < 2 {
                return Some(at);
            }
            let mut next = i + j + 1;
            if j == 2 {
                match bytes.get(next) {
                    None => return Some(text.len()),
                    // Go tells the place of the byte before.
                    Some(&(at, b)) if b != b'=' => return Some(at - 1),
                    Some(_) => next += 1,
                }
            }
            return bytes.get(next).map(|&(at, _)| at);
        }
        i += 4;
    }
    None
}

/// How Go quotes in errors about times: every byte that is not plain ASCII in hexadecimal. upstream: time/format.go
fn time_quote(text: &str) -> String {
    let mut out = String::from("\"");
    for b in text.bytes() {
        match b {
            b'"' | b'\\' => out.extend(['\\', char::from(b)]),
            b' '..=b'~' | 0x7f => out.push(char::from(b)),
            _ => {
                let _ = write!(out, "\\x{b:02x}");
            }
        }
    }
    out.push('"');
    out
}

/// Why an object that has the shape of its type does not become one: what conversion reads from texts.
/// upstream: pkg/apis/apps/v1/conversion.go
pub(crate) fn unconvertible(kind: &str, node: &Node) -> Option<(Path, String)> {
    const GENERATION: &str = "deprecated.daemonset.template.generation";
    if kind != "DaemonSet" {
        return None;
    }
    let annotation = node.get("metadata")?.value.get("annotations")?.value.get(GENERATION)?;
    let NodeKind::Str(text) = &annotation.value.kind else { return None };
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let why = match text.parse::<i64>() {
        Ok(_) => return None,
        Err(_) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => "value out of range",
        Err(_) => "invalid syntax",
    };
    let path = Path::new("metadata").child("annotations").key(GENERATION);
    Some((path, format!("strconv.ParseInt: parsing {}: {why}", quote(text))))
}

/// Reads a time as Go's `time.Parse` does for RFC 3339 layouts; the error is Go's sentence.
fn parse_time(text: &str, layout: &str) -> Result<(), String> {
    let micro = layout.contains(".000000");
    let fail = |rest: &str, element: &str| {
        Err(format!(
            "parsing time {} as {}: cannot parse {} as {}",
            time_quote(text),
            time_quote(layout),
            time_quote(rest),
            time_quote(element)
        ))
    };
    let range = |what: &str| Err(format!("parsing time {}: {what} out of range", time_quote(text)));
    let mut rest = text;
    let mut numbers = [0_u32; 6];
    let elements = [("2006", 4), ("01", 2), ("02", 2), ("15", 2), ("04", 2), ("05", 2)];
    let separators = ["-", "-", "T", ":", ":", ""];
    for (i, (element, width)) in elements.iter().enumerate() {
        let digits = rest.get(..*width).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
        let Some(number) = digits.and_then(|d| d.parse().ok()) else { return fail(rest, element) };
        numbers[i] = number;
        let bad = match i {
            1 => !(1..=12).contains(&number),
            3 => number > 23,
            4 | 5 => number > 59,
            _ => false,
        };
        if bad {
            return range(["year", "month", "day", "hour", "minute", "second"][i]);
        }
        rest = &rest[*width..];
        if i == 5 {
            break;
        }
        match rest.strip_prefix(separators[i]) {
            Some(after) => rest = after,
            None => return fail(rest, separators[i]),
        }
    }
    let fraction = rest.strip_prefix(['.', ',']).map_or(0, |r| r.bytes().take_while(u8::is_ascii_digit).count());
    if micro {
        if fraction < 6 {
            return fail(rest, ".000000");
        }
        rest = &rest[7..];
    } else if fraction > 0 {
        rest = &rest[1 + fraction..];
    }
    if let Some(after) = rest.strip_prefix('Z') {
        rest = after;
    } else {
        let b = rest.as_bytes();
        let shaped = b.len() >= 6 && matches!(b[0], b'+' | b'-') && b[3] == b':' && [1, 2, 4, 5].iter().all(|i| b[*i].is_ascii_digit());
        if !shaped {
            return fail(rest, "Z07:00");
        }
        rest = &rest[6..];
    }
    if !rest.is_empty() {
        return Err(format!("parsing time {}: extra text: {}", time_quote(text), time_quote(rest)));
    }
    let (year, month, day) = (numbers[0], numbers[1], numbers[2]);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day < 1 || day > days {
        return range("day");
    }
    Ok(())
}
