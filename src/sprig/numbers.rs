//! Numbers: conversions with spf13/cast's rules, arithmetic, sequences.

use crate::gotmpl;
use crate::gotmpl::Env;
use crate::gotmpl::Function;
use crate::value::GoType;
use crate::value::IntType;
use crate::value::Kind;
use crate::value::List;
use crate::value::Value;

use super::args::ANY;
use super::args::FLOAT;
use super::args::INT;
use super::args::INT64;
use super::args::Reply;
use super::args::STR;
use super::args::any;
use super::args::bytes;
use super::args::fixed;
use super::args::int;
use super::args::string;
use super::args::variadic;
use super::decimal::Decimal;
use super::go_time;
use super::text;

const INTS: GoType = GoType::Slice(&GoType::INT);

/// The longest sequence made; Go would run out of memory.
const MAX_SEQUENCE: usize = 10_000_000;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("int", &[ANY], INT, |_, a| Ok(Value::int(to_int64(any(a, 0))))),
    fixed("int64", &[ANY], INT64, |_, a| Ok(Value::int64(to_int64(any(a, 0))))),
    fixed("float64", &[ANY], FLOAT, |_, a| Ok(to_float64(any(a, 0)).into())),
    fixed("atoi", &[STR], INT, |_, a| {
        let s = std::str::from_utf8(bytes(a, 0)).unwrap_or("");
        // Go answers the nearest limit with its error, and the error is dropped.
        Ok(Value::int(parse_int(s, 10).unwrap_or_else(|e| e)))
    }),
    fixed("toDecimal", &[ANY], INT64, |_, a| {
        let s = text::print(any(a, 0));
        Ok(Value::int64(std::str::from_utf8(&s).ok().and_then(|s| parse_int(s, 8).ok()).unwrap_or(0)))
    }),
    variadic("add", &[ANY], INT64, |_, a| Ok(Value::int64(a.iter().map(to_int64).fold(0, i64::wrapping_add)))),
    fixed("add1", &[ANY], INT64, |_, a| Ok(Value::int64(to_int64(any(a, 0)).wrapping_add(1)))),
    fixed("sub", &[ANY, ANY], INT64, |_, a| Ok(Value::int64(to_int64(any(a, 0)).wrapping_sub(to_int64(any(a, 1)))))),
    variadic("mul", &[ANY, ANY], INT64, |_, a| Ok(Value::int64(a.iter().map(to_int64).fold(1, i64::wrapping_mul)))),
    fixed("div", &[ANY, ANY], INT64, |_, a| divide(a, i64::wrapping_div)),
    fixed("mod", &[ANY, ANY], INT64, |_, a| divide(a, i64::wrapping_rem)),
    variadic("addf", &[ANY], FLOAT, |_, a| decimals(&with_start(0, a), |x, y| Ok(x.add(y)))),
    fixed("add1f", &[ANY], FLOAT, |_, a| decimals(&[any(a, 0).clone(), Value::int(1)], |x, y| Ok(x.add(y)))),
    variadic("subf", &[ANY, ANY], FLOAT, |_, a| decimals(a, |x, y| Ok(x.sub(y)))),
    variadic("mulf", &[ANY, ANY], FLOAT, |_, a| decimals(a, |x, y| Ok(x.mul(y)))),
    variadic("divf", &[ANY, ANY], FLOAT, |_, a| decimals(a, Decimal::div)),
    variadic("max", &[ANY, ANY], INT64, |_, a| Ok(Value::int64(a.iter().map(to_int64).max().unwrap_or(0)))),
    variadic("biggest", &[ANY, ANY], INT64, |_, a| Ok(Value::int64(a.iter().map(to_int64).max().unwrap_or(0)))),
    variadic("min", &[ANY, ANY], INT64, |_, a| Ok(Value::int64(a.iter().map(to_int64).min().unwrap_or(0)))),
    variadic("maxf", &[ANY, ANY], FLOAT, |_, a| Ok(extreme(a, |x, y| x > y).into())),
    variadic("minf", &[ANY, ANY], FLOAT, |_, a| Ok(extreme(a, |x, y| x < y).into())),
    fixed("floor", &[ANY], FLOAT, |_, a| Ok(to_float64(any(a, 0)).floor().into())),
    fixed("ceil", &[ANY], FLOAT, |_, a| Ok(to_float64(any(a, 0)).ceil().into())),
    variadic("round", &[ANY, INT, FLOAT], FLOAT, round),
    fixed("until", &[INT], INTS, |_, a| {
        let count = int(a, 0);
        Ok(ints(steps(0, count, if count < 0 { -1 } else { 1 })?))
    }),
    fixed("untilStep", &[INT, INT, INT], INTS, |_, a| Ok(ints(steps(int(a, 0), int(a, 1), int(a, 2))?))),
    variadic("seq", &[INT], STR, seq),
];

/// `cast.ToInt64`.
pub(super) fn to_int64(value: &Value) -> i64 {
    match &value.kind {
        Kind::Bool(b) => i64::from(*b),
        Kind::Int(_, n) => *n,
        Kind::Uint(_, n) => *n as i64,
        Kind::Float(f) => float_to_int(*f),
        Kind::Str(s) => std::str::from_utf8(s.as_bytes()).ok().and_then(|s| parse_int(trim_zero_decimal(s), 0).ok()).unwrap_or(0),
        Kind::Object(o) => go_time::small_number(o.as_ref()).unwrap_or(0),
        _ => 0,
    }
}

/// `cast.ToFloat64`.
pub(super) fn to_float64(value: &Value) -> f64 {
    match &value.kind {
        Kind::Bool(b) => f64::from(u8::from(*b)),
        Kind::Int(_, n) => *n as f64,
        Kind::Uint(_, n) => *n as f64,
        Kind::Float(f) => *f,
        Kind::Str(s) => std::str::from_utf8(s.as_bytes()).ok().and_then(parse_float).unwrap_or(0.0),
        Kind::Object(o) => go_time::small_number(o.as_ref()).map_or(0.0, |n| n as f64),
        _ => 0.0,
    }
}

/// Go's conversion on amd64: what does not fit becomes the smallest integer.
pub(super) fn float_to_int(f: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&f) { f as i64 } else { i64::MIN }
}

/// Cuts a fraction of zeros off (`8.0`).
fn trim_zero_decimal(s: &str) -> &str {
    let kept = s.trim_end_matches('0');
    if kept.len() < s.len() { kept.strip_suffix('.').unwrap_or(s) } else { s }
}

/// `strconv.ParseInt`; base 0 takes it from the prefix. The error is the value Go answers with its error.
pub(super) fn parse_int(s: &str, base: u32) -> Result<i64, i64> {
    let (negative, digits) = match s.as_bytes().first() {
        Some(b'-') => (true, &s[1..]),
        Some(b'+') => (false, &s[1..]),
        _ => (false, s),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits, prefixed) = match base {
        0 => match lower.get(..2) {
            Some("0x") => (16, &lower[2..], true),
            Some("0o") => (8, &lower[2..], true),
            Some("0b") => (2, &lower[2..], true),
            _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..], true),
            _ => (10, lower.as_str(), false),
        },
        b => (b, lower.as_str(), false),
    };
    let mut plain = digits.to_owned();
    if base == 0 && digits.contains('_') {
        let ok = !digits.ends_with('_') && !digits.contains("__") && (prefixed || !digits.starts_with('_'));
        if !ok {
            return Err(0);
        }
        plain.retain(|c| c != '_');
    }
    if plain.is_empty() || !plain.chars().all(|c| c.is_digit(radix)) {
        return Err(0);
    }
    let magnitude = u128::from_str_radix(&plain, radix).unwrap_or(u128::MAX);
    match (negative, magnitude) {
        (false, m) => i64::try_from(m).map_err(|_| i64::MAX),
        (true, m) if m <= 1 << 63 => Ok((m as u64).wrapping_neg() as i64),
        (true, _) => Err(i64::MIN),
    }
}

/// `strconv.ParseFloat`; `None` for its errors.
pub(super) fn parse_float(s: &str) -> Option<f64> {
    let unsigned = s.strip_prefix(['+', '-']).unwrap_or(s);
    if unsigned.eq_ignore_ascii_case("nan") {
        return (unsigned.len() == s.len()).then_some(f64::NAN);
    }
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Some(if s.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    gotmpl::parse_float(s)
}

fn divide(a: &[Value], op: fn(i64, i64) -> i64) -> Reply {
    match to_int64(any(a, 1)) {
        0 => Err("runtime error: integer divide by zero".to_owned()),
        d => Ok(Value::int64(op(to_int64(any(a, 0)), d))),
    }
}

fn with_start(start: i64, a: &[Value]) -> Vec<Value> {
    std::iter::once(Value::int(start)).chain(a.iter().cloned()).collect()
}

fn decimals(a: &[Value], op: fn(&Decimal, &Decimal) -> Result<Decimal, String>) -> Reply {
    let mut total = Decimal::from_float(to_float64(any(a, 0)))?;
    for value in a.iter().skip(1) {
        total = op(&total, &Decimal::from_float(to_float64(value))?)?;
    }
    Ok(total.to_float().into())
}

fn extreme(a: &[Value], better: fn(f64, f64) -> bool) -> f64 {
    let mut numbers = a.iter().map(to_float64);
    let first = numbers.next().unwrap_or(0.0);
    numbers.fold(first, |best, n| {
        if best.is_nan() || n.is_nan() {
            f64::NAN
        } else if better(n, best) || (n == 0.0 && best == 0.0 && better(1f64.copysign(n), 1f64.copysign(best))) {
            n
        } else {
            best
        }
    })
}

fn round(_: &mut Env<'_>, a: &[Value]) -> Reply {
    let limit = match a.get(2).map(|v| &v.kind) {
        Some(Kind::Float(f)) => *f,
        _ => 0.5,
    };
    let power = 10f64.powi(int(a, 1).clamp(-400, 400) as i32);
    let digit = power * to_float64(any(a, 0));
    let rounded = if digit.fract() >= limit { digit.ceil() } else { digit.floor() };
    Ok((rounded / power).into())
}

fn steps(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, String> {
    let mut out = Vec::new();
    let down = stop < start;
    if (down && step >= 0) || (!down && step <= 0) {
        return Ok(out);
    }
    let mut at = start;
    while (down && at > stop) || (!down && at < stop) {
        if out.len() == MAX_SEQUENCE {
            return Err("runtime error: makeslice: len out of range".to_owned());
        }
        out.push(at);
        let Some(next) = at.checked_add(step) else { break };
        at = next;
    }
    Ok(out)
}

fn ints(items: Vec<i64>) -> Value {
    List::new(GoType::Int(IntType::Int), items.into_iter().map(Value::int).collect()).into()
}

fn seq(_: &mut Env<'_>, a: &[Value]) -> Reply {
    let (start, step, end) = match a.len() {
        1 => (1, None, int(a, 0)),
        2 => (int(a, 0), None, int(a, 1)),
        3 => (int(a, 0), Some(int(a, 1)), int(a, 2)),
        _ => return string(""),
    };
    let direction = if end < start { -1 } else { 1 };
    if direction < 0 && step.is_some_and(|s| s > 0) {
        return string("");
    }
    let numbers = steps(start, end.wrapping_add(direction), step.unwrap_or(direction))?;
    string(numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" "))
}
