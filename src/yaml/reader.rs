//! Bytes to text as go-yaml reads them: encodings, the byte order mark, and characters YAML does not allow.

use std::borrow::Cow;

use super::scanner::Fail;

/// The readable text, up to the block of bytes that could not be read.
pub(super) struct Input<'a> {
    /// UTF-8 without byte order mark.
    pub(super) text: Cow<'a, [u8]>,
    /// Why the rest could not be read.
    pub(super) error: Option<Fail>,
    /// How many bytes were dropped before `text`.
    pub(super) shift: usize,
}

/// go-yaml decodes blocks of this size at once; an error in one hides the whole block.
const BLOCK: usize = 512;

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        match bytes {
            [] => Self { text: Cow::Borrowed(b"\n"), error: None, shift: 0 },
            [0xFF, 0xFE, ..] => Self::utf16(bytes, u16::from_le_bytes),
            [0xFE, 0xFF, ..] => Self::utf16(bytes, u16::from_be_bytes),
            _ => Self::utf8(bytes),
        }
    }

    /// A text that is known to be readable.
    pub(super) fn readable(text: &'a [u8]) -> Self {
        Self { text: Cow::Borrowed(text), error: None, shift: 0 }
    }

    fn utf8(bytes: &'a [u8]) -> Self {
        let shift = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let Some((at, problem)) = bad_utf8(&bytes[shift..]).map(|(at, p)| (at + shift, p)) else {
            return Self { text: Cow::Borrowed(&bytes[shift..]), error: None, shift };
        };
        // The start of the block that holds the bad byte; blocks end at whole characters.
        let mut start = 0;
        loop {
            let mut end = (start + BLOCK).min(bytes.len());
            if end < bytes.len() {
                while end > start && bytes[end] & 0xC0 == 0x80 {
                    end -= 1;
                }
            }
            if at < end || end >= bytes.len() || end == start {
                break;
            }
            start = end;
        }
        let start = start.max(shift);
        Self { text: Cow::Borrowed(&bytes[shift..start]), error: Some(Fail::plain(problem, Some(at))), shift }
    }

    fn utf16(bytes: &'a [u8], decode: fn([u8; 2]) -> u16) -> Self {
        let mut text = String::new();
        let mut error = None;
        let mut units = bytes[2..].chunks(2);
        while let Some(unit) = units.next() {
            let [a, b] = *unit else {
                error = Some("incomplete UTF-16 character");
                break;
            };
            let unit = decode([a, b]);
            let c = match unit {
                0xDC00..=0xDFFF => Err("unexpected low surrogate area"),
                0xD800..=0xDBFF => match units.next() {
                    Some(&[a, b]) => {
                        char::decode_utf16([unit, decode([a, b])]).next().and_then(Result::ok).ok_or("expected low surrogate area")
                    }
                    _ => Err("incomplete UTF-16 surrogate pair"),
                },
                _ => char::from_u32(u32::from(unit)).ok_or("invalid Unicode character"),
            };
            match c {
                Ok(c) if allowed(c) => text.push(c),
                Ok(_) => {
                    error = Some("control characters are not allowed");
                    break;
                }
                Err(e) => {
                    error = Some(e);
                    break;
                }
            }
        }
        if error.is_some() && bytes.len() <= BLOCK {
            text.clear();
        }
        Self { text: Cow::Owned(text.into_bytes()), error: error.map(|e| Fail::plain(e, None)), shift: 0 }
    }
}

fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn bad_utf8(bytes: &[u8]) -> Option<(usize, &'static str)> {
    let mut i = 0;
    while i < bytes.len() {
        let b = bytes[i];
        if matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~') {
            i += 1;
            continue;
        }
        let (length, low) = match b {
            0..0x80 => return Some((i, "control characters are not allowed")),
            0xC0..0xE0 => (2, u32::from(b & 0x1F)),
            0xE0..0xF0 => (3, u32::from(b & 0x0F)),
            0xF0..0xF8 => (4, u32::from(b & 0x07)),
            _ => return Some((i, "invalid leading UTF-8 octet")),
        };
        if i + length > bytes.len() {
            return Some((i, "incomplete UTF-8 octet sequence"));
        }
        let mut value = low;
        for (k, b) in bytes[i + 1..i + length].iter().enumerate() {
            if b & 0xC0 != 0x80 {
                return Some((i + 1 + k, "invalid trailing UTF-8 octet"));
            }
            value = (value << 6) | u32::from(b & 0x3F);
        }
        if (length == 2 && value < 0x80) || (length == 3 && value < 0x800) || (length == 4 && value < 0x10000) {
            return Some((i, "invalid length of a UTF-8 sequence"));
        }
        match char::from_u32(value) {
            None => return Some((i, "invalid Unicode character")),
            Some(c) if !allowed(c) => return Some((i, "control characters are not allowed")),
            Some(_) => i += length,
        }
    }
    None
}
