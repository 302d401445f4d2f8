//! The reader: encoding/json's grammar and its error sentences.

use crate::value::{Kind, List, Map, Str, Value};

/// encoding/json's nesting limit.
const MAX_DEPTH: usize = 10_000;

enum Frame {
    List(Vec<Value>),
    Map(Vec<(Str, Value)>, Option<Str>),
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// The first number that no `float64` holds.
    overflow: Option<String>,
}

/// `json.Unmarshal` into an empty interface: numbers become `float64`.
pub fn from_json(text: &[u8]) -> Result<Value, String> {
    match from_json_partial(text)? {
        (value, None) => Ok(value),
        (_, Some(error)) => Err(error),
    }
}

/// Like [`from_json`]; a number too large for a `float64` is nil and told beside the value.
pub fn from_json_partial(text: &[u8]) -> Result<(Value, Option<String>), String> {
    let mut r = Reader { text, at: 0, overflow: None };
    let mut stack: Vec<Frame> = Vec::new();
    'value: loop {
        r.blanks();
        let mut value = match r.peek("looking for beginning of value")? {
            b'[' => {
                r.at += 1;
                if stack.len() >= MAX_DEPTH {
                    return Err("exceeded max depth".to_owned());
                }
                r.blanks();
                if r.text.get(r.at) == Some(&b']') {
                    r.at += 1;
                    List::any(Vec::new()).into()
                } else {
                    stack.push(Frame::List(Vec::new()));
                    continue 'value;
                }
            }
            b'{' => {
                r.at += 1;
                if stack.len() >= MAX_DEPTH {
                    return Err("exceeded max depth".to_owned());
                }
                r.blanks();
                if r.text.get(r.at) == Some(&b'}') {
                    r.at += 1;
                    Map::default().into()
                } else {
                    let key = r.key("looking for beginning of object key string")?;
                    stack.push(Frame::Map(Vec::new(), Some(key)));
                    continue 'value;
                }
            }
            b'"' => Kind::Str(r.string()?.into()).into(),
            b't' => r.word("true", true.into())?,
            b'f' => r.word("false", false.into())?,
            b'n' => r.word("null", Value::NIL)?,
            b'-' | b'0'..=b'9' => r.number()?,
            c => return Err(invalid(c, "looking for beginning of value")),
        };
        // The value is complete: close what it completes.
        loop {
            r.blanks();
            match stack.last_mut() {
                None => {
                    return match r.text.get(r.at) {
                        None => Ok((value, r.overflow)),
                        Some(c) => Err(invalid(*c, "after top-level value")),
                    };
                }
                Some(Frame::List(items)) => {
                    items.push(value);
                    match r.peek("after array element")? {
                        b',' => {
                            r.at += 1;
                            continue 'value;
                        }
                        b']' => {
                            r.at += 1;
                            value = List::any(std::mem::take(items)).into();
                        }
                        c => return Err(invalid(c, "after array element")),
                    }
                }
                Some(Frame::Map(entries, key)) => {
                    entries.push((key.take().unwrap_or_else(|| "".into()), value));
                    match r.peek("after object key:value pair")? {
                        b',' => {
                            r.at += 1;
                            r.blanks();
                            *key = Some(r.key("looking for beginning of object key string")?);
                            continue 'value;
                        }
                        b'}' => {
                            r.at += 1;
                            value = Map::new(std::mem::take(entries).into_iter().collect()).into();
                        }
                        c => return Err(invalid(c, "after object key:value pair")),
                    }
                }
            }
            stack.pop();
        }
    }
}

const END: &str = "unexpected end of JSON input";

/// Go names bytes, not characters.
fn invalid(byte: u8, context: &str) -> String {
    let name = match byte {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b'\\' => "'\\\\'".to_owned(),
        0x07 => "'\\a'".to_owned(),
        0x08 => "'\\b'".to_owned(),
        0x0C => "'\\f'".to_owned(),
        b'\n' => "'\\n'".to_owned(),
        b'\r' => "'\\r'".to_owned(),
        b'\t' => "'\\t'".to_owned(),
        0x0B => "'\\v'".to_owned(),
        0..0x20 | 0x7F => format!("'\\x{byte:02x}'"),
        0x80..=0x9F | 0xAD => format!("'\\u{byte:04x}'"),
        0xA0 => "'\\u00a0'".to_owned(),
        _ => format!("'{}'", char::from(byte)),
    };
    format!("invalid character {name} {context}")
}

impl Reader<'_> {
    fn blanks(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self, _context: &str) -> Result<u8, String> {
        self.text.get(self.at).copied().ok_or_else(|| END.to_owned())
    }

    fn key(&mut self, context: &str) -> Result<Str, String> {
        match self.peek(context)? {
            b'"' => {}
            c => return Err(invalid(c, context)),
        }
        let key = self.string()?;
        self.blanks();
        match self.peek("after object key")? {
            b':' => self.at += 1,
            c => return Err(invalid(c, "after object key")),
        }
        Ok(key.into())
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, String> {
        for (i, expected) in word.bytes().enumerate() {
            let b = self.peek("")?;
            if b != expected {
                return Err(invalid(b, &format!("in literal {word} (expecting '{}')", &word[i..=i])));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at - from
    }

    fn need_digits(&mut self, context: &str) -> Result<(), String> {
        if self.digits() == 0 {
            return Err(invalid(self.peek(context)?, context));
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, String> {
        let from = self.at;
        if self.text[self.at] == b'-' {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.need_digits("in numeric literal")?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.need_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.need_digits("in exponent of numeric literal")?;
        }
        let text = String::from_utf8_lossy(&self.text[from..self.at]);
        match text.parse::<f64>() {
            Ok(f) if f.is_finite() => Ok(f.into()),
            _ => {
                let told = format!("json: cannot unmarshal number {text} into Go value of type float64");
                self.overflow.get_or_insert(told);
                Ok(Value::NIL)
            }
        }
    }

    fn string(&mut self) -> Result<Vec<u8>, String> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let from = self.at;
            while self.text.get(self.at).is_some_and(|b| *b != b'"' && *b != b'\\' && *b >= 0x20) {
                self.at += 1;
            }
            out.extend_from_slice(&self.text[from..self.at]);
            match self.peek("in string literal")? {
                b'"' => {
                    self.at += 1;
                    return Ok(valid(out));
                }
                b'\\' => {
                    self.at += 1;
                    self.escape(&mut out)?;
                }
                c => return Err(invalid(c, "in string literal")),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let c = self.peek("in string escape code")?;
        self.at += 1;
        match c {
            b'"' | b'\\' | b'/' => out.push(c),
            b'b' => out.push(0x08),
            b'f' => out.push(0x0C),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let first = self.hex()?;
                let mut c = char::from_u32(first);
                if (0xD800..0xDC00).contains(&first) && self.text[self.at..].starts_with(b"\\u") {
                    let back = self.at;
                    self.at += 2;
                    let second = self.hex()?;
                    if (0xDC00..0xE000).contains(&second) {
                        c = char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
                    } else {
                        self.at = back;
                    }
                }
                let c = c.unwrap_or('\u{FFFD}');
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            c => return Err(invalid(c, "in string escape code")),
        }
        Ok(())
    }

    fn hex(&mut self) -> Result<u32, String> {
        let mut value = 0;
        for _ in 0..4 {
            let b = self.peek("")?;
            let Some(digit) = char::from(b).to_digit(16) else {
                return Err(invalid(b, "in \\u hexadecimal character escape"));
            };
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }
}

/// Bytes that are not UTF-8 become U+FFFD, one each.
fn valid(text: Vec<u8>) -> Vec<u8> {
    if std::str::from_utf8(&text).is_ok() {
        return text;
    }
    let mut out = Vec::new();
    for chunk in text.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        for _ in chunk.invalid() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
    out
}
