//! How a scalar is written: plain, quoted or as a block, with go-yaml's rules for each and its line breaks.

use std::borrow::Cow;

use super::resolve::{Scalar, resolve};
use crate::value::json;

/// Whose rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// go-yaml v2, after a trip through JSON.
    V2,
    /// go-yaml v3.
    V3,
}

/// What a node is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    Root,
    Sequence,
    Mapping,
    /// A key without `?`.
    Key,
}

/// The text so far, and what the next write must know about it.
pub(super) struct Text {
    pub(super) out: Vec<u8>,
    column: i32,
    whitespace: bool,
    indention: bool,
    dialect: Dialect,
    /// Lines are broken after this column.
    best_width: i32,
}

/// go-yaml v2 breaks lines here; v3 never does.
const WIDTH: i32 = 80;
/// Longer keys are written with `?`.
const MAX_SIMPLE_KEY: usize = 128;

/// A string after a trip through JSON into go-yaml: characters YAML does not allow are an error, breaks inside fold.
pub(super) fn through_json(text: Cow<'_, [u8]>) -> Result<Cow<'_, [u8]>, String> {
    if text.iter().all(|b| *b < 0x7F) {
        return Ok(text);
    }
    let string = String::from_utf8_lossy(&text);
    if string.chars().any(|c| matches!(c, '\x7F'..='\u{84}' | '\u{86}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}')) {
        return Err("yaml: control characters are not allowed".to_owned());
    }
    if !string.contains('\u{85}') {
        return Ok(text);
    }
    Ok(Cow::Owned(fold_next_lines(&string).into_bytes()))
}

/// Like [`through_json`] for a key: go-yaml wants it on one line and not longer than its limit.
pub(super) fn key_through_json(text: Cow<'_, [u8]>) -> Result<Cow<'_, [u8]>, String> {
    const LIMIT: usize = 1024;
    let breaks = text.windows(2).any(|w| w == b"\xC2\x85");
    // No character needs more than six in JSON.
    let long = text.len() * 6 + 2 > LIMIT && {
        let mut written = Vec::new();
        json::write_string(&text, true, &mut written);
        String::from_utf8_lossy(&written).chars().count() > LIMIT
    };
    let text = through_json(text)?;
    if breaks || long {
        return Err("yaml: did not find expected ',' or '}'".to_owned());
    }
    Ok(text)
}

/// A next-line character is a line break inside a quoted scalar: blanks around it vanish, one break becomes a blank.
fn fold_next_lines(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\u{85}') {
        out.push_str(&rest[..at]);
        // JSON escapes tabs, so only blanks stand in the line itself.
        out.truncate(out.trim_end_matches(' ').len());
        let after = &rest[at..];
        let content = after.trim_start_matches([' ', '\u{85}']);
        let breaks = after[..after.len() - content.len()].matches('\u{85}').count();
        if breaks == 1 {
            out.push(' ');
        } else {
            out.extend(std::iter::repeat_n('\n', breaks - 1));
        }
        rest = content;
    }
    out.push_str(rest);
    out
}

#[derive(Default)]
struct Analysis {
    multiline: bool,
    plain: bool,
    single: bool,
    block: bool,
}

/// The length of the line break at `i`.
fn break_width(text: &[u8], i: usize) -> usize {
    match text.get(i) {
        Some(b'\r') if text.get(i + 1) == Some(&b'\n') => 1,
        Some(b'\r' | b'\n') => 1,
        Some(0xC2) if text.get(i + 1) == Some(&0x85) => 2,
        Some(0xE2) if text.get(i + 1) == Some(&0x80) && matches!(text.get(i + 2), Some(0xA8 | 0xA9)) => 3,
        _ => 0,
    }
}

fn width(b: u8) -> usize {
    match b {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}

fn is_printable(text: &[u8], i: usize) -> bool {
    let next = text.get(i + 1).copied().unwrap_or(0);
    match text[i] {
        0x0A | 0x20..=0x7E => true,
        0xC2 => next >= 0xA0,
        0xC3..0xED | 0xEE => true,
        0xED => next < 0xA0,
        0xEF => {
            let last = text.get(i + 2).copied().unwrap_or(0);
            !(next == 0xBB && last == 0xBF || next == 0xBF && (last == 0xBE || last == 0xBF))
        }
        _ => false,
    }
}

fn is_blank_at(text: &[u8], i: usize) -> bool {
    matches!(text.get(i), Some(b' ' | b'\t'))
}

fn analyze(text: &[u8], dialect: Dialect) -> Analysis {
    if text.is_empty() {
        return Analysis { multiline: false, plain: true, single: true, block: false };
    }
    let mut indicators = text.starts_with(b"---") || text.starts_with(b"...");
    let (mut breaks, mut special, mut tabs) = (false, false, false);
    let (mut leading_space, mut leading_break, mut trailing_space, mut trailing_break) = (false, false, false, false);
    let (mut break_space, mut space_break) = (false, false);
    let (mut previous_space, mut previous_break) = (false, false);
    let mut preceded = true;
    let mut i = 0;
    while i < text.len() {
        let b = text[i];
        let w = width(b).min(text.len() - i);
        let followed = i + w >= text.len() || is_blank_at(text, i + w);
        match b {
            b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' if i == 0 => {
                indicators = true;
            }
            b'?' | b'-' if i == 0 && followed => indicators = true,
            b':' if followed => indicators = true,
            b'#' if preceded => indicators = true,
            _ => {}
        }
        if b == b'\t' && dialect == Dialect::V3 {
            tabs = true;
        } else if !is_printable(text, i) {
            special = true;
        }
        if b == b' ' {
            leading_space |= i == 0;
            trailing_space |= i + 1 == text.len();
            break_space |= previous_break;
            (previous_space, previous_break) = (true, false);
        } else if break_width(text, i) > 0 {
            breaks = true;
            leading_break |= i == 0;
            trailing_break |= i + w == text.len();
            space_break |= previous_space;
            (previous_space, previous_break) = (false, true);
        } else {
            (previous_space, previous_break) = (false, false);
        }
        preceded = matches!(b, b' ' | b'\t' | 0) || break_width(text, i) > 0;
        i += w;
    }
    let mut a = Analysis { multiline: breaks, plain: true, single: true, block: true };
    if leading_space || leading_break || trailing_space || trailing_break || breaks || indicators {
        a.plain = false;
    }
    if trailing_space {
        a.block = false;
    }
    if break_space {
        a.plain = false;
        a.single = false;
    }
    if space_break || tabs || special {
        a.plain = false;
        a.single = false;
    }
    if space_break || special {
        a.block = false;
    }
    a
}

fn is_base60(text: &[u8]) -> bool {
    let rest = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let mut parts = rest.split(|b| *b == b':');
    let Some(first) = parts.next() else { return false };
    if !first.first().is_some_and(u8::is_ascii_digit) || !first.iter().all(|b| b.is_ascii_digit() || *b == b'_') {
        return false;
    }
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return false;
    }
    while let Some(part) = parts.next() {
        let part = match part.iter().position(|b| *b == b'.') {
            Some(dot) if parts.peek().is_none() => {
                if !part[dot + 1..].iter().all(|b| b.is_ascii_digit() || *b == b'_') {
                    return false;
                }
                &part[..dot]
            }
            _ => part,
        };
        let good = match part {
            [d] => d.is_ascii_digit(),
            [t, d] => (b'0'..=b'5').contains(t) && d.is_ascii_digit(),
            _ => false,
        };
        if !good {
            return false;
        }
    }
    true
}

/// Whether a string, written plain, is read back as a string.
fn is_plain_string(text: &[u8]) -> bool {
    resolve(b"", text) == Ok(Scalar::Str) && !is_base60(text)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

impl Text {
    pub(super) fn new(dialect: Dialect) -> Self {
        let best_width = if dialect == Dialect::V2 { WIDTH } else { i32::MAX };
        Self { out: Vec::new(), column: 0, whitespace: true, indention: true, dialect, best_width }
    }

    pub(super) fn indention(&self) -> bool {
        self.indention
    }

    fn put(&mut self, b: u8) {
        self.out.push(b);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push(b'\n');
        self.column = 0;
    }

    /// Ends the document.
    pub(super) fn finish(&mut self) {
        self.write_indent(0);
    }

    pub(super) fn write_indent(&mut self, indent: i32) {
        let indent = indent.max(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        while self.column < indent {
            self.put(b' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    pub(super) fn indicator(&mut self, text: &[u8], need_whitespace: bool, whitespace: bool, indention: bool) {
        if need_whitespace && !self.whitespace {
            self.put(b' ');
        }
        self.out.extend_from_slice(text);
        self.column += text.len() as i32;
        self.whitespace = whitespace;
        self.indention = self.indention && indention;
    }

    /// Whether a key can stand before `:` without `?`.
    pub(super) fn is_simple_key(&self, key: &[u8]) -> bool {
        key.len() <= MAX_SIMPLE_KEY && {
            let mut i = 0;
            while i < key.len() && break_width(key, i) == 0 {
                i += 1;
            }
            i == key.len()
        }
    }

    /// A scalar that is not a string.
    pub(super) fn plain(&mut self, text: &[u8], _indent: i32, _context: Context) {
        if !self.whitespace {
            self.put(b' ');
        }
        self.out.extend_from_slice(text);
        self.column += text.len() as i32;
        self.whitespace = false;
        self.indention = false;
    }

    /// A string, in the style it needs.
    pub(super) fn string(&mut self, text: &[u8], indent: i32, context: Context) -> Result<(), String> {
        if std::str::from_utf8(text).is_err() {
            let packed = pack(text);
            self.indicator(b"!!binary", true, false, false);
            let style = if packed.contains(&b'\n') && context != Context::Key { Style::Literal } else { Style::Plain };
            self.styled(&packed, style, indent, context);
            return Ok(());
        }
        let a = analyze(text, self.dialect);
        let mut style = if text.contains(&b'\n') {
            Style::Literal
        } else if is_plain_string(text) {
            Style::Plain
        } else {
            Style::Double
        };
        let key = context == Context::Key;
        if key && a.multiline {
            style = Style::Double;
        }
        if style == Style::Plain && (!a.plain || (text.is_empty() && key)) {
            style = Style::Single;
        }
        if style == Style::Single && !a.single {
            style = Style::Double;
        }
        if style == Style::Literal && (!a.block || key) {
            style = Style::Double;
        }
        self.styled(text, style, indent, context);
        Ok(())
    }

    fn styled(&mut self, text: &[u8], style: Style, indent: i32, context: Context) {
        let allow_breaks = context != Context::Key;
        match style {
            Style::Plain => self.flow_text(text, indent, allow_breaks, false),
            Style::Single => {
                self.indicator(b"'", true, false, false);
                self.flow_text(text, indent, allow_breaks, true);
                self.indicator(b"'", false, false, false);
            }
            Style::Double => self.double(text, indent, allow_breaks),
            Style::Literal => self.literal(text, indent),
        }
        if style != Style::Literal {
            self.whitespace = false;
            self.indention = false;
        }
    }

    /// Copies the character at `i`.
    fn copy(&mut self, text: &[u8], i: &mut usize) {
        let end = (*i + width(text[*i])).min(text.len());
        self.out.extend_from_slice(&text[*i..end]);
        self.column += 1;
        *i = end;
    }

    fn copy_break(&mut self, text: &[u8], i: &mut usize) {
        if text[*i] == b'\n' {
            self.put_break();
            *i += 1;
        } else {
            self.copy(text, i);
            self.column = 0;
        }
    }

    fn flow_text(&mut self, text: &[u8], indent: i32, allow_breaks: bool, quoted: bool) {
        if !quoted && !self.whitespace {
            self.put(b' ');
        }
        let (mut spaces, mut breaks) = (false, false);
        let mut i = 0;
        while i < text.len() {
            if text[i] == b' ' {
                let inside = !quoted || (i > 0 && i < text.len() - 1);
                if allow_breaks && !spaces && self.column > self.best_width && inside && text.get(i + 1) != Some(&b' ') {
                    self.write_indent(indent);
                    i += 1;
                } else {
                    self.copy(text, &mut i);
                }
                spaces = true;
            } else if break_width(text, i) > 0 {
                if !breaks && text[i] == b'\n' {
                    self.put_break();
                }
                self.copy_break(text, &mut i);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent(indent);
                }
                if quoted && text[i] == b'\'' {
                    self.put(b'\'');
                }
                self.copy(text, &mut i);
                self.indention = false;
                spaces = false;
                breaks = false;
            }
        }
    }

    fn double(&mut self, text: &[u8], indent: i32, allow_breaks: bool) {
        self.indicator(b"\"", true, false, false);
        // go-yaml looks for a byte order mark at the start of the text whatever the position, and then escapes everything.
        let marked = text.starts_with(b"\xEF\xBB\xBF");
        let mut spaces = false;
        let mut i = 0;
        while i < text.len() {
            let b = text[i];
            if marked || !is_printable(text, i) || break_width(text, i) > 0 || b == b'"' || b == b'\\' {
                let end = (i + width(b)).min(text.len());
                let code = std::str::from_utf8(&text[i..end]).ok().and_then(|s| s.chars().next()).map_or(0xFFFD, u32::from);
                i = end;
                let escape = escape(code);
                self.out.extend_from_slice(escape.as_bytes());
                self.column += escape.len() as i32;
                spaces = false;
            } else if b == b' ' {
                if allow_breaks && !spaces && self.column > self.best_width && i > 0 && i < text.len() - 1 {
                    self.write_indent(indent);
                    if text.get(i + 1) == Some(&b' ') {
                        self.put(b'\\');
                    }
                    i += 1;
                } else {
                    self.copy(text, &mut i);
                }
                spaces = true;
            } else {
                self.copy(text, &mut i);
                spaces = false;
            }
        }
        self.indicator(b"\"", false, false, false);
    }

    fn literal(&mut self, text: &[u8], indent: i32) {
        self.indicator(b"|", true, false, false);
        if text.first() == Some(&b' ') || break_width(text, 0) > 0 {
            self.indicator(b"2", false, false, false);
        }
        let last = last_char(text, text.len());
        if break_width(text, last) == 0 {
            self.indicator(b"-", false, false, false);
        } else if last == 0 || break_width(text, last_char(text, last)) > 0 {
            self.indicator(b"+", false, false, false);
        }
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        let mut i = 0;
        while i < text.len() {
            if break_width(text, i) > 0 {
                self.copy_break(text, &mut i);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent(indent);
                }
                self.copy(text, &mut i);
                self.indention = false;
                breaks = false;
            }
        }
    }
}

/// Where the character before `end` starts.
fn last_char(text: &[u8], end: usize) -> usize {
    let mut i = end.saturating_sub(1);
    while i > 0 && text[i] & 0xC0 == 0x80 {
        i -= 1;
    }
    i
}

fn escape(code: u32) -> String {
    let short = match code {
        0x00 => '0',
        0x07 => 'a',
        0x08 => 'b',
        0x09 => 't',
        0x0A => 'n',
        0x0B => 'v',
        0x0C => 'f',
        0x0D => 'r',
        0x1B => 'e',
        0x22 => '"',
        0x5C => '\\',
        0x85 => 'N',
        0xA0 => '_',
        0x2028 => 'L',
        0x2029 => 'P',
        0..=0xFF => return format!("\\x{code:02X}"),
        0x100..=0xFFFF => return format!("\\u{code:04X}"),
        _ => return format!("\\U{code:08X}"),
    };
    format!("\\{short}")
}

/// Base64 in lines of 70.
fn pack(text: &[u8]) -> Vec<u8> {
    let packed = data_encoding::BASE64.encode(text).into_bytes();
    let lines = packed.len() / 70 + 1;
    let mut out = Vec::new();
    for line in packed.chunks(70) {
        out.extend_from_slice(line);
        if lines > 1 {
            out.push(b'\n');
        }
    }
    out
}
