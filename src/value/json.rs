//! JSON as Go's encoding/json writes and reads it. Nothing here recurses, so no value can exhaust the stack.

use std::fmt::Write;

use super::go_type::{GoType, UintType};
use super::kinds::{Kind, List, Map, Str, Value};

#[path = "json_read.rs"]
mod read;

pub use read::{from_json, from_json_partial};

/// Nothing written may be larger: lists that share their items can spell out to any size.
const MAX_SIZE: usize = 128 << 20;
/// Go looks for cycles only below this depth.
const CYCLES_AFTER: usize = 1000;

enum Frame {
    List(List, usize),
    Map(std::vec::IntoIter<(Str, Value)>, bool, Map),
}

struct Writer {
    out: Vec<u8>,
    html: bool,
    pretty: bool,
    depth: usize,
}

/// `json.Marshal`: compact, with `<`, `>` and `&` escaped.
pub fn to_json(value: &Value) -> Result<Vec<u8>, String> {
    write(value, true, false)
}

/// Compact, without escaping `<`, `>` and `&`.
pub fn to_json_raw(value: &Value) -> Result<Vec<u8>, String> {
    write(value, false, false)
}

/// `json.MarshalIndent` with two blanks.
pub fn to_json_pretty(value: &Value) -> Result<Vec<u8>, String> {
    write(value, true, true)
}

/// The error for a value that holds itself.
pub fn cycle_error(map: &Map) -> String {
    format!("json: unsupported value: encountered a cycle via {}", map.type_name())
}

/// A list of bytes, which Go writes as one base64 string.
pub fn bytes_of(list: &List) -> Option<Vec<u8>> {
    if list.elem() != GoType::Uint(UintType::Uint8) {
        return None;
    }
    if let Some(bytes) = list.as_bytes() {
        return Some(bytes.to_vec());
    }
    list.items().iter().map(|v| if let Kind::Uint(_, u) = v.kind { Some(u as u8) } else { None }).collect()
}

fn write(value: &Value, html: bool, pretty: bool) -> Result<Vec<u8>, String> {
    let mut w = Writer { out: Vec::new(), html, pretty, depth: 0 };
    let mut stack: Vec<Frame> = Vec::new();
    w.open(value, &mut stack)?;
    while let Some(frame) = stack.last_mut() {
        let next = match frame {
            Frame::List(list, i) => {
                let item = list.items().get(*i).cloned();
                let first = *i == 0;
                *i += 1;
                item.map(|v| (None, v, first))
            }
            Frame::Map(entries, first, _) => {
                let was_first = std::mem::replace(first, false);
                entries.next().map(|(k, v)| (Some(k), v, was_first))
            }
        };
        if let Some((key, value, first)) = next {
            if !first {
                w.out.push(b',');
            }
            w.line();
            if let Some(key) = key {
                write_string(key.as_bytes(), w.html, &mut w.out);
                w.out.extend_from_slice(if w.pretty { b": " } else { b":" });
            }
            if w.out.len() > MAX_SIZE {
                return Err("json: the text is too large".to_owned());
            }
            w.open(&value, &mut stack)?;
        } else {
            let close = if matches!(frame, Frame::List(..)) { b']' } else { b'}' };
            stack.pop();
            w.depth -= 1;
            w.line();
            w.out.push(close);
        }
    }
    Ok(w.out)
}

impl Writer {
    fn line(&mut self) {
        if self.pretty {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + 2 * self.depth, b' ');
        }
    }

    /// Writes a scalar, or opens a collection.
    fn open(&mut self, value: &Value, stack: &mut Vec<Frame>) -> Result<(), String> {
        match &value.kind {
            Kind::Nil => self.out.extend_from_slice(b"null"),
            Kind::Bool(b) => self.out.extend_from_slice(if *b { b"true" } else { b"false" }),
            Kind::Int(_, i) => self.out.extend_from_slice(i.to_string().as_bytes()),
            Kind::Uint(_, u) => self.out.extend_from_slice(u.to_string().as_bytes()),
            Kind::Float(f) => self.out.extend_from_slice(number(*f)?.as_bytes()),
            Kind::Complex(..) => return Err("json: unsupported type: complex128".to_owned()),
            Kind::Str(s) => write_string(s.as_bytes(), self.html, &mut self.out),
            Kind::List(list) => {
                if list.is_nil() {
                    self.out.extend_from_slice(b"null");
                } else if let Some(bytes) = bytes_of(list) {
                    write_string(data_encoding::BASE64.encode(&bytes).as_bytes(), self.html, &mut self.out);
                } else if list.items().is_empty() {
                    self.out.extend_from_slice(b"[]");
                } else {
                    self.out.push(b'[');
                    self.depth += 1;
                    stack.push(Frame::List(list.clone(), 0));
                }
            }
            Kind::Map(map) => {
                if map.is_empty() {
                    self.out.extend_from_slice(if map.is_nil() { b"null" } else { b"{}" });
                    return Ok(());
                }
                if stack.len() > CYCLES_AFTER && stack.iter().any(|f| matches!(f, Frame::Map(_, _, m) if m.same(map))) {
                    return Err(cycle_error(map));
                }
                let entries: Vec<(Str, Value)> = map.borrow().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
                self.out.push(b'{');
                self.depth += 1;
                stack.push(Frame::Map(entries.into_iter(), true, map.clone()));
            }
            Kind::Object(object) => {
                if let Some(fields) = object.json_fields().filter(|f| !f.is_empty()) {
                    let entries: Vec<(Str, Value)> = fields.into_iter().map(|(k, v)| (k.into(), v)).collect();
                    self.out.push(b'{');
                    self.depth += 1;
                    stack.push(Frame::Map(entries.into_iter(), true, Map::default()));
                    return Ok(());
                }
                let plain = object.to_plain().map_err(|e| e.0)?;
                if matches!(plain.kind, Kind::Object(_)) {
                    return Err(format!("json: unsupported type: {}", object.go_type()));
                }
                return self.open(&plain, stack);
            }
        }
        Ok(())
    }
}

/// A `float64` as encoding/json writes it.
pub fn number(f: f64) -> Result<String, String> {
    if !f.is_finite() {
        let name = if f.is_nan() {
            "NaN"
        } else if f > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        return Err(format!("json: unsupported value: {name}"));
    }
    let abs = f.abs();
    if abs != 0.0 && !(1e-6..1e21).contains(&abs) {
        // Rust writes `1e21` and `1e-7` where Go writes `1e+21` and `1e-7`.
        let text = format!("{f:e}");
        return Ok(match text.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
            _ => text,
        });
    }
    Ok(format!("{f}"))
}

/// Writes a string with its quotes. Bytes that are not UTF-8 become `\ufffd`.
pub fn write_string(text: &[u8], html: bool, out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        let valid = chunk.valid();
        let bytes = valid.as_bytes();
        let mut done = 0;
        for (i, b) in bytes.iter().enumerate() {
            let escape: &[u8] = match b {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                b'\t' => b"\\t",
                0x08 => b"\\b",
                0x0C => b"\\f",
                b'<' if html => b"\\u003c",
                b'>' if html => b"\\u003e",
                b'&' if html => b"\\u0026",
                0..0x20 => {
                    out.extend_from_slice(&bytes[done..i]);
                    done = i + 1;
                    let mut code = String::new();
                    let _ = write!(code, "\\u{b:04x}");
                    out.extend_from_slice(code.as_bytes());
                    continue;
                }
                0xE2 if bytes[i..].starts_with(b"\xE2\x80\xA8") => {
                    out.extend_from_slice(&bytes[done..i]);
                    out.extend_from_slice(b"\\u2028");
                    done = i + 3;
                    continue;
                }
                0xE2 if bytes[i..].starts_with(b"\xE2\x80\xA9") => {
                    out.extend_from_slice(&bytes[done..i]);
                    out.extend_from_slice(b"\\u2029");
                    done = i + 3;
                    continue;
                }
                _ => continue,
            };
            out.extend_from_slice(&bytes[done..i]);
            out.extend_from_slice(escape);
            done = i + 1;
        }
        out.extend_from_slice(&bytes[done..]);
        for _ in chunk.invalid() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
    out.push(b'"');
}
