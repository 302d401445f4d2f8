//! TOML read as BurntSushi/toml reads it, with that library's sentences for what is wrong.
//! upstream: github.com/BurntSushi/toml lex.go, parse.go

use std::collections::{BTreeMap, BTreeSet};

use super::toml_number;
use crate::value::quote;
use crate::value::{GoType, List, Map, Str, Value, is_letter};

/// Arrays and inline tables nested deeper than this are refused.
const MAX_DEPTH: usize = 2000;
const END: char = '\0';

/// A sentence with its line.
type Result<T> = std::result::Result<T, String>;

/// A document as a map, or the library's whole sentence.
pub(super) fn read(text: &[u8]) -> Result<Map> {
    let text = match text {
        [0xff, 0xfe, rest @ ..] | [0xfe, 0xff, rest @ ..] | [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        all => all,
    };
    if text.iter().take(6).any(|b| *b == 0) {
        return Err("toml: line 1: files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8".to_owned());
    }
    let mut reader = Reader {
        text,
        start: 0,
        pos: 0,
        line: 1,
        at_end: false,
        width: 0,
        context: Vec::new(),
        key: Str::from(""),
        key_line: 1,
        root: Table::new(),
        implicit: BTreeSet::new(),
        arrays: BTreeSet::new(),
    };
    reader.document()?;
    Ok(table_value(reader.root))
}

/// What a key holds while the document is read.
enum Slot {
    Table(Table),
    /// The tables of `[[key]]`.
    Tables(Vec<Table>),
    Value(Value),
}

type Table = BTreeMap<Str, Slot>;

fn table_value(table: Table) -> Map {
    Map::new(table.into_iter().map(|(key, slot)| (key, slot_value(slot))).collect())
}

fn slot_value(slot: Slot) -> Value {
    match slot {
        Slot::Value(value) => value,
        Slot::Table(table) => table_value(table).into(),
        Slot::Tables(tables) => List::new(GoType::ANY_MAP, tables.into_iter().map(|t| table_value(t).into()).collect()).into(),
    }
}

struct Reader<'a> {
    text: &'a [u8],
    /// Where the current token starts.
    start: usize,
    pos: usize,
    line: usize,
    /// Whether the last read met the end.
    at_end: bool,
    width: usize,
    /// The table that is open, and the key that is read.
    context: Vec<Str>,
    key: Str,
    /// The line of the key that was read last.
    key_line: usize,
    root: Table,
    /// Tables that exist only because a longer key needs them.
    implicit: BTreeSet<String>,
    /// Keys that hold an array that was written with brackets.
    arrays: BTreeSet<String>,
}

fn blank(c: char) -> bool {
    matches!(c, '\t' | ' ')
}

fn newline(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

fn bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// `%q` of a rune, in single quotes.
fn rune(c: char) -> String {
    let text = quote(c.encode_utf8(&mut [0; 4]).as_bytes());
    let inner = &text[1..text.len() - 1];
    match inner {
        "\\\"" => "'\"'".to_owned(),
        "'" => "'\\''".to_owned(),
        _ => format!("'{inner}'"),
    }
}

fn rune_or_end(c: char) -> String {
    if c == END { "end of file".to_owned() } else { format!("'{c}'") }
}

/// A key as the library prints it.
fn path(keys: &[Str]) -> String {
    let part = |key: &Str| {
        let text = key.to_string();
        if !text.is_empty() && text.chars().all(bare) {
            return text;
        }
        let mut out = String::from("\"");
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\t' => out.push_str("\\t"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                c if (c as u32) < 0x20 || c == '\x7f' => out.push_str(&format!("\\u{:04x}", c as u32)),
                c => out.push(c),
            }
        }
        out.push('"');
        out
    };
    keys.iter().map(part).collect::<Vec<_>>().join(".")
}

impl<'a> Reader<'a> {
    // ---- errors

    fn said_at<T>(&self, line: usize, message: &str) -> Result<T> {
        let last = match (self.context.is_empty(), self.key.as_bytes().is_empty()) {
            (_, true) => path(&self.context),
            (true, false) => self.key.to_string(),
            (false, false) => format!("{}.{}", path(&self.context), self.key),
        };
        Err(if last.is_empty() {
            format!("toml: line {line}: {message}")
        } else {
            format!("toml: line {line} (last key {}): {message}", quote(last.as_bytes()))
        })
    }

    /// The end of the text belongs to the line before its last line break.
    fn fail<T>(&self, message: &str) -> Result<T> {
        let after_break = self.at_end && self.pos >= 1 && self.text[self.pos - 1] == b'\n';
        self.said_at(self.line - usize::from(after_break), message)
    }

    fn fail_before<T>(&self, message: &str) -> Result<T> {
        self.said_at(self.line - 1, message)
    }

    /// A key that cannot be there.
    fn fail_key<T>(&self, message: &str) -> Result<T> {
        self.said_at(self.key_line, message)
    }

    // ---- characters

    fn next(&mut self) -> Result<char> {
        if self.pos >= self.text.len() {
            self.at_end = true;
            self.width = 0;
            return Ok(END);
        }
        self.at_end = false;
        let first = self.text[self.pos];
        if first == b'\n' {
            self.line += 1;
        }
        let ahead = &self.text[self.pos..(self.pos + 4).min(self.text.len())];
        let valid = match std::str::from_utf8(ahead) {
            Ok(text) => text,
            Err(e) => std::str::from_utf8(&ahead[..e.valid_up_to()]).unwrap_or_default(),
        };
        let Some(c) = valid.chars().next() else {
            return self.said_at(self.line, &format!("invalid UTF-8 byte: 0x{first:02x}"));
        };
        let lone = c == '\r' && self.text.get(self.pos + 1) != Some(&b'\n');
        if lone || (c.is_ascii_control() && !matches!(c, '\t' | '\r' | '\n')) {
            return self.said_at(self.line, &format!("TOML files cannot contain control characters: '0x{first:02x}'"));
        }
        self.width = c.len_utf8();
        self.pos += self.width;
        Ok(c)
    }

    /// Takes the last character back.
    fn back(&mut self) {
        if self.at_end {
            self.at_end = false;
            return;
        }
        self.pos -= self.width;
        if self.width > 0 && self.text.get(self.pos) == Some(&b'\n') {
            self.line -= 1;
        }
        self.width = 0;
    }

    fn peek(&mut self) -> Result<char> {
        let c = self.next()?;
        self.back();
        Ok(c)
    }

    fn take(&mut self, wanted: char) -> Result<bool> {
        let found = self.next()? == wanted;
        if !found {
            self.back();
        }
        Ok(found)
    }

    fn skip(&mut self, wanted: fn(char) -> bool) -> Result<()> {
        while wanted(self.next()?) {}
        self.back();
        self.start = self.pos;
        Ok(())
    }

    fn current(&self) -> &'a [u8] {
        &self.text[self.start..self.pos]
    }

    fn current_text(&self) -> String {
        String::from_utf8_lossy(self.current()).into_owned()
    }

    // ---- documents and keys

    fn document(&mut self) -> Result<()> {
        loop {
            let c = self.next()?;
            match c {
                _ if blank(c) || newline(c) => {}
                '#' => self.comment()?,
                '[' => {
                    self.table_header()?;
                    self.line_end()?;
                }
                END => return Ok(()),
                _ => {
                    self.back();
                    self.key_value()?;
                    self.line_end()?;
                }
            }
        }
    }

    /// To the end of the line, which stays.
    fn comment(&mut self) -> Result<()> {
        loop {
            let c = self.next()?;
            if newline(c) || c == END {
                self.back();
                self.start = self.pos;
                return Ok(());
            }
        }
    }

    /// What may follow a value or a table's name on its line.
    fn line_end(&mut self) -> Result<()> {
        loop {
            match self.next()? {
                '#' => return self.comment(),
                c if blank(c) => {}
                c if newline(c) => return Ok(()),
                END => {
                    // The end is met again.
                    self.back();
                    return Ok(());
                }
                c => {
                    let message = format!("expected a top-level item to end with a newline, comment, or EOF, but got {} instead", rune(c));
                    return self.fail(&message);
                }
            }
        }
    }

    fn table_header(&mut self) -> Result<()> {
        let array = self.peek()? == '[';
        if array {
            self.next()?;
        }
        self.key_line = self.line;
        let mut key = Vec::new();
        loop {
            self.skip(blank)?;
            match self.peek()? {
                ']' | END => return self.fail("unexpected end of table name (table names cannot be empty)"),
                '.' => return self.fail("unexpected table separator (table names cannot be empty)"),
                _ => key.push(self.key_part()?),
            }
            self.skip(blank)?;
            match self.next()? {
                '.' => {}
                ']' => break,
                c => return self.fail(&format!("expected '.' or ']' to end table name, but got {} instead", rune(c))),
            }
        }
        if array {
            let c = self.next()?;
            if c != ']' {
                return self.fail(&format!("expected end of table array name delimiter ']', but got {} instead", rune(c)));
            }
        }
        self.open(&key, array)?;
        self.arrays.remove(&path(&key));
        Ok(())
    }

    /// One part of a key: a bare word or a quoted text.
    fn key_part(&mut self) -> Result<Str> {
        self.start = self.pos;
        match self.peek()? {
            '"' => {
                self.next()?;
                self.basic_string()
            }
            '\'' => {
                self.next()?;
                self.literal_string()
            }
            _ => {
                while bare(self.next()?) {}
                self.back();
                Ok(Str::from(self.current()))
            }
        }
    }

    /// All parts of a key, with the `=` after them.
    fn key(&mut self) -> Result<Vec<Str>> {
        self.skip(blank)?;
        match self.peek()? {
            '=' | END => return self.fail("unexpected '=': key name appears blank"),
            '.' => return self.fail("unexpected '.': keys cannot start with a '.'"),
            _ => {}
        }
        let mut parts = Vec::new();
        loop {
            self.skip(blank)?;
            match self.peek()? {
                '=' | END => return self.fail("unexpected '='"),
                '.' => return self.fail("unexpected '.'"),
                _ => {}
            }
            let part = self.key_part()?;
            if parts.is_empty() {
                self.key_line = self.line;
            }
            parts.push(part);
            self.skip(blank)?;
            match self.next()? {
                '.' => {}
                '=' => return Ok(parts),
                END => return self.fail("unexpected EOF; expected key separator '='"),
                '\n' => return self.fail_before("expected '.' or '=', but got '\\n' instead"),
                c => return self.fail(&format!("expected '.' or '=', but got {} instead", rune(c))),
            }
        }
    }

    fn key_value(&mut self) -> Result<()> {
        let outer = self.context.clone();
        self.pair(0)?;
        self.context = outer;
        self.key = Str::from("");
        Ok(())
    }

    /// A key with its value, set in the open table.
    fn pair(&mut self, depth: usize) -> Result<()> {
        let mut parts = self.key()?;
        let Some(last) = parts.pop() else { return Ok(()) };
        self.key = last;
        for part in parts {
            let mut below = self.context.clone();
            below.push(part);
            self.implicit.insert(path(&below));
            self.open(&below, false)?;
        }
        let (value, array) = self.value(false, depth)?;
        let key = self.key.clone();
        self.set(&key, value)?;
        self.mark_array(&key, array);
        Ok(())
    }

    fn mark_array(&mut self, key: &Str, array: bool) {
        let name = path(&[self.context.as_slice(), std::slice::from_ref(key)].concat());
        if array {
            self.arrays.insert(name);
        } else {
            self.arrays.remove(&name);
        }
    }

    // ---- tables

    /// Makes a table the open one.
    fn open(&mut self, key: &[Str], array: bool) -> Result<()> {
        let Some((last, above)) = key.split_last() else { return Ok(()) };
        let mut table = &mut self.root;
        for (i, part) in above.iter().enumerate() {
            if !table.contains_key(part) {
                self.implicit.insert(path(&above[..=i]));
                table.insert(part.clone(), Slot::Table(Table::new()));
            }
            table = match table.get_mut(part) {
                Some(Slot::Table(t)) => t,
                Some(Slot::Tables(all)) if !all.is_empty() => all.last_mut().expect("it is not empty"),
                _ => return self.fail_key(&format!("Key '{}' was already created as a hash.", path(&above[..=i]))),
            };
        }
        if array {
            match table.entry(last.clone()).or_insert_with(|| Slot::Tables(Vec::new())) {
                Slot::Tables(all) => all.push(Table::new()),
                _ => {
                    self.context = above.to_vec();
                    return self.fail_key(&format!("Key '{}' was already created and cannot be used as an array.", path(key)));
                }
            }
            self.context = above.to_vec();
        } else {
            self.context = above.to_vec();
            self.set(last, Slot::Table(Table::new()))?;
        }
        self.context.push(last.clone());
        Ok(())
    }

    /// Sets a key of the open table.
    fn set(&mut self, key: &Str, slot: Slot) -> Result<()> {
        let mut table = &mut self.root;
        for (i, part) in self.context.iter().enumerate() {
            table = match table.get_mut(part) {
                Some(Slot::Table(t)) => t,
                Some(Slot::Tables(all)) if !all.is_empty() => all.last_mut().expect("it is not empty"),
                _ => {
                    let message = format!("Key '{}' has already been defined.", path(&self.context[..=i]));
                    return self.fail_key(&message);
                }
            };
        }
        let name = path(&[self.context.as_slice(), std::slice::from_ref(key)].concat());
        if !table.contains_key(key) {
            table.insert(key.clone(), slot);
            return Ok(());
        }
        // A table made by a longer key may be named once; the inline tables of an array made the key already.
        if !self.implicit.remove(&name) {
            return self.fail_key(&format!("Key '{name}' has already been defined."));
        }
        if self.arrays.contains(&name) {
            table.insert(key.clone(), slot);
        }
        Ok(())
    }

    // ---- values

    /// A value, and whether it is an array.
    fn value(&mut self, in_array: bool, depth: usize) -> Result<(Slot, bool)> {
        if depth > MAX_DEPTH {
            return self.fail("the value is nested too deeply");
        }
        self.skip(blank)?;
        let c = self.next()?;
        let plain = |value: Value| Ok((Slot::Value(value), false));
        match c {
            '0'..='9' => {
                self.back();
                plain(self.number_or_date()?)
            }
            '[' => Ok((Slot::Value(self.array(depth)?), true)),
            '{' => Ok((Slot::Value(self.inline_table(in_array, depth)?), false)),
            '"' => {
                if self.text[self.pos..].starts_with(b"\"\"") {
                    self.pos += 2;
                    plain(self.long_string()?.into())
                } else {
                    plain(self.basic_string()?.into())
                }
            }
            '\'' => {
                if self.text[self.pos..].starts_with(b"''") {
                    self.pos += 2;
                    plain(self.long_literal()?.into())
                } else {
                    plain(self.literal_string()?.into())
                }
            }
            '.' => self.fail("floats must start with a digit, not '.'"),
            '-' | '+' => plain(self.signed()?),
            'i' | 'n' => plain(self.word_number()?),
            c if is_letter(c) => {
                self.back();
                plain(self.boolean()?)
            }
            END => self.fail("unexpected EOF; expected value"),
            '\n' => self.fail_before("expected value but found '\\n' instead"),
            c => self.fail(&format!("expected value but found {} instead", rune(c))),
        }
    }

    /// `inf` and `nan`; what only begins like them is read again from its last letter that fitted.
    fn word_number(&mut self) -> Result<Value> {
        self.start = self.pos - 1;
        let mut at = self.pos;
        for (first, second) in [(b'n', b'f'), (b'a', b'n')] {
            if self.text.get(at) == Some(&first) {
                at += 1;
                if self.text.get(at) == Some(&second) {
                    self.pos = at + 1;
                    return self.float();
                }
            }
        }
        self.pos = at - 1;
        self.boolean()
    }

    fn boolean(&mut self) -> Result<Value> {
        self.start = self.pos;
        while is_letter(self.next()?) {}
        self.back();
        match self.current() {
            b"true" => Ok(true.into()),
            b"false" => Ok(false.into()),
            other => self.fail(&format!("expected value but found {} instead", quote(other))),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value> {
        let key = self.key.clone();
        self.mark_array(&key, true);
        let mut items = Vec::new();
        loop {
            let c = self.next()?;
            match c {
                _ if blank(c) || newline(c) => continue,
                '#' => {
                    self.comment()?;
                    continue;
                }
                ',' => return self.fail("unexpected comma"),
                ']' => break,
                _ => self.back(),
            }
            let (item, _) = self.value(true, depth + 1)?;
            items.push(slot_value(item));
            if !self.more(']', |c| format!("expected a comma (',') or array terminator (']'), but got {c}"))? {
                break;
            }
        }
        Ok(List::any(items).into())
    }

    /// After an item: whether a comma follows, and not the end.
    fn more(&mut self, end: char, wanted: fn(&str) -> String) -> Result<bool> {
        loop {
            let c = self.next()?;
            match c {
                _ if blank(c) || newline(c) => {}
                '#' => self.comment()?,
                ',' => return Ok(true),
                c if c == end => return Ok(false),
                c => return self.fail(&wanted(&rune_or_end(c))),
            }
        }
    }

    fn inline_table(&mut self, in_array: bool, depth: usize) -> Result<Value> {
        let (outer, outer_key) = (self.context.clone(), self.key.clone());
        let mut here = outer.clone();
        here.push(std::mem::replace(&mut self.key, Str::from("")));
        self.context.clone_from(&here);
        self.implicit.insert(path(&here));
        self.open(&here, in_array)?;
        let inside = |c: &str| format!("expected a comma or an inline table terminator '}}', but got {c} instead");
        loop {
            let c = self.next()?;
            match c {
                _ if blank(c) || newline(c) => continue,
                '#' => {
                    self.comment()?;
                    continue;
                }
                ',' => return self.fail("unexpected comma"),
                '}' => break,
                _ => self.back(),
            }
            self.pair(depth + 1)?;
            self.context.clone_from(&here);
            if !self.more('}', inside)? {
                break;
            }
            self.skip(blank)?;
            if self.peek()? == '}' && !self.more('}', inside)? {
                break;
            }
        }
        let value = self.table_at(&here);
        self.context = outer;
        self.key = outer_key;
        Ok(value)
    }

    /// The table at a path as a value; it stays where it is, so that its keys stay taken.
    fn table_at(&self, at: &[Str]) -> Value {
        let mut table = Some(&self.root);
        for part in at {
            table = table.and_then(|t| match t.get(part)? {
                Slot::Table(t) => Some(t),
                Slot::Tables(all) => all.last(),
                Slot::Value(_) => None,
            });
        }
        table.map_or_else(Map::default, copied).into()
    }

    // ---- strings

    fn basic_string(&mut self) -> Result<Str> {
        let mut out: Vec<u8> = Vec::new();
        self.start = self.pos;
        loop {
            let c = self.next()?;
            match c {
                END => return self.fail("unexpected EOF; expected '\"'"),
                _ if newline(c) => return self.string_break(c),
                '\\' => self.escape(&mut out)?,
                '"' => return Ok(Str::from(out)),
                c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }

    fn string_break<T>(&self, _: char) -> Result<T> {
        self.fail_before("strings cannot contain newlines")
    }

    fn literal_string(&mut self) -> Result<Str> {
        self.start = self.pos;
        loop {
            let c = self.next()?;
            match c {
                END => return self.fail("unexpected EOF; expected \"'\""),
                _ if newline(c) => return self.string_break(c),
                '\'' => return Ok(Str::from(&self.text[self.start..self.pos - 1])),
                _ => {}
            }
        }
    }

    /// The line break right behind the opening quotes goes.
    fn first_break(&mut self) -> Result<()> {
        if self.text[self.pos..].starts_with(b"\r\n") {
            self.next()?;
        }
        if self.text.get(self.pos) == Some(&b'\n') {
            self.next()?;
        }
        Ok(())
    }

    /// How many quotes stand at the closing of a long string, of which two may belong to it.
    fn closing(&mut self, mark: u8, escaped: bool) -> Result<Option<usize>> {
        let run = self.text[self.pos - 1..].iter().take_while(|b| **b == mark).count();
        if run < 3 {
            return Ok(None);
        }
        if run > 5 && !escaped {
            let shown = if mark == b'"' { "'\"\"\"\"\"\"'" } else { "\"''''''\"" };
            return self.fail(&format!("unexpected {shown}"));
        }
        Ok(Some(run.min(5) - 3))
    }

    fn long_string(&mut self) -> Result<Str> {
        self.start = self.pos;
        self.first_break()?;
        let mut out: Vec<u8> = Vec::new();
        let mut escaped = false;
        loop {
            let c = self.next()?;
            match c {
                END => return self.fail("unexpected EOF; expected '\"\"\"'"),
                '\\' => {
                    if !self.line_break_escaped()? {
                        self.escape(&mut out)?;
                        escaped = out.last() == Some(&b'"');
                        continue;
                    }
                }
                '"' => match self.closing(b'"', escaped)? {
                    Some(own) => {
                        out.extend(std::iter::repeat_n(b'"', own));
                        self.pos += own + 2;
                        return Ok(Str::from(out));
                    }
                    None => out.push(b'"'),
                },
                c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            escaped = false;
        }
    }

    /// A backslash before the end of a line takes the white space with it.
    fn line_break_escaped(&mut self) -> Result<bool> {
        let white = self.text[self.pos..].iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
        if !self.text[self.pos..self.pos + white].contains(&b'\n') {
            return Ok(false);
        }
        let end = self.pos + white;
        while self.pos < end {
            self.next()?;
        }
        Ok(true)
    }

    fn long_literal(&mut self) -> Result<Str> {
        self.first_break()?;
        self.start = self.pos;
        loop {
            match self.next()? {
                END => return self.fail("unexpected EOF; expected \"'''\""),
                '\'' => {
                    if let Some(own) = self.closing(b'\'', false)? {
                        let text = Str::from(&self.text[self.start..self.pos - 1 + own]);
                        self.pos += own + 2;
                        return Ok(text);
                    }
                }
                _ => {}
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let start = self.pos - 1;
        let c = self.next()?;
        let byte = match c {
            'b' => Some(8),
            't' => Some(b'\t'),
            'n' => Some(b'\n'),
            'f' => Some(12),
            'r' => Some(b'\r'),
            'e' => Some(27),
            '"' | '\\' => Some(c as u8),
            _ => None,
        };
        if let Some(byte) = byte {
            out.push(byte);
            return Ok(());
        }
        let (digits, words) = match c {
            'x' => (2, "two hexadecimal digits after '\\x'"),
            'u' => (4, "four hexadecimal digits after '\\u'"),
            'U' => (8, "eight hexadecimal digits after '\\U'"),
            ' ' | '\t' => return self.fail(&format!("invalid escape: '\\{c}'")),
            c => return self.fail(&format!("invalid escape in string '\\{c}'")),
        };
        for _ in 0..digits {
            let c = self.next()?;
            if !c.is_ascii_hexdigit() {
                let text = quote(self.current());
                return self.fail(&format!("expected {words}, but got {text} instead"));
            }
        }
        let hex = String::from_utf8_lossy(&self.text[start + 2..self.pos]).into_owned();
        let Some(c) = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32) else {
            return self.fail(&format!("Escaped character '\\u{hex}' is not valid UTF-8."));
        };
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    // ---- numbers and dates

    fn signed(&mut self) -> Result<Value> {
        self.start = self.pos - 1;
        let c = self.next()?;
        match c {
            'i' | 'n' => {
                let (a, b) = if c == 'i' { ('n', 'f') } else { ('a', 'n') };
                if !self.take(a)? || !self.take(b)? {
                    return self.fail(&format!("invalid float: '{}'", self.current_text()));
                }
                return self.float();
            }
            '0' => {
                let next = self.peek()?;
                if matches!(next, 'b' | 'o' | 'x') {
                    return self.fail(&format!("cannot use sign with non-decimal numbers: '{}{next}'", self.current_text()));
                }
            }
            '.' => return self.fail("floats must start with a digit, not '.'"),
            _ => {}
        }
        if !c.is_ascii_digit() {
            return self.fail(&format!("expected a digit but got {}", rune(c)));
        }
        self.decimal()
    }

    fn decimal(&mut self) -> Result<Value> {
        loop {
            match self.next()? {
                '0'..='9' | '_' => {}
                '.' | 'e' | 'E' => return self.float_rest(),
                _ => break,
            }
        }
        self.back();
        self.integer()
    }

    fn float_rest(&mut self) -> Result<Value> {
        while matches!(self.next()?, '0'..='9' | '_' | '.' | '-' | '+' | 'e' | 'E') {}
        self.back();
        self.float()
    }

    fn number_or_date(&mut self) -> Result<Value> {
        self.start = self.pos;
        if self.next()? == '0' {
            let c = self.next()?;
            let (wanted, name): (fn(char) -> bool, &str) = match c {
                'b' => (|c| matches!(c, '0' | '1'), "binary"),
                'o' => (|c| matches!(c, '0'..='7'), "octal"),
                'x' => (|c| c.is_ascii_hexdigit(), "hexadecimal"),
                '_' => return self.decimal(),
                '.' | 'e' | 'E' => return self.float_rest(),
                '0'..='9' => return self.digits(),
                _ => {
                    self.back();
                    return self.integer();
                }
            };
            let next = self.peek()?;
            if !wanted(next) {
                let article = if name == "octal" { "an" } else { "a" };
                return self.fail(&format!("not {article} {name} number: '{}{next}'", self.current_text()));
            }
            loop {
                let c = self.next()?;
                if !wanted(c) && c != '_' {
                    break;
                }
            }
            self.back();
            return self.integer();
        }
        self.digits()
    }

    fn digits(&mut self) -> Result<Value> {
        loop {
            match self.next()? {
                '0'..='9' => {}
                '-' | ':' => return self.date(),
                '_' => return self.decimal(),
                '.' | 'e' | 'E' => return self.float_rest(),
                _ => break,
            }
        }
        self.back();
        self.integer()
    }

    fn integer(&self) -> Result<Value> {
        toml_number::integer(&self.current_text()).or_else(|message| self.said_at(self.line, &message))
    }

    fn float(&self) -> Result<Value> {
        toml_number::float(&self.current_text()).or_else(|message| self.said_at(self.line, &message))
    }

    fn date(&mut self) -> Result<Value> {
        while matches!(self.next()?, '0'..='9' | '-' | ':' | 'T' | 't' | ' ' | '.' | 'Z' | 'z' | '+') {}
        self.back();
        toml_number::date(&self.current_text()).or_else(|message| self.said_at(self.line, &message))
    }
}

fn copied(table: &Table) -> Map {
    let value = |slot: &Slot| match slot {
        Slot::Value(value) => value.clone(),
        Slot::Table(table) => copied(table).into(),
        Slot::Tables(tables) => List::new(GoType::ANY_MAP, tables.iter().map(|t| copied(t).into()).collect()).into(),
    };
    Map::new(table.iter().map(|(key, slot)| (key.clone(), value(slot))).collect())
}
