//! Durations: sprig's own and Helm's `duration*` helpers.

use crate::gotmpl::Function;
use crate::value::IntType;
use crate::value::Kind;
use crate::value::Value;

use super::args::ANY;
use super::args::FLOAT;
use super::args::INT64;
use super::args::STR;
use super::args::any;
use super::args::fixed;
use super::args::string;
use super::go_time::DURATION;
use super::go_time::Duration;
use super::go_time::SECOND;
use super::kinds::type_name;
use super::numbers::float_to_int;
use super::numbers::parse_float;
use super::numbers::parse_int;
use super::text;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("duration", &[ANY], STR, |_, a| {
        let seconds = match &any(a, 0).kind {
            Kind::Str(s) => parse_int(&s.to_str(), 10).unwrap_or_else(|limit| limit),
            Kind::Int(IntType::Int64, n) => *n,
            _ => 0,
        };
        string(Duration(seconds.wrapping_mul(SECOND)).text())
    }),
    fixed("mustToDuration", &[ANY], DURATION, |_, a| Ok(Value::object(duration(any(a, 0))?))),
    fixed("durationSeconds", &[ANY], FLOAT, |_, a| Ok(or_zero(a).float(SECOND).into())),
    fixed("durationMilliseconds", &[ANY], INT64, |_, a| Ok(Value::int64(or_zero(a).0 / 1_000_000))),
    fixed("durationMicroseconds", &[ANY], INT64, |_, a| Ok(Value::int64(or_zero(a).0 / 1_000))),
    fixed("durationNanoseconds", &[ANY], INT64, |_, a| Ok(Value::int64(or_zero(a).0))),
    fixed("durationMinutes", &[ANY], FLOAT, |_, a| Ok(or_zero(a).float(60 * SECOND).into())),
    fixed("durationHours", &[ANY], FLOAT, |_, a| Ok(or_zero(a).float(3600 * SECOND).into())),
    fixed("durationDays", &[ANY], FLOAT, |_, a| Ok((or_zero(a).float(3600 * SECOND) / 24.0).into())),
    fixed("durationWeeks", &[ANY], FLOAT, |_, a| Ok((or_zero(a).float(3600 * SECOND) / 24.0 / 7.0).into())),
    fixed("durationRoundTo", &[ANY, ANY], DURATION, |_, a| Ok(stepped(a, Duration::round))),
    fixed("durationTruncateTo", &[ANY, ANY], DURATION, |_, a| Ok(stepped(a, Duration::truncate))),
];

/// A duration from a text with units, or from a number of seconds.
fn duration(value: &Value) -> Result<Duration, String> {
    match &value.kind {
        Kind::Nil => Err("invalid duration".to_owned()),
        Kind::Str(s) => {
            let given = s.to_str();
            let trimmed = given.trim();
            if trimmed.is_empty() {
                return Err("empty duration".to_owned());
            }
            if let Ok(d) = Duration::parse(trimmed) {
                return Ok(d);
            }
            match parse_float(trimmed) {
                Some(f) => from_seconds(f),
                None => Err(format!("could not parse duration {}", text::quote(s.as_bytes()))),
            }
        }
        Kind::Int(_, n) => n.checked_mul(SECOND).map(Duration).ok_or_else(|| format!("duration seconds overflow: {n}")),
        Kind::Uint(_, n) => i64::try_from(*n)
            .ok()
            .and_then(|n| n.checked_mul(SECOND))
            .map(Duration)
            .ok_or_else(|| format!("duration seconds overflow: {n}")),
        Kind::Float(f) => from_seconds(*f),
        Kind::Object(o) => match (o.as_any().downcast_ref::<Duration>(), super::go_time::small_number(o.as_ref())) {
            (Some(d), _) => Ok(*d),
            (None, Some(n)) => Ok(Duration(n * SECOND)),
            (None, None) => Err(format!("unsupported duration type {}", type_name(value))),
        },
        _ => Err(format!("unsupported duration type {}", type_name(value))),
    }
}

fn from_seconds(seconds: f64) -> Result<Duration, String> {
    if !seconds.is_finite() {
        return Err(format!("invalid duration seconds: {}", text::float(seconds)));
    }
    let limit = i64::MAX as f64 / SECOND as f64;
    if seconds > limit || seconds < -limit {
        return Err(format!("duration seconds overflow: {}", text::float(seconds)));
    }
    Ok(Duration(float_to_int(seconds * SECOND as f64)))
}

fn or_zero(a: &[Value]) -> Duration {
    duration(any(a, 0)).unwrap_or(Duration(0))
}

fn stepped(a: &[Value], step: fn(Duration, Duration) -> Duration) -> Value {
    let Ok(given) = duration(any(a, 0)) else { return Value::object(Duration(0)) };
    Value::object(duration(any(a, 1)).map_or(given, |unit| step(given, unit)))
}
