//! Reading one JSON value as Go's streaming decoder does: the value, where it ends, and Go's sentences when it is broken.

use std::collections::BTreeMap;

use crate::value::{List, Map, Str, Value};

/// A JSON value whose numbers keep their spelling, as Go's `json.Number` does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Str(String),
    List(Vec<Json>),
    Map(BTreeMap<String, Json>),
    /// A value that JSON has no form for; its Go type. Never read from text.
    Foreign(String),
}

impl Json {
    /// As a value of a template: numbers become `float64`.
    pub(crate) fn value(&self) -> Result<Value, String> {
        Ok(match self {
            Self::Null | Self::Foreign(_) => Value::NIL,
            Self::Bool(b) => (*b).into(),
            Self::Number(text) => match text.parse::<f64>() {
                Ok(f) if f.is_finite() => f.into(),
                _ => return Err(format!("json: cannot unmarshal number {text} into Go value of type float64")),
            },
            Self::Str(s) => s.as_str().into(),
            Self::List(items) => List::any(items.iter().map(Self::value).collect::<Result<_, _>>()?).into(),
            Self::Map(entries) => {
                let entries: Result<BTreeMap<Str, Value>, String> =
                    entries.iter().map(|(k, v)| Ok((Str::from(k.as_str()), v.value()?))).collect();
                Map::new(entries?).into()
            }
        })
    }

    /// The entry of an object.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.get(key),
            _ => None,
        }
    }

    /// The text, when it is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(s) => Some(s),
            _ => None,
        }
    }
}

/// Go's limit of nesting.
const MAX_DEPTH: usize = 10_000;
/// Ours: the stack is not endless.
const MAX_STACK: usize = 1000;

/// The value at the start of `text` and the length of what was read. An empty text is `EOF`.
pub(crate) fn prefix(text: &str) -> Result<(Value, usize), String> {
    let (json, end) = decode(text)?;
    Ok((json.value()?, end))
}

/// As [`prefix`], with the numbers as they are spelled.
pub(crate) fn decode(text: &str) -> Result<(Json, usize), String> {
    decode_at(text).map_err(|(message, _)| message)
}

/// As [`decode`]; an error has the byte where it is.
pub(crate) fn decode_at(text: &str) -> Result<(Json, usize), (String, usize)> {
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    reader.blanks();
    if reader.at == reader.text.len() {
        return Err(("EOF".to_owned(), reader.at));
    }
    match reader.value(0) {
        Ok(value) => Ok((value, reader.at)),
        Err(message) => Err((message, reader.at)),
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

/// Go's quoting of the character in an error.
fn shown(b: u8) -> String {
    match b {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b => {
            let text = super::strvals::quote(&char::from(b).to_string());
            format!("'{}'", &text[1..text.len() - 1])
        }
    }
}

impl Reader<'_> {
    fn blanks(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn wrong<T>(&self, context: &str) -> Result<T, String> {
        match self.text.get(self.at) {
            None => Err("unexpected EOF".to_owned()),
            Some(b) => Err(format!("invalid character {} {context}", shown(*b))),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth > MAX_STACK.min(MAX_DEPTH) {
            return Err("exceeded max depth".to_owned());
        }
        self.blanks();
        match self.text.get(self.at) {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Json::Str(self.string()?)),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.wrong("looking for beginning of value"),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, String> {
        for (i, b) in word.bytes().enumerate() {
            if self.text.get(self.at) != Some(&b) {
                return self.wrong(&format!("in literal {word} (expecting {})", shown(word.as_bytes()[i])));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Json, String> {
        let start = self.at;
        if self.text[self.at] == b'-' {
            self.at += 1;
        }
        match self.text.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.wrong("in numeric literal"),
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            if !matches!(self.text.get(self.at), Some(b'0'..=b'9')) {
                return self.wrong("after decimal point in numeric literal");
            }
            self.digits();
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !matches!(self.text.get(self.at), Some(b'0'..=b'9')) {
                return self.wrong("in exponent of numeric literal");
            }
            self.digits();
        }
        Ok(Json::Number(String::from_utf8_lossy(&self.text[start..self.at]).into_owned()))
    }

    fn digits(&mut self) {
        while matches!(self.text.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, String> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.text.get(self.at) == Some(&b']') {
            self.at += 1;
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            match self.text.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::List(items));
                }
                _ => return self.wrong("after array element"),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, String> {
        self.at += 1;
        let mut entries = BTreeMap::new();
        self.blanks();
        if self.text.get(self.at) == Some(&b'}') {
            self.at += 1;
            return Ok(Json::Map(entries));
        }
        loop {
            self.blanks();
            if self.text.get(self.at) != Some(&b'"') {
                return self.wrong("looking for beginning of object key string");
            }
            let key = self.string()?;
            self.blanks();
            if self.text.get(self.at) != Some(&b':') {
                return self.wrong("after object key");
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            entries.insert(key, value);
            self.blanks();
            match self.text.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Map(entries));
                }
                _ => return self.wrong("after object key:value pair"),
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.text.get(self.at) {
                None => return Err("unexpected EOF".to_owned()),
                Some(b'"') => {
                    self.at += 1;
                    break;
                }
                Some(0..=0x1f) => return self.wrong("in string literal"),
                Some(b'\\') => {
                    self.at += 1;
                    match self.text.get(self.at) {
                        Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => self.at += 1,
                        Some(b'u') => {
                            self.at += 1;
                            for _ in 0..4 {
                                if !self.text.get(self.at).is_some_and(u8::is_ascii_hexdigit) {
                                    return self.wrong("in \\u hexadecimal character escape");
                                }
                                self.at += 1;
                            }
                        }
                        _ => return self.wrong("in string escape code"),
                    }
                }
                Some(_) => self.at += 1,
            }
        }
        Ok(unescape(&self.text[start + 1..self.at - 1]))
    }
}

/// The string between the quotes; lone surrogates become U+FFFD.
fn unescape(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    let hex = |chars: &mut std::str::Chars<'_>| (0..4).fold(0, |n, _| n * 16 + chars.next().and_then(|c| c.to_digit(16)).unwrap_or(0));
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('b') => out.push('\x08'),
            Some('f') => out.push('\x0c'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let first = hex(&mut chars);
                let mut ahead = chars.clone();
                if (0xd800..0xdc00).contains(&first) && ahead.next() == Some('\\') && ahead.next() == Some('u') {
                    let second = hex(&mut ahead);
                    if (0xdc00..0xe000).contains(&second) {
                        chars = ahead;
                        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                        out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                        continue;
                    }
                }
                out.push(char::from_u32(first).unwrap_or('\u{fffd}'));
            }
            Some(c) => out.push(c),
            None => {}
        }
    }
    out
}
