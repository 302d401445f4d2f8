//! The text of a value: Go's `%v`, `strval` and `%q`.

use std::sync::LazyLock;

use regex::Regex;

use crate::value::Kind;
use crate::value::Value;

/// How deep nested values are printed; what is deeper is a cycle.
const MAX_DEPTH: usize = 1000;

/// What `%v` prints.
pub(super) fn print(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, 0, &mut out);
    out
}

/// sprig's `strval`, which prints `%v` for everything a template can hold.
pub(super) fn strval(value: &Value) -> Vec<u8> {
    print(value)
}

fn write(value: &Value, depth: usize, out: &mut Vec<u8>) {
    if depth > MAX_DEPTH {
        return;
    }
    match &value.kind {
        Kind::Nil => out.extend_from_slice(b"<nil>"),
        Kind::Bool(b) => out.extend_from_slice(b.to_string().as_bytes()),
        Kind::Int(_, n) => out.extend_from_slice(n.to_string().as_bytes()),
        Kind::Uint(_, n) => out.extend_from_slice(n.to_string().as_bytes()),
        Kind::Float(f) => out.extend_from_slice(float(*f).as_bytes()),
        Kind::Complex(re, im) => {
            let sign = if *im >= 0.0 { "+" } else { "" };
            out.extend_from_slice(format!("({}{sign}{}i)", float(*re), float(*im)).as_bytes());
        }
        Kind::Str(s) => out.extend_from_slice(s.as_bytes()),
        Kind::List(l) => {
            out.push(b'[');
            for (i, item) in l.items().iter().enumerate() {
                if i > 0 {
                    out.push(b' ');
                }
                write(item, depth + 1, out);
            }
            out.push(b']');
        }
        Kind::Map(m) => {
            out.extend_from_slice(b"map[");
            for (i, (key, item)) in m.borrow().iter().enumerate() {
                if i > 0 {
                    out.push(b' ');
                }
                out.extend_from_slice(key.as_bytes());
                out.push(b':');
                write(item, depth + 1, out);
            }
            out.push(b']');
        }
        Kind::Object(o) => out.extend_from_slice(o.print().as_bytes()),
    }
}

/// A float as `%v` prints it: shortest digits, exponent form for an exponent below -4 or from 6 on.
pub(super) fn float(f: f64) -> String {
    general(f, 6)
}

/// A float with shortest digits; exponent form from `limit` on.
fn general(f: f64, limit: i32) -> String {
    if f.is_nan() {
        return "NaN".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{f:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= limit {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
    format!("{f}")
}

/// Whether Go prints a rune as it is between quotes.
fn printable(c: char) -> bool {
    static PRINTABLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S}]$").expect("the pattern is valid"));
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    PRINTABLE.is_match(c.encode_utf8(&mut [0; 4]))
}

/// Go's `%q`.
pub(super) fn quote(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\x07' => out.push_str("\\a"),
                '\x08' => out.push_str("\\b"),
                '\x0c' => out.push_str("\\f"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\x0b' => out.push_str("\\v"),
                c if printable(c) => out.push(c),
                c if (c as u32) < 0x80 => {
                    let _ = write!(out, "\\x{:02x}", c as u32);
                }
                c if (c as u32) < 0x1_0000 => {
                    let _ = write!(out, "\\u{:04x}", c as u32);
                }
                c => {
                    let _ = write!(out, "\\U{:08x}", c as u32);
                }
            }
        }
        for b in chunk.invalid() {
            let _ = write!(out, "\\x{b:02x}");
        }
    }
    out.push('"');
    out
}
