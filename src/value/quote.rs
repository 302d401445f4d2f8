//! Go string literals: quoting and unquoting as Go's strconv does.

use std::borrow::Cow;

use super::unicode::is_print;

/// `strconv.Quote`.
pub fn quote(bytes: &[u8]) -> String {
    quote_with(bytes, '"', false)
}

/// `strconv.Quote` or `strconv.QuoteToASCII` with another quotation mark.
pub fn quote_with(bytes: &[u8], mark: char, ascii: bool) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push(mark);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            escape(c, mark, ascii, &mut out);
        }
        for b in chunk.invalid() {
            out.push_str(&format!("\\x{b:02x}"));
        }
    }
    out.push(mark);
    out
}

fn escape(c: char, mark: char, ascii: bool, out: &mut String) {
    if c == mark || c == '\\' {
        out.push('\\');
        out.push(c);
        return;
    }
    if is_print(c) && (!ascii || c.is_ascii()) {
        out.push(c);
        return;
    }
    match c {
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        c if c < ' ' || c == '\x7f' => out.push_str(&format!("\\x{:02x}", c as u32)),
        c if (c as u32) < 0x10000 => out.push_str(&format!("\\u{:04x}", c as u32)),
        c => out.push_str(&format!("\\U{:08x}", c as u32)),
    }
}

/// Whether Go's `strconv.CanBackquote` holds.
pub(super) fn can_backquote(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|s| s.chars().all(|c| c != '\u{feff}' && (c == '\t' || (c >= ' ' && c != '`' && c != '\x7f'))))
}

/// Reads one character or escape: its code and the rest. For `\x` and octal escapes the code is a byte above 0x7F as well;
/// use [`unquote`] for whole strings.
pub fn unquote_char(text: &[u8], mark: u8) -> Option<(u32, &[u8])> {
    let (code, rest, _) = next_char(text, mark)?;
    Some((code, rest))
}

/// The code, the rest, and whether the code is a raw byte.
fn next_char(text: &[u8], mark: u8) -> Option<(u32, &[u8], bool)> {
    let (&first, rest) = text.split_first()?;
    if first == mark && (mark == b'\'' || mark == b'"') {
        return None;
    }
    if first >= 0x80 {
        let chunk = text.utf8_chunks().next()?;
        return match chunk.valid().chars().next() {
            Some(c) => Some((c as u32, &text[c.len_utf8()..], false)),
            None => Some((u32::from(first), rest, true)),
        };
    }
    if first != b'\\' {
        return Some((u32::from(first), rest, false));
    }
    let (&c, rest) = rest.split_first()?;
    let simple = |code: u8| Some((u32::from(code), rest, false));
    match c {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(11),
        b'x' | b'u' | b'U' => {
            let n = match c {
                b'x' => 2,
                b'u' => 4,
                _ => 8,
            };
            let digits = rest.get(..n)?;
            let mut code: u32 = 0;
            for d in digits {
                code = code.checked_mul(16)?.checked_add((*d as char).to_digit(16)?)?;
            }
            if c != b'x' && char::from_u32(code).is_none() {
                return None;
            }
            Some((code, &rest[n..], c == b'x'))
        }
        b'0'..=b'7' => {
            let digits = text.get(1..4)?;
            let mut code: u32 = 0;
            for d in digits {
                code = code * 8 + (*d as char).to_digit(8)?;
            }
            (code <= 255).then_some((code, &text[4..], true))
        }
        b'\\' => simple(b'\\'),
        b'\'' | b'"' if c == mark => simple(c),
        _ => None,
    }
}

/// `strconv.Unquote` for double-quoted and raw strings.
pub fn unquote(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (&mark, rest) = text.split_first()?;
    let (&last, body) = rest.split_last()?;
    if mark != last || memchr::memchr(mark, body).is_some_and(|_| mark == b'`') {
        return None;
    }
    if mark == b'`' {
        return Some(match memchr::memchr(b'\r', body) {
            None => Cow::Borrowed(body),
            Some(_) => body.iter().copied().filter(|b| *b != b'\r').collect(),
        });
    }
    if mark != b'"' || memchr::memchr(b'\n', body).is_some() {
        return None;
    }
    if memchr::memchr2(b'\\', b'"', body).is_none() {
        return Some(Cow::Borrowed(body));
    }
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        let (code, after, raw) = next_char(rest, mark)?;
        rest = after;
        if raw {
            out.push(code as u8);
        } else {
            let mut buffer = [0; 4];
            out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut buffer).as_bytes());
        }
    }
    Some(out.into())
}
