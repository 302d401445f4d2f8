//! Durations and times as templates see them.

use std::any::Any;

use crate::value::GoError;
use crate::value::GoType;
use crate::value::Object;
use crate::value::ReflectKind;
use crate::value::Value;

/// `time.Duration`
pub(super) const DURATION: GoType = GoType::Named("time.Duration", ReflectKind::Int);

/// Nanoseconds of a second.
pub(super) const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// A `time.Duration`, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration(pub i64);

/// The number behind a defined integer type.
pub(super) fn number(object: &dyn Object) -> Option<i64> {
    object.as_any().downcast_ref::<Duration>().map(|d| d.0).or_else(|| small_number(object))
}

/// The number behind a month or a weekday, which spf13/cast knows.
pub(super) fn small_number(object: &dyn Object) -> Option<i64> {
    object.as_any().downcast_ref::<super::time_object::Named>().map(|n| n.value)
}

impl Duration {
    /// `Duration.String`.
    pub fn text(self) -> String {
        let total = self.0.unsigned_abs();
        if total == 0 {
            return "0s".to_owned();
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = |n: u64, unit: u64| {
            let (whole, rest) = (n / unit, n % unit);
            if rest == 0 {
                return whole.to_string();
            }
            let width = unit.ilog10() as usize;
            format!("{whole}.{}", format!("{rest:0width$}").trim_end_matches('0'))
        };
        if total < 1_000 {
            return format!("{sign}{total}ns");
        }
        if total < 1_000_000 {
            return format!("{sign}{}µs", fraction(total, 1_000));
        }
        if total < 1_000_000_000 {
            return format!("{sign}{}ms", fraction(total, 1_000_000));
        }
        let minutes = total / MINUTE as u64;
        let seconds = fraction(total % MINUTE as u64, SECOND as u64);
        match (minutes / 60, minutes % 60) {
            (0, 0) => format!("{sign}{seconds}s"),
            (0, m) => format!("{sign}{m}m{seconds}s"),
            (h, m) => format!("{sign}{h}h{m}m{seconds}s"),
        }
    }

    /// `time.ParseDuration`.
    pub fn parse(text: &str) -> Result<Self, String> {
        use super::text::quote;
        let invalid = || format!("time: invalid duration {}", quote(text.as_bytes()));
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
            let whole = &rest[..digits(rest)];
            rest = &rest[whole.len()..];
            let mut fraction = "";
            let point = rest.starts_with('.');
            if point {
                fraction = &rest[1..=digits(&rest[1..])];
                rest = &rest[1 + fraction.len()..];
            }
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
            if end == 0 {
                return Err(format!("time: missing unit in duration {}", quote(text.as_bytes())));
            }
            let unit: u64 = match &rest[..end] {
                "ns" => 1,
                "us" | "µs" | "μs" => 1_000,
                "ms" => 1_000_000,
                "s" => SECOND as u64,
                "m" => MINUTE as u64,
                "h" => HOUR as u64,
                other => {
                    return Err(format!("time: unknown unit {} in duration {}", quote(other.as_bytes()), quote(text.as_bytes())));
                }
            };
            rest = &rest[end..];
            let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
            let mut value = whole.checked_mul(unit).filter(|v| *v <= 1 << 63).ok_or_else(invalid)?;
            if !fraction.is_empty() {
                let kept = &fraction[..fraction.len().min(18)];
                let scaled = kept.parse::<f64>().unwrap_or(0.0) * (unit as f64 / 10f64.powi(kept.len() as i32));
                value += scaled as u64;
            }
            total = total.checked_add(value).filter(|v| *v <= 1 << 63).ok_or_else(invalid)?;
        }
        if negative {
            return Ok(Self((total as i64).wrapping_neg()));
        }
        i64::try_from(total).map(Self).map_err(|_| invalid())
    }

    /// `Duration.Truncate`.
    pub(super) fn truncate(self, unit: Self) -> Self {
        if unit.0 <= 0 { self } else { Self(self.0 - self.0 % unit.0) }
    }

    /// `Duration.Round`, half away from zero.
    pub(super) fn round(self, unit: Self) -> Self {
        if unit.0 <= 0 {
            return self;
        }
        let rest = i128::from(self.0 % unit.0);
        let (value, unit) = (i128::from(self.0), i128::from(unit.0));
        let down = value - rest;
        let rounded = if rest.abs() * 2 < unit { down } else { down + unit * rest.signum() };
        Self(rounded.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// A number of units, whole part and rest apart as Go divides.
    pub(super) fn float(self, unit: i64) -> f64 {
        (self.0 / unit) as f64 + (self.0 % unit) as f64 / unit as f64
    }
}

impl Object for Duration {
    fn go_type(&self) -> GoType {
        DURATION
    }

    fn method(&self, name: &str) -> Option<(&'static [GoType], bool)> {
        match name {
            "Hours" | "Minutes" | "Seconds" | "Milliseconds" | "Microseconds" | "Nanoseconds" | "String" | "Abs" => Some((&[], false)),
            "Round" | "Truncate" => Some((&[DURATION], false)),
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, GoError> {
        let unit = || Self(args.first().and_then(nanoseconds).unwrap_or(0));
        Ok(match name {
            "Hours" => self.float(HOUR).into(),
            "Minutes" => self.float(MINUTE).into(),
            "Seconds" => self.float(SECOND).into(),
            "Milliseconds" => Value::int64(self.0 / 1_000_000),
            "Microseconds" => Value::int64(self.0 / 1_000),
            "Nanoseconds" => Value::int64(self.0),
            "String" => self.text().into(),
            "Abs" => Value::object(Self(self.0.saturating_abs())),
            "Round" => Value::object(self.round(unit())),
            "Truncate" => Value::object(self.truncate(unit())),
            _ => return Err(GoError(format!("no method {name}"))),
        })
    }

    fn print(&self) -> String {
        self.text()
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::int64(self.0))
    }

    fn truth(&self) -> bool {
        self.0 != 0
    }

    fn to_plain(&self) -> Result<Value, GoError> {
        Ok(Value::int64(self.0))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The nanoseconds of a duration argument; a plain integer is taken as such.
pub(super) fn nanoseconds(value: &Value) -> Option<i64> {
    match &value.kind {
        crate::value::Kind::Int(_, n) => Some(*n),
        crate::value::Kind::Object(o) => o.as_any().downcast_ref::<Duration>().map(|d| d.0),
        _ => None,
    }
}
