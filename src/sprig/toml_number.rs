//! Numbers and dates of TOML, checked as BurntSushi/toml checks them. upstream: github.com/BurntSushi/toml parse.go

use super::go_layout;
use super::go_layout::ParsedZone;
use super::time_object::{Time, Zone};
use crate::gotmpl::{parse_float, parse_int};
use crate::value::quote;
use crate::value::{IntType, Kind, Value};

/// An integer; on failure, the library's sentence without its line.
pub(super) fn integer(text: &str) -> Result<Value, String> {
    let quoted = || quote(text.as_bytes());
    if !underscores_fit(text) {
        return Err(format!("Invalid integer {}: underscores must be surrounded by digits", quoted()));
    }
    if leading_zero(text) {
        return Err(format!("Invalid integer {}: cannot have leading zeroes", quoted()));
    }
    match parse_int(text) {
        Some(n) => Ok(Kind::Int(IntType::Int64, n).into()),
        None => Err(format!("{text} is out of range for int64")),
    }
}

/// As [`integer()`].
pub(super) fn float(text: &str) -> Result<Value, String> {
    let quoted = quote(text.as_bytes());
    let parts: Vec<&str> = text.split(['.', 'e', 'E']).filter(|p| !p.is_empty()).collect();
    if parts.iter().any(|p| !underscores_fit(p)) {
        return Err(format!("Invalid float {quoted}: underscores must be surrounded by digits"));
    }
    if parts.first().is_some_and(|p| leading_zero(p)) {
        return Err(format!("Invalid float {quoted}: cannot have leading zeroes"));
    }
    if text.split('.').skip(1).any(|after| !after.starts_with(|c: char| c.is_ascii_digit())) {
        return Err(format!("Invalid float {quoted}: '.' must be followed by one or more digits"));
    }
    match text {
        "nan" | "+nan" | "-nan" => return Ok(f64::NAN.into()),
        "inf" | "+inf" => return Ok(f64::INFINITY.into()),
        "-inf" => return Ok(f64::NEG_INFINITY.into()),
        _ => {}
    }
    let digits = text.replace('_', "");
    match parse_float(&digits) {
        Some(f) if f.is_finite() => Ok(f.into()),
        // What is no number is no number to Rust either; what is too large for Go is infinite there.
        None if digits.parse::<f64>().is_err() => Err(format!("Invalid float value: {quoted}")),
        _ => Err(format!("{text} is out of range for float64")),
    }
}

/// As [`integer()`].
pub(super) fn date(text: &str) -> Result<Value, String> {
    let text = text.trim().replace('z', "Z").replace(['t', ' '], "T");
    for (layout, zone) in LAYOUTS {
        let Ok((mut civil, said)) = go_layout::parse(layout.as_bytes(), text.as_bytes()) else { continue };
        if missing_zero(text.as_bytes(), layout.as_bytes()) {
            break;
        }
        let zone = match (said, *zone) {
            (ParsedZone::Offset(0, _) | ParsedZone::Utc, _) | (ParsedZone::Unsaid, "") => Zone::Utc,
            (ParsedZone::Offset(offset, name), _) => Zone::Fixed(name, offset),
            (_, name) => Zone::Fixed(name.to_owned(), 0),
        };
        civil.offset = 0;
        return Ok(Value::object(Time::from_civil(&civil, zone)));
    }
    Err(format!("invalid datetime: {}", quote(text.as_bytes())))
}

/// Layouts in the order they are tried, with the zone of those that say none.
const LAYOUTS: &[(&str, &str)] = &[
    ("2006-01-02T15:04:05.999999999Z07:00", ""),
    ("2006-01-02T15:04:05.999999999", "datetime-local"),
    ("2006-01-02", "date-local"),
    ("15:04:05.999999999", "time-local"),
    ("2006-01-02T15:04Z07:00", ""),
    ("2006-01-02T15:04", "datetime-local"),
    ("15:04", "time-local"),
];

/// Go reads numbers without their leading zero; then the separators stand elsewhere.
fn missing_zero(text: &[u8], layout: &[u8]) -> bool {
    for (i, c) in layout.iter().enumerate() {
        if matches!(c, b'.' | b'Z') {
            return false;
        }
        if !c.is_ascii_digit() && text.get(i) != Some(c) {
            return true;
        }
    }
    false
}

fn leading_zero(text: &str) -> bool {
    let bytes = text.as_bytes();
    match bytes {
        [b'0', next, ..] => !matches!(next, b'b' | b'o' | b'x'),
        [b'-' | b'+', b'0', _, ..] => true,
        _ => false,
    }
}

fn underscores_fit(text: &str) -> bool {
    if matches!(text, "nan" | "+nan" | "-nan" | "inf" | "-inf" | "+inf") {
        return true;
    }
    let mut fits = false;
    for c in text.chars() {
        if c == '_' && !fits {
            return false;
        }
        fits = c.is_ascii_hexdigit();
    }
    fits
}
