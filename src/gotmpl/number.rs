//! Number constants as Go's strconv reads them, kept under every type that can hold them.

use super::lex::ItemKind;
use super::tree::Number;
use crate::value::{quote, unquote_char};

/// Reads a number, character or complex constant; the error is Go's sentence.
pub(super) fn parse(text: &str, kind: ItemKind) -> Result<Number, String> {
    let mut n = Number { text: text.to_owned(), ..Number::default() };
    match kind {
        ItemKind::CharConstant => {
            let (rune, rest) = unquote_char(&text.as_bytes()[1..], b'\'').ok_or("invalid syntax")?;
            if rest != b"'" {
                return Err(format!("malformed character constant: {text}"));
            }
            n.int = Some(i64::from(rune));
            n.uint = Some(u64::from(rune));
            n.float = Some(f64::from(rune));
            return Ok(n);
        }
        ItemKind::Complex => {
            n.complex = Some(parse_complex(text)?);
            simplify(&mut n);
            return Ok(n);
        }
        _ => {}
    }
    if let Some(f) = text.strip_suffix('i').and_then(parse_float) {
        n.complex = Some((0.0, f));
        simplify(&mut n);
        return Ok(n);
    }
    n.uint = parse_uint(text);
    n.int = parse_int(text);
    if n.int == Some(0) {
        n.uint = n.uint.or(Some(0));
    }
    if let Some(i) = n.int {
        n.float = Some(i as f64);
    } else if let Some(u) = n.uint {
        n.float = Some(u as f64);
    } else if let Some(f) = parse_float(text) {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quote(text.as_bytes())));
        }
        n.float = Some(f);
        integral(&mut n, f);
    }
    if n.int.is_none() && n.uint.is_none() && n.float.is_none() {
        return Err(format!("illegal number syntax: {}", quote(text.as_bytes())));
    }
    Ok(n)
}

fn integral(n: &mut Number, f: f64) {
    // Casts saturate, so the upper bounds are excluded as Go's conversions do on amd64.
    if (f as i64) as f64 == f && f < 9.223_372_036_854_776e18 {
        n.int = Some(f as i64);
    }
    if f >= 0.0 && (f as u64) as f64 == f && f < 1.844_674_407_370_955_2e19 {
        n.uint = Some(f as u64);
    }
}

fn simplify(n: &mut Number) {
    if let Some((re, im)) = n.complex {
        if im == 0.0 {
            n.float = Some(re);
            integral(n, re);
        }
    }
}

fn parse_complex(text: &str) -> Result<(f64, f64), String> {
    let body = text.strip_suffix('i').ok_or("syntax error scanning complex number")?;
    let bytes = body.as_bytes();
    let split = (1..bytes.len())
        .rev()
        .find(|&i| matches!(bytes[i], b'+' | b'-') && !matches!(bytes[i - 1], b'e' | b'E' | b'p' | b'P'))
        .ok_or("syntax error scanning complex number")?;
    match (parse_float(&body[..split]), parse_float(&body[split..])) {
        (Some(re), Some(im)) => Ok((re, im)),
        _ => Err("syntax error scanning complex number".to_owned()),
    }
}

/// `strconv.ParseUint(text, 0, 64)`.
pub fn parse_uint(text: &str) -> Option<u64> {
    let (digits, base, prefixed) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16, true),
        [b'0', b'b' | b'B', ..] => (&text[2..], 2, true),
        [b'0', b'o' | b'O', ..] => (&text[2..], 8, true),
        [b'0', _, ..] => (&text[1..], 8, true),
        _ => (text, 10, false),
    };
    if digits.is_empty() || !underscores(digits, prefixed) {
        return None;
    }
    let mut value: u64 = 0;
    for c in digits.bytes().filter(|c| *c != b'_') {
        let digit = (c as char).to_digit(base)?;
        value = value.checked_mul(u64::from(base))?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// `strconv.ParseInt(text, 0, 64)`.
pub fn parse_int(text: &str) -> Option<i64> {
    if let Some(rest) = text.strip_prefix('-') {
        let u = parse_uint(rest)?;
        return if u <= 1 << 63 { Some((u as i64).wrapping_neg()) } else { None };
    }
    i64::try_from(parse_uint(text.strip_prefix('+').unwrap_or(text))?).ok()
}

/// Underscores only between digits (or after a base prefix).
fn underscores(digits: &str, prefixed: bool) -> bool {
    let mut before = prefixed;
    for c in digits.bytes() {
        if c == b'_' {
            if !before {
                return false;
            }
            before = false;
        } else {
            before = true;
        }
    }
    before
}

/// `strconv.ParseFloat(text, 64)` for the texts the scanner lets through (no `inf`, no `nan`).
pub fn parse_float(text: &str) -> Option<f64> {
    let body = text.trim_start_matches(['+', '-']);
    if text.len() - body.len() > 1 || body.is_empty() {
        return None;
    }
    let negative = text.starts_with('-');
    let value = if body.starts_with("0x") || body.starts_with("0X") {
        hex_float(&body[2..])?
    } else {
        if !body.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'E' | b'+' | b'-' | b'_')) || !digits_around(body) {
            return None;
        }
        body.replace('_', "").parse::<f64>().ok().filter(|f| f.is_finite())?
    };
    Some(if negative { -value } else { value })
}

/// Whether every underscore stands between two digits.
fn digits_around(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |i: Option<usize>| i.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_digit);
    bytes.iter().enumerate().all(|(i, b)| *b != b'_' || (digit(i.checked_sub(1)) && digit(Some(i + 1))))
}

/// A hexadecimal float; the exponent is required.
fn hex_float(text: &str) -> Option<f64> {
    let at = text.find(['p', 'P'])?;
    let exponent: i32 = text[at + 1..].parse().ok()?;
    let (mut mantissa, mut shift, mut seen_dot, mut digits) = (0u64, 0i32, false, false);
    for c in text[..at].chars() {
        if c == '.' && !seen_dot {
            seen_dot = true;
        } else if c == '_' {
        } else {
            digits = true;
            mantissa = mantissa.checked_mul(16)?.checked_add(u64::from(c.to_digit(16)?))?;
            shift -= if seen_dot { 4 } else { 0 };
        }
    }
    let value = mantissa as f64 * f64::powi(2.0, exponent.checked_add(shift)?);
    (digits && value.is_finite()).then_some(value)
}
