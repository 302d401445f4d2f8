//! `time.Time` as templates see it, with its month, weekday and location.

use std::any::Any;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::value::GoError;
use crate::value::GoType;
use crate::value::Kind;
use crate::value::Object;
use crate::value::ReflectKind;
use crate::value::Structure;
use crate::value::Value;

use super::go_layout;
use super::go_layout::Civil;
use super::go_time::DURATION;
use super::go_time::Duration;
use super::go_time::nanoseconds;

/// `time.Time`
pub(super) const TIME: GoType = GoType::Named("time.Time", ReflectKind::Struct);
const MONTH: GoType = GoType::Named("time.Month", ReflectKind::Int);
const WEEKDAY: GoType = GoType::Named("time.Weekday", ReflectKind::Int);
const LOCATION: GoType = GoType::Named("*time.Location", ReflectKind::Ptr);

/// Unix seconds of January 1 of the year 1, Go's zero time.
const ZERO: i64 = -62_135_596_800;

/// How a time's clock is set.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    /// UTC.
    Utc,
    /// The local zone.
    Local(TimeZone),
    /// A zone by its name.
    Named(String, TimeZone),
    /// An abbreviation with an offset in seconds.
    Fixed(String, i64),
}

/// The zone of a name; `None` when there is none, as `time.LoadLocation` says by an error.
pub(super) fn zone(name: &str, local: &str) -> Option<Zone> {
    match name {
        "" | "UTC" => Some(Zone::Utc),
        "Local" if matches!(local, "" | "UTC") => Some(Zone::Utc),
        "Local" => Some(Zone::Local(TimeZone::get(local).unwrap_or(TimeZone::UTC))),
        name => {
            let found = TimeZone::get(name).ok()?;
            (found.iana_name() == Some(name)).then(|| Zone::Named(name.to_owned(), found))
        }
    }
}

impl Zone {
    /// The offset and abbreviation at an instant.
    fn at(&self, seconds: i64) -> (i64, String) {
        match self {
            Self::Utc => (0, "UTC".to_owned()),
            Self::Fixed(name, offset) => (*offset, name.clone()),
            Self::Local(tz) | Self::Named(_, tz) => {
                let limit = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let Ok(instant) = Timestamp::from_second(limit) else { return (0, "UTC".to_owned()) };
                let info = tz.to_offset_info(instant);
                (i64::from(info.offset().seconds()), info.abbreviation().to_owned())
            }
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Utc => "UTC".to_owned(),
            // Go names it after the TZ variable.
            Self::Local(tz) => tz.iana_name().unwrap_or("UTC").to_owned(),
            Self::Named(name, _) | Self::Fixed(name, _) => name.clone(),
        }
    }
}

/// An instant and the clock it is read on.
#[derive(Clone, Debug)]
pub(super) struct Time {
    /// Unix seconds.
    pub(super) seconds: i64,
    /// Nanoseconds of the second.
    pub(super) nanos: i64,
    /// The clock.
    pub(super) zone: Zone,
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
pub(super) fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn date_from_days(days: i64) -> (i64, i64, i64) {
    let z = days.saturating_add(719_468);
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

impl Time {
    /// From nanoseconds since 1970.
    pub(super) fn from_nanos(nanos: i128, zone: Zone) -> Self {
        Self { seconds: nanos.div_euclid(1_000_000_000) as i64, nanos: nanos.rem_euclid(1_000_000_000) as i64, zone }
    }

    /// From a civil time on the clock of a zone; a time that a change of the clock skips is read with the offset before it.
    pub(super) fn from_civil(t: &Civil, zone: Zone) -> Self {
        let local = days_from_date(t.year, t.month, t.day) * 86_400 + t.hour * 3600 + t.minute * 60 + t.second;
        let (guess, _) = zone.at(local);
        let mut seconds = local - guess;
        let (offset, _) = zone.at(seconds);
        if offset != guess {
            let other = local - offset;
            if zone.at(other).0 == offset || guess > offset {
                seconds = other;
            }
        }
        Self { seconds, nanos: t.nanosecond, zone }
    }

    /// Its date and time of day.
    pub(super) fn civil(&self) -> Civil {
        let (offset, zone) = self.zone.at(self.seconds);
        let local = self.seconds.saturating_add(offset);
        let (days, clock) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = date_from_days(days);
        Civil {
            year,
            month,
            day,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
            nanosecond: self.nanos,
            weekday: (days + 4).rem_euclid(7),
            year_day: days - days_from_date(year, 1, 1) + 1,
            offset,
            zone,
        }
    }

    /// Formatted by a layout.
    pub(super) fn format(&self, layout: &[u8]) -> Vec<u8> {
        go_layout::format(&self.civil(), layout)
    }

    /// Later by nanoseconds.
    pub(super) fn add(&self, nanos: i64) -> Self {
        let total = i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanos) + i128::from(nanos);
        Self::from_nanos(total, self.zone.clone())
    }

    /// The time since another, within the limits of a duration.
    pub(super) fn since(&self, other: &Self) -> Duration {
        let difference = (i128::from(self.seconds) - i128::from(other.seconds)) * 1_000_000_000 + i128::from(self.nanos - other.nanos);
        Duration(difference.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// As TOML: times that a TOML text gave without a zone are written without one.
    pub(super) fn toml(&self) -> String {
        let layout = match &self.zone {
            Zone::Fixed(name, _) if name == "datetime-local" => "2006-01-02T15:04:05.999999999",
            Zone::Fixed(name, _) if name == "date-local" => "2006-01-02",
            Zone::Fixed(name, _) if name == "time-local" => "15:04:05.999999999",
            _ => "2006-01-02T15:04:05.999999999Z07:00",
        };
        self.text(layout)
    }

    fn text(&self, layout: &str) -> String {
        String::from_utf8_lossy(&self.format(layout.as_bytes())).into_owned()
    }

    fn moved(&self, years: i64, months: i64, days: i64) -> Self {
        let mut civil = self.civil();
        let total = (civil.year + years) * 12 + civil.month - 1 + months;
        civil.year = total.div_euclid(12);
        civil.month = total.rem_euclid(12) + 1;
        let day = civil.day + days;
        civil.day = 1;
        let (year, month, date) = date_from_days(days_from_date(civil.year, civil.month, 1) + day - 1);
        (civil.year, civil.month, civil.day) = (year, month, date);
        Self::from_civil(&civil, self.zone.clone())
    }

    /// Since the zero time, in nanoseconds.
    fn absolute(&self) -> i128 {
        (i128::from(self.seconds) - i128::from(ZERO)) * 1_000_000_000 + i128::from(self.nanos)
    }
}

/// The time a value is.
pub(super) fn time_of(value: &Value) -> Option<&Time> {
    match &value.kind {
        Kind::Object(o) => o.as_any().downcast_ref::<Time>(),
        _ => None,
    }
}

fn number(value: Option<&Value>) -> i64 {
    match value.map(|v| &v.kind) {
        Some(Kind::Int(_, n)) => *n,
        _ => 0,
    }
}

impl Object for Time {
    fn go_type(&self) -> GoType {
        TIME
    }

    fn method(&self, name: &str) -> Option<(&'static [GoType], bool)> {
        match name {
            "Unix" | "UnixNano" | "UnixMilli" | "UnixMicro" | "Year" | "Month" | "Day" | "Hour" | "Minute" | "Second" | "Nanosecond"
            | "Weekday" | "YearDay" | "IsZero" | "UTC" | "String" | "Location" => Some((&[], false)),
            "Format" => Some((&[GoType::String], false)),
            "Add" | "Round" | "Truncate" => Some((&[DURATION], false)),
            "AddDate" => Some((&[GoType::INT, GoType::INT, GoType::INT], false)),
            "Sub" | "Before" | "After" | "Equal" | "Compare" => Some((&[TIME], false)),
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, GoError> {
        let civil = self.civil();
        let other = || args.first().and_then(time_of).ok_or(GoError(super::args::NIL_DEREFERENCE.to_owned()));
        let unit = || args.first().and_then(nanoseconds).unwrap_or(0);
        Ok(match name {
            "Unix" => Value::int64(self.seconds),
            "UnixNano" => Value::int64(self.seconds.wrapping_mul(1_000_000_000).wrapping_add(self.nanos)),
            "UnixMilli" => Value::int64(self.seconds.wrapping_mul(1000).wrapping_add(self.nanos / 1_000_000)),
            "UnixMicro" => Value::int64(self.seconds.wrapping_mul(1_000_000).wrapping_add(self.nanos / 1000)),
            "Year" => Value::int(civil.year),
            "Month" => Value::object(Named { value: civil.month, go_type: MONTH }),
            "Day" => Value::int(civil.day),
            "Hour" => Value::int(civil.hour),
            "Minute" => Value::int(civil.minute),
            "Second" => Value::int(civil.second),
            "Nanosecond" => Value::int(self.nanos),
            "Weekday" => Value::object(Named { value: civil.weekday, go_type: WEEKDAY }),
            "YearDay" => Value::int(civil.year_day),
            "IsZero" => (self.seconds == ZERO && self.nanos == 0).into(),
            "UTC" => Value::object(Self { zone: Zone::Utc, ..self.clone() }),
            "String" => self.print().into(),
            "Location" => Value::object(Location(self.zone.name())),
            "Format" => Value::from(crate::value::Str::from(self.format(super::args::bytes(args, 0)))),
            "Add" => Value::object(self.add(unit())),
            "AddDate" => Value::object(self.moved(number(args.first()), number(args.get(1)), number(args.get(2)))),
            "Sub" => Value::object(self.since(other()?)),
            "Before" => (self.absolute() < other()?.absolute()).into(),
            "After" => (self.absolute() > other()?.absolute()).into(),
            "Equal" => (self.absolute() == other()?.absolute()).into(),
            "Compare" => Value::int(self.absolute().cmp(&other()?.absolute()) as i64),
            "Round" | "Truncate" if unit() <= 0 => Value::object(self.clone()),
            "Truncate" => Value::object(self.add(-(self.absolute().rem_euclid(i128::from(unit())) as i64))),
            "Round" => {
                let rest = self.absolute().rem_euclid(i128::from(unit())) as i64;
                let forward = i128::from(rest) * 2 >= i128::from(unit());
                Value::object(self.add(if forward { unit() - rest } else { -rest }))
            }
            _ => return Err(GoError(format!("no method {name}"))),
        })
    }

    fn print(&self) -> String {
        self.text("2006-01-02 15:04:05.999999999 -0700 MST")
    }

    fn go_string(&self) -> Option<String> {
        let c = self.civil();
        let month = go_layout::MONTHS.get((c.month - 1) as usize).copied().unwrap_or("January");
        let zone = match &self.zone {
            Zone::Utc => "time.UTC".to_owned(),
            Zone::Local(_) => "time.Local".to_owned(),
            other => format!("time.Location({})", crate::value::quote(other.name().as_bytes())),
        };
        let clock = format!("{}, {}, {}, {}", c.hour, c.minute, c.second, c.nanosecond);
        Some(format!("time.Date({}, time.{month}, {}, {clock}, {zone})", c.year, c.day))
    }

    fn structure(&self) -> Option<Structure> {
        let location = match &self.zone {
            Zone::Utc => Value::object(NoLocation),
            other => Value::object(Location(other.name())),
        };
        let since_year_one = self.seconds.wrapping_sub(ZERO);
        let wall = Kind::Uint(crate::value::UintType::Uint64, self.nanos as u64).into();
        Some(Structure { pointer: false, fields: vec![("wall", wall), ("ext", Value::int64(since_year_one)), ("loc", location)] })
    }

    fn to_plain(&self) -> Result<Value, GoError> {
        Ok(self.text("2006-01-02T15:04:05.999999999Z07:00").into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A `time.Month` or `time.Weekday`.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) value: i64,
    go_type: GoType,
}

impl Object for Named {
    fn go_type(&self) -> GoType {
        self.go_type
    }

    fn method(&self, name: &str) -> Option<(&'static [GoType], bool)> {
        (name == "String").then_some((&[], false))
    }

    fn call(&self, _name: &str, _args: &[Value]) -> Result<Value, GoError> {
        Ok(self.print().into())
    }

    fn print(&self) -> String {
        let name =
            if self.go_type == MONTH { go_layout::MONTHS.get((self.value - 1) as usize) } else { go_layout::DAYS.get(self.value as usize) };
        name.map_or_else(|| self.value.to_string(), |n| (*n).to_owned())
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::int(self.value))
    }

    fn truth(&self) -> bool {
        self.value != 0
    }

    fn to_plain(&self) -> Result<Value, GoError> {
        Ok(Value::int(self.value))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The nil `*time.Location`, which stands for UTC inside a time.
#[derive(Debug)]
struct NoLocation;

impl Object for NoLocation {
    fn go_type(&self) -> GoType {
        LOCATION
    }

    fn has_string(&self) -> bool {
        false
    }

    fn go_string(&self) -> Option<String> {
        Some("(*time.Location)(nil)".to_owned())
    }

    fn print(&self) -> String {
        "<nil>".to_owned()
    }

    fn print_verb(&self, verb: char) -> Option<Value> {
        matches!(verb, 'b' | 'o' | 'd' | 'x' | 'X').then(|| Kind::Uint(crate::value::UintType::Uint64, 0).into())
    }

    fn truth(&self) -> bool {
        false
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A `*time.Location`.
#[derive(Debug)]
struct Location(String);

impl Object for Location {
    fn go_type(&self) -> GoType {
        LOCATION
    }

    fn method(&self, name: &str) -> Option<(&'static [GoType], bool)> {
        (name == "String").then_some((&[], false))
    }

    fn call(&self, _name: &str, _args: &[Value]) -> Result<Value, GoError> {
        Ok(self.0.as_str().into())
    }

    fn print(&self) -> String {
        self.0.clone()
    }

    fn to_plain(&self) -> Result<Value, GoError> {
        Ok(crate::value::Map::default().into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
