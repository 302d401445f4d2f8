//! The little language of `--set`, `--set-string`, `--set-json`, `--set-file` and `--set-literal`.

use std::iter::Peekable;
use std::str::CharIndices;

use crate::source::{Origin, OriginId, Origins};
use crate::value::{GoType, Kind, List, Map, Value};

/// The highest list index.
const MAX_INDEX: i64 = 65_536;
/// The deepest nesting of names.
const MAX_NESTED_NAME_LEVEL: usize = 30;
/// The deepest nesting of list indexes; Helm has no limit, a stack has.
const MAX_NESTED_INDEX_LEVEL: usize = 1000;

/// How many items the lists of a text may have together. Helm has no limit, memory has.
const MAX_ITEMS: usize = 8_000_000;

/// Which of the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `--set`: values are typed.
    Set,
    /// `--set-string`: values are strings.
    String,
    /// `--set-json`: values are JSON.
    Json,
    /// `--set-file`: values are names of files.
    File,
    /// `--set-literal`: the whole rest is one string.
    Literal,
}

impl Mode {
    /// The flag.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Set => "--set",
            Self::String => "--set-string",
            Self::Json => "--set-json",
            Self::File => "--set-file",
            Self::Literal => "--set-literal",
        }
    }
}

/// Reads the file that `--set-file` names.
pub type FileReader<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// Parses `text` into `into`; what was set before an error stays set.
pub fn parse_into(mode: Mode, text: &str, into: &Map, read: FileReader<'_>, origins: Option<&mut Origins>) -> Result<(), String> {
    parse_as(mode, text, into, read, origins, false)
}

/// As [`parse_into`]; with `v3` as Helm 3 does, for which a text must not end in an index.
pub fn parse_as(mode: Mode, text: &str, into: &Map, read: FileReader<'_>, origins: Option<&mut Origins>, v3: bool) -> Result<(), String> {
    let mut parser = Parser { mode, text, chars: text.char_indices().peekable(), read, origins, path: Vec::new(), v3, room: MAX_ITEMS };
    loop {
        parser.path.clear();
        match parser.key(into, 0, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Failed(message)) => return Err(message),
        }
    }
}

enum Stop {
    /// The text ended: not a failure.
    End,
    Failed(String),
}

fn failed<T>(message: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(message.into()))
}

/// What a failed Go type assertion says.
fn conversion<T>(value: &Value, want: &str) -> Result<T, Stop> {
    let have = value.go_type_name().unwrap_or_else(|| "nil".to_owned());
    failed(format!("unable to parse key: interface conversion: interface {{}} is {have}, not {want}"))
}

struct Parser<'a> {
    mode: Mode,
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    read: FileReader<'a>,
    origins: Option<&'a mut Origins>,
    path: Vec<String>,
    v3: bool,
    /// How many items more the lists may have.
    room: usize,
}

/// Sets a key; an empty key is never set.
fn set(data: &Map, key: &str, value: Value) {
    if !key.is_empty() {
        data.insert(key, value);
    }
}

fn set_index(mut list: Vec<Value>, index: i64, value: Value, room: &mut usize) -> (Vec<Value>, Result<(), Stop>) {
    if index < 0 {
        return (list, failed(format!("negative {index} index not allowed")));
    }
    if index > MAX_INDEX {
        return (list, failed(format!("index of {index} is greater than maximum supported index of {MAX_INDEX}")));
    }
    let index = index as usize;
    if list.len() <= index {
        let Some(left) = room.checked_sub(index + 1 - list.len()) else {
            return (list, failed(format!("the lists have more than {MAX_ITEMS} items")));
        };
        *room = left;
        list.resize(index + 1, Value::NIL);
    }
    list[index] = value;
    (list, Ok(()))
}

/// `strconv.Atoi`
fn atoi(text: &str) -> Result<i64, Stop> {
    let why = |why: &str| Stop::Failed(format!("error parsing index: strconv.Atoi: parsing {}: {why}", quote(text)));
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(why("invalid syntax"));
    }
    text.parse::<i64>().map_err(|_| why("value out of range"))
}

/// Go's `%q`.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\x0b' => out.push_str("\\v"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if is_print(c) => out.push(c),
            c if (c as u32) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out.push('"');
    out
}

/// Go's `unicode.IsPrint`, as far as control, format, separator and private characters go.
pub(crate) fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    !(c.is_control()
        || c.is_whitespace()
        || matches!(c as u32, 0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e
            | 0x2060..=0x206f | 0xe000..=0xf8ff | 0xfeff | 0xfff9..=0xfffb | 0xe0001..=0xe007f | 0xf_0000..))
}

impl Parser<'_> {
    /// Reads up to one of `stop`, which is consumed; `None` at the end of the text.
    fn until(&mut self, stop: &[char]) -> (String, Option<char>) {
        let mut out = String::new();
        while let Some((_, c)) = self.chars.next() {
            if stop.contains(&c) {
                return (out, Some(c));
            }
            if c == '\\' && self.mode != Mode::Literal {
                match self.chars.next() {
                    Some((_, next)) => out.push(next),
                    None => return (out, None),
                }
            } else {
                out.push(c);
            }
        }
        (out, None)
    }

    fn at_end(&mut self) -> bool {
        self.chars.peek().is_none()
    }

    /// Consumes blanks; whether a comma or the end followed (and consumes the comma).
    fn empty_value(&mut self) -> bool {
        while let Some(&(_, c)) = self.chars.peek() {
            if c == ',' {
                self.chars.next();
                return true;
            }
            if !c.is_whitespace() {
                return false;
            }
            self.chars.next();
        }
        true
    }

    fn origin(&mut self) -> OriginId {
        let (flag, text, path) = (self.mode.flag(), self.text.to_owned(), self.path.join(""));
        match &mut self.origins {
            Some(origins) => origins.add(Origin::Argument { flag, text, path }),
            None => OriginId::NONE,
        }
    }

    fn traced(&mut self, value: Value) -> Value {
        if self.origins.is_none() {
            return value;
        }
        let origin = self.origin();
        mark(value, origin, 0)
    }

    fn step(&mut self, name: &str) {
        if self.origins.is_some() {
            let dot = if self.path.is_empty() { "" } else { "." };
            self.path.push(format!("{dot}{name}"));
        }
    }

    fn key(&mut self, data: &Map, names: usize, indexes: usize) -> Result<(), Stop> {
        let stops: &[char] = if self.mode == Mode::Literal { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, last) = self.until(stops);
        let Some(last) = last else {
            return if key.is_empty() { Err(Stop::End) } else { failed(format!("key {} has no value", quote(&key))) };
        };
        self.step(&key);
        match last {
            '[' => {
                let index = self.index()?;
                let list = match data.get(&key) {
                    None => Vec::new(),
                    Some(value) => match value.as_list() {
                        Some(list) if list.elem() == GoType::Any => list.items().to_vec(),
                        _ => return conversion(&value, "[]interface {}"),
                    },
                };
                let (list, result) = self.item(list, index, names, indexes);
                set(data, &key, list.map_or_else(|| List::any(Vec::new()).into(), |l| List::any(l).into()));
                result
            }
            '=' => self.value(data, &key),
            ',' => {
                let value = self.traced(Value::from(""));
                set(data, &key, value);
                failed(format!("key {} has no value (cannot end with ,)", quote(&key)))
            }
            _ => {
                let names = names + 1;
                if names > MAX_NESTED_NAME_LEVEL {
                    return failed(format!(
                        "value name nested level is greater than maximum supported nested level of {MAX_NESTED_NAME_LEVEL}"
                    ));
                }
                let inner = match data.get(&key) {
                    None => Map::default(),
                    Some(value) => match value.as_map() {
                        Some(map) => map.clone(),
                        None => return conversion(&value, "map[string]interface {}"),
                    },
                };
                let result = self.key(&inner, names, indexes);
                if result.is_ok() && inner.is_empty() {
                    return failed(format!("key map {} has no value", quote(&key)));
                }
                if !inner.is_empty() {
                    let keep = data.get(&key).map_or(OriginId::NONE, |v| v.origin);
                    set(data, &key, Value::from(inner).with_origin(keep));
                }
                result
            }
        }
    }

    /// The value after `key=`.
    fn value(&mut self, data: &Map, key: &str) -> Result<(), Stop> {
        match self.mode {
            Mode::Json => {
                if self.empty_value() {
                    let value = self.traced(Value::NIL);
                    set(data, key, value);
                    return Ok(());
                }
                let (value, end) = self.json()?;
                let value = self.traced(value);
                set(data, key, value);
                self.skip_to(end);
                self.empty_value();
                Ok(())
            }
            Mode::Literal => {
                let (text, _) = self.until(&[]);
                let value = self.traced(Value::from(text));
                set(data, key, value);
                Ok(())
            }
            _ => {
                if self.at_end() {
                    let value = self.traced(Value::from(""));
                    set(data, key, value);
                    return Err(Stop::End);
                }
                if self.list_starts() {
                    let list = self.list()?;
                    let value = self.traced(List::any(list).into());
                    set(data, key, value);
                    return Ok(());
                }
                let (text, _) = self.until(&[',']);
                let (value, result) = match self.typed(&text) {
                    Ok(value) => (value, Ok(())),
                    Err(stop) => (Value::NIL, Err(stop)),
                };
                let value = self.traced(value);
                set(data, key, value);
                result
            }
        }
    }

    /// What follows `list[index]`; the list comes back also when it fails.
    fn item(&mut self, list: Vec<Value>, index: i64, names: usize, indexes: usize) -> (Option<Vec<Value>>, Result<(), Stop>) {
        if index < 0 {
            return (Some(list), failed(format!("negative {index} index not allowed")));
        }
        if indexes > MAX_NESTED_INDEX_LEVEL {
            return (Some(list), failed(format!("index nested level is greater than {MAX_NESTED_INDEX_LEVEL}")));
        }
        if self.origins.is_some() {
            self.path.push(format!("[{index}]"));
        }
        let (rest, last) = self.until(&['[', '.', '=']);
        if !rest.is_empty() {
            let runes: Vec<String> = rest.chars().map(quote_rune).collect();
            return (Some(list), failed(format!("unexpected data at end of array index: [{}]", runes.join(" "))));
        }
        let place = |list, value: Result<Value, Stop>, room: &mut usize| match value {
            Ok(value) => {
                let (list, result) = set_index(list, index, value, room);
                (Some(list), result)
            }
            Err(stop) => (Some(list), Err(stop)),
        };
        let at = list.get(index as usize).cloned();
        match last {
            None => (Some(list), Err(Stop::End)),
            Some('=') => {
                let value = self.item_value();
                place(list, value, &mut self.room)
            }
            Some('[') => {
                let next = match self.index() {
                    Ok(next) => next,
                    Err(stop) => return (Some(list), Err(stop)),
                };
                let inner = match &at {
                    Some(value) if !value.is_nil() => match value.as_list() {
                        Some(inner) => inner.items().to_vec(),
                        // Go's recovered panic leaves the caller's list as it was.
                        None => return (Some(list), conversion(value, "[]interface {}")),
                    },
                    _ => Vec::new(),
                };
                let (inner, result) = self.item(inner, next, names, indexes + 1);
                if let Err(stop) = result {
                    return (Some(list), Err(stop));
                }
                place(list, Ok(List::any(inner.unwrap_or_default()).into()), &mut self.room)
            }
            _ => {
                let inner = at.as_ref().and_then(|v| v.as_map().cloned()).unwrap_or_default();
                let mut list = list;
                if let Some(slot) = list.get_mut(index as usize) {
                    if slot.as_map().is_none() {
                        *slot = Value::from(inner.clone());
                    }
                }
                match self.key(&inner, names, indexes + 1) {
                    Ok(()) => {
                        let keep = at.map_or(OriginId::NONE, |v| v.origin);
                        place(list, Ok(Value::from(inner).with_origin(keep)), &mut self.room)
                    }
                    Err(stop) => (Some(list), Err(stop)),
                }
            }
        }
    }

    fn item_value(&mut self) -> Result<Value, Stop> {
        let value = match self.mode {
            Mode::Json => {
                if self.empty_value() {
                    Value::NIL
                } else {
                    let (value, end) = self.json()?;
                    self.skip_to(end);
                    self.empty_value();
                    value
                }
            }
            Mode::Literal => Value::from(self.until(&[]).0),
            _ => {
                if self.at_end() {
                    Value::from("")
                } else if self.list_starts() {
                    List::any(self.list()?).into()
                } else {
                    let (text, _) = self.until(&[',']);
                    self.typed(&text)?
                }
            }
        };
        Ok(self.traced(value))
    }

    fn index(&mut self) -> Result<i64, Stop> {
        match self.until(&[']']) {
            (text, Some(_)) => atoi(&text),
            (_, None) if self.v3 => failed("error parsing index: EOF"),
            (_, None) => Err(Stop::End),
        }
    }

    fn list_starts(&mut self) -> bool {
        let starts = matches!(self.chars.peek(), Some((_, '{')));
        if starts {
            self.chars.next();
        }
        starts
    }

    fn list(&mut self) -> Result<Vec<Value>, Stop> {
        let mut out = Vec::new();
        loop {
            let (text, last) = self.until(&[',', '}']);
            if last.is_none() {
                return failed("list must terminate with '}'");
            }
            out.push(self.typed(&text)?);
            if last == Some('}') {
                if matches!(self.chars.peek(), Some((_, ','))) {
                    self.chars.next();
                }
                return Ok(out);
            }
        }
    }

    fn typed(&mut self, text: &str) -> Result<Value, Stop> {
        match self.mode {
            Mode::Set => Ok(typed(text)),
            Mode::File => (self.read)(text).map(|b| crate::value::Str::from(b).into()).map_err(Stop::Failed),
            _ => Ok(Value::from(text)),
        }
    }

    fn skip_to(&mut self, end: usize) {
        while self.chars.peek().is_some_and(|(at, _)| *at < end) {
            self.chars.next();
        }
    }

    /// One JSON value at the start of the rest, and where it ends.
    fn json(&mut self) -> Result<(Value, usize), Stop> {
        let start = self.chars.peek().map_or(self.text.len(), |(at, _)| *at);
        let (value, length) = super::json::prefix(&self.text[start..]).map_err(Stop::Failed)?;
        Ok((value, start + length))
    }
}

/// Go's `%q` of a rune.
fn quote_rune(c: char) -> String {
    match c {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        c => {
            let text = quote(&c.to_string());
            format!("'{}'", &text[1..text.len() - 1])
        }
    }
}

/// Go's `strings.EqualFold` for ASCII words: ſ and K fold to s and k.
fn equal_fold(text: &str, word: &str) -> bool {
    let folded: String = text
        .chars()
        .map(|c| match c {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            c => c.to_ascii_lowercase(),
        })
        .collect();
    folded == word
}

/// The type that `--set` gives a text.
fn typed(text: &str) -> Value {
    if equal_fold(text, "true") {
        return true.into();
    }
    if equal_fold(text, "false") {
        return false.into();
    }
    if equal_fold(text, "null") {
        return Value::NIL;
    }
    if text == "0" {
        return Value::int64(0);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !text.starts_with('0') && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        if let Ok(int) = text.parse::<i64>() {
            return Value::int64(int);
        }
    }
    text.into()
}

/// The value with this origin at it and at everything below it.
pub(crate) fn mark(value: Value, origin: OriginId, depth: usize) -> Value {
    if depth > 1000 {
        return value;
    }
    let kind = match value.kind {
        Kind::List(list) => Kind::List(List::new(list.elem(), list.items().iter().map(|v| mark(v.clone(), origin, depth + 1)).collect())),
        Kind::Map(map) => {
            for value in map.borrow_mut().values_mut() {
                *value = mark(std::mem::take(value), origin, depth + 1);
            }
            Kind::Map(map)
        }
        kind => kind,
    };
    Value { kind, origin }
}
