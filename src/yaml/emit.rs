//! Values to YAML text, byte for byte as go-yaml v2 behind sigs.k8s.io/yaml, and as go-yaml v3 with two blanks.

use super::go_syntax::{float_shortest, valid};
use super::scalar_text::{Context, Dialect, Text};
use super::sort::sort_keys;
use crate::source::{OriginId, Piece};
use crate::value::json;
use crate::value::{Kind, List, Map, Str, Value};

enum Frame {
    List { list: List, index: usize, indent: i32 },
    Map { entries: std::vec::IntoIter<(Str, Value)>, map: Map, indent: i32 },
}

/// Nothing written may be larger: lists that share their items can spell out to any size.
const MAX_SIZE: usize = 128 << 20;
/// go-yaml reads JSON only to this depth.
const MAX_DEPTH: usize = 10_000;
/// encoding/json looks for cycles only below this depth.
const CYCLES_AFTER: usize = 1000;

/// As `yaml.Marshal` of sigs.k8s.io/yaml: through JSON, with a newline at the end.
pub fn to_yaml(value: &Value) -> Result<Vec<u8>, String> {
    Ok(emit(value, Dialect::V2, false)?.0)
}

/// As Helm's `toYamlPretty` encodes: go-yaml v3 with two blanks, lists indented, with a newline at the end.
pub fn to_yaml_pretty(value: &Value) -> Result<Vec<u8>, String> {
    Ok(emit(value, Dialect::V3, false)?.0)
}

/// Like [`to_yaml`], with one piece for each key and scalar whose origin is known.
pub fn to_yaml_traced(value: &Value) -> Result<(Vec<u8>, Vec<Piece>), String> {
    emit(value, Dialect::V2, true)
}

struct Emitter {
    text: Text,
    dialect: Dialect,
    stack: Vec<Frame>,
    trace: bool,
    pieces: Vec<Piece>,
}

fn emit(value: &Value, dialect: Dialect, trace: bool) -> Result<(Vec<u8>, Vec<Piece>), String> {
    let mut e = Emitter { text: Text::new(dialect), dialect, stack: Vec::new(), trace, pieces: Vec::new() };
    e.node(value, -1, Context::Root)?;
    while let Some(frame) = e.stack.last_mut() {
        if e.text.out.len() > MAX_SIZE {
            return Err("yaml: the text is too large".to_owned());
        }
        match frame {
            Frame::List { list, index, indent } => {
                let indent = *indent;
                let Some(item) = list.items().get(*index).cloned() else {
                    e.stack.pop();
                    continue;
                };
                *index += 1;
                e.text.write_indent(indent);
                e.text.indicator(b"-", true, false, true);
                e.node(&item, indent, Context::Sequence)?;
            }
            Frame::Map { entries, indent, .. } => {
                let indent = *indent;
                let Some((key, value)) = entries.next() else {
                    e.stack.pop();
                    continue;
                };
                e.text.write_indent(indent);
                let simple = e.key(key.as_bytes(), value.origin, indent)?;
                if simple {
                    e.text.indicator(b":", false, false, false);
                } else {
                    e.text.write_indent(indent);
                    e.text.indicator(b":", true, false, true);
                }
                e.node(&value, indent, Context::Mapping)?;
            }
        }
    }
    e.text.finish();
    Ok((e.text.out, e.pieces))
}

impl Emitter {
    fn json_error(&self, message: String) -> String {
        match self.dialect {
            Dialect::V2 => format!("error marshaling into JSON: {message}"),
            Dialect::V3 => message,
        }
    }

    fn piece(&mut self, from: usize, origin: OriginId) {
        if self.trace && origin.is_some() {
            // What stands before the text itself is a blank.
            let blanks = self.text.out[from..].iter().take_while(|b| **b == b' ').count();
            let (start, end) = ((from + blanks) as u32, self.text.out.len() as u32);
            self.pieces.push(Piece { start, end, template: None, action: false, frame: None, origin });
        }
    }

    /// Writes a key; answers whether it needed no `?`.
    fn key(&mut self, key: &[u8], origin: OriginId, indent: i32) -> Result<bool, String> {
        let key = match self.dialect {
            Dialect::V2 => super::scalar_text::key_through_json(valid(key))?,
            Dialect::V3 => std::borrow::Cow::Borrowed(key),
        };
        let from = self.text.out.len();
        let simple = self.text.is_simple_key(&key);
        if !simple {
            self.text.indicator(b"?", true, false, true);
        }
        self.text.string(&key, indent + 2, if simple { Context::Key } else { Context::Mapping })?;
        self.piece(from, origin);
        Ok(simple)
    }

    /// A string as it arrives at the encoder.
    fn string_text<'k>(&self, text: &'k [u8]) -> Result<std::borrow::Cow<'k, [u8]>, String> {
        match self.dialect {
            Dialect::V2 => super::scalar_text::through_json(valid(text)),
            Dialect::V3 => Ok(std::borrow::Cow::Borrowed(text)),
        }
    }

    fn node(&mut self, value: &Value, indent: i32, context: Context) -> Result<(), String> {
        let from = self.text.out.len();
        let inner = if indent < 0 { 2 } else { indent + 2 };
        match &value.kind {
            Kind::Nil => self.text.plain(b"null", inner, context),
            Kind::Bool(b) => self.text.plain(if *b { b"true" } else { b"false" }, inner, context),
            Kind::Int(_, i) => self.text.plain(i.to_string().as_bytes(), inner, context),
            Kind::Uint(_, u) => self.text.plain(u.to_string().as_bytes(), inner, context),
            Kind::Float(f) => {
                let text = self.float(*f)?;
                self.text.plain(text.as_bytes(), inner, context);
            }
            Kind::Complex(..) => return Err(self.json_error("json: unsupported type: complex128".to_owned())),
            Kind::Str(s) => {
                let text = self.string_text(s.as_bytes())?;
                self.text.string(&text, inner, context)?;
            }
            Kind::List(list) if self.dialect == Dialect::V2 && list.is_nil() => self.text.plain(b"null", inner, context),
            Kind::Map(map) if self.dialect == Dialect::V2 && map.is_nil() => self.text.plain(b"null", inner, context),
            Kind::List(list) => {
                if self.dialect == Dialect::V2
                    && let Some(bytes) = json::bytes_of(list)
                {
                    let text = data_encoding::BASE64.encode(&bytes);
                    self.text.string(text.as_bytes(), inner, context)?;
                } else if list.items().is_empty() {
                    self.text.indicator(b"[", true, true, false);
                    self.text.indicator(b"]", false, false, false);
                } else {
                    self.check_depth(None)?;
                    let indentless = self.dialect == Dialect::V2 && context == Context::Mapping && !self.text.indention();
                    let indent = if indent < 0 { 0 } else { indent + if indentless { 0 } else { 2 } };
                    self.stack.push(Frame::List { list: list.clone(), index: 0, indent });
                    return Ok(());
                }
            }
            Kind::Map(map) => {
                if !map.is_empty() {
                    self.check_depth(Some(map))?;
                    let mut entries: Vec<(Str, Value)> = map.borrow().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
                    sort_keys(&mut entries, self.dialect);
                    let indent = if indent < 0 { 0 } else { indent + 2 };
                    self.stack.push(Frame::Map { entries: entries.into_iter(), map: map.clone(), indent });
                    return Ok(());
                }
                self.text.indicator(b"{", true, true, false);
                self.text.indicator(b"}", false, false, false);
            }
            Kind::Object(object) => {
                if self.dialect == Dialect::V3 {
                    if let Some(written) = self.object(&**object, value.origin, indent, inner, context) {
                        return written;
                    }
                }
                let plain = object.to_plain().map_err(|e| self.json_error(e.0))?;
                if matches!(plain.kind, Kind::Object(_)) {
                    return Err(self.json_error(format!("json: unsupported type: {}", object.go_type())));
                }
                return self.node(&plain.with_origin(value.origin), indent, context);
            }
        }
        self.piece(from, value.origin);
        Ok(())
    }

    /// What go-yaml v3 makes of a Go type itself: struct fields under their lower-cased names, times as timestamps,
    /// durations as text. `None` when it is written as in JSON.
    fn object(
        &mut self,
        object: &dyn crate::value::Object,
        origin: OriginId,
        indent: i32,
        inner: i32,
        context: Context,
    ) -> Option<Result<(), String>> {
        match object.go_type().to_string().as_str() {
            "time.Time" => {
                let plain = object.to_plain().ok()?;
                self.text.plain(plain.as_str()?.as_bytes(), inner, context);
                return Some(Ok(()));
            }
            "time.Duration" => {
                let text = Value::from(object.print()).with_origin(origin);
                return Some(self.node(&text, indent, context));
            }
            _ => {}
        }
        let exported = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase());
        let fields: Vec<(Str, Value)> = object
            .structure()?
            .fields
            .into_iter()
            .filter(|(name, _)| exported(name))
            .map(|(name, field)| (Str::from(name.to_ascii_lowercase()), field))
            .collect();
        if fields.is_empty() {
            return None;
        }
        let indent = if indent < 0 { 0 } else { indent + 2 };
        self.stack.push(Frame::Map { entries: fields.into_iter(), map: Map::default(), indent });
        Some(Ok(()))
    }

    fn check_depth(&self, map: Option<&Map>) -> Result<(), String> {
        let depth = self.stack.len();
        if depth >= CYCLES_AFTER
            && let Some(map) = map
            && self.stack.iter().any(|f| matches!(f, Frame::Map { map: m, .. } if m.same(map)))
        {
            return Err(self.json_error(json::cycle_error(map)));
        }
        if depth >= MAX_DEPTH {
            return Err(format!("yaml: exceeded max depth of {MAX_DEPTH}"));
        }
        Ok(())
    }

    fn float(&self, f: f64) -> Result<String, String> {
        if self.dialect == Dialect::V3 {
            return Ok(float_shortest(f));
        }
        let text = json::number(f).map_err(|e| self.json_error(e))?;
        if text == "-0" {
            return Ok("0".to_owned());
        }
        if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
            return Ok(text);
        }
        Ok(float_shortest(f))
    }
}
