//! Dates: formatting, parsing, arithmetic.

use crate::gotmpl::Env;
use crate::gotmpl::Function;
use crate::value::IntType;
use crate::value::Kind;
use crate::value::Str;
use crate::value::Value;

use super::args::ANY;
use super::args::Reply;
use super::args::STR;
use super::args::any;
use super::args::bytes;
use super::args::fixed;
use super::args::string;
use super::args::text;
use super::go_layout;
use super::go_layout::Civil;
use super::go_layout::ParsedZone;
use super::go_time::Duration;
use super::go_time::SECOND;
use super::time_object::TIME;
use super::time_object::Time;
use super::time_object::Zone;
use super::time_object::time_of;
use super::time_object::zone;

const HTML: &[u8] = b"2006-01-02";

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("now", &[], TIME, |e, _| Ok(Value::object(now(e)))),
    fixed("date", &[STR, ANY], STR, |e, a| formatted(e, bytes(a, 0), any(a, 1), "Local")),
    fixed("dateInZone", &[STR, ANY, STR], STR, |e, a| formatted(e, bytes(a, 0), any(a, 1), &text(a, 2))),
    fixed("date_in_zone", &[STR, ANY, STR], STR, |e, a| formatted(e, bytes(a, 0), any(a, 1), &text(a, 2))),
    fixed("htmlDate", &[ANY], STR, |e, a| formatted(e, HTML, any(a, 0), "Local")),
    fixed("htmlDateInZone", &[ANY, STR], STR, |e, a| formatted(e, HTML, any(a, 0), &text(a, 1))),
    fixed("dateModify", &[STR, TIME], TIME, |_, a| Ok(modified(a).unwrap_or_else(|_| any(a, 1).clone()))),
    fixed("date_modify", &[STR, TIME], TIME, |_, a| Ok(modified(a).unwrap_or_else(|_| any(a, 1).clone()))),
    fixed("mustDateModify", &[STR, TIME], TIME, |_, a| modified(a)),
    fixed("must_date_modify", &[STR, TIME], TIME, |_, a| modified(a)),
    fixed("toDate", &[STR, STR], TIME, |e, a| Ok(parsed(e, a).unwrap_or_else(|_| zero_time()))),
    fixed("mustToDate", &[STR, STR], TIME, |e, a| parsed(e, a)),
    fixed("unixEpoch", &[TIME], STR, |_, a| string(time_of(any(a, 0)).map_or(0, |t| t.seconds).to_string())),
    fixed("ago", &[ANY], STR, |e, a| {
        let now = now(e);
        let then = match &any(a, 0).kind {
            Kind::Int(IntType::Int32, _) => None,
            _ => instant(any(a, 0)),
        };
        string(now.since(&then.unwrap_or_else(|| now.clone())).round(Duration(SECOND)).text())
    }),
    fixed("durationRound", &[ANY], STR, |e, a| {
        let length = match &any(a, 0).kind {
            Kind::Str(s) => Duration::parse(&s.to_str()).unwrap_or(Duration(0)),
            Kind::Int(IntType::Int64, n) => Duration(*n),
            _ => time_of(any(a, 0)).map_or(Duration(0), |t| now(e).since(t)),
        };
        string(rounded(length))
    }),
];

fn local(env: &Env<'_>) -> Zone {
    zone("Local", &env.world.time_zone()).unwrap_or(Zone::Utc)
}

fn now(env: &Env<'_>) -> Time {
    Time::from_nanos(env.world.now(), local(env))
}

/// Go's zero time.
fn zero_time() -> Value {
    let civil = Civil { year: 1, month: 1, day: 1, ..Civil::default() };
    Value::object(Time::from_civil(&civil, Zone::Utc))
}

/// The instant of a time or of Unix seconds; floats and texts are none.
fn instant(value: &Value) -> Option<Time> {
    match &value.kind {
        Kind::Int(IntType::Int | IntType::Int32 | IntType::Int64, n) => Some(Time { seconds: *n, nanos: 0, zone: Zone::Utc }),
        _ => time_of(value).cloned(),
    }
}

fn formatted(env: &Env<'_>, layout: &[u8], value: &Value, zone_name: &str) -> Reply {
    let mut time = instant(value).unwrap_or_else(|| now(env));
    time.zone = zone(zone_name, &env.world.time_zone()).unwrap_or(Zone::Utc);
    string(time.format(layout))
}

fn modified(a: &[Value]) -> Reply {
    let by = Duration::parse(&Str::from(bytes(a, 0)).to_str())?;
    let time = time_of(any(a, 1)).ok_or(super::args::NIL_DEREFERENCE)?;
    Ok(Value::object(time.add(by.0)))
}

fn parsed(env: &Env<'_>, a: &[Value]) -> Reply {
    let (mut civil, said) = go_layout::parse(bytes(a, 0), bytes(a, 1))?;
    let local = local(env);
    let time = match said {
        ParsedZone::Unsaid => Time::from_civil(&civil, local),
        ParsedZone::Utc => Time::from_civil(&civil, Zone::Utc),
        ParsedZone::Offset(offset, name) => {
            let mut time = Time::from_civil(&civil, Zone::Fixed(name.clone(), offset));
            // The local zone is taken where it has the same offset then.
            let there = Time { zone: local.clone(), ..time.clone() }.civil();
            if there.offset == offset && (name.is_empty() || there.zone == name) {
                time.zone = local;
            }
            time
        }
        ParsedZone::Name(name) => {
            let there = Time::from_civil(&civil, local.clone());
            if there.civil().zone == name {
                there
            } else {
                let offset = name.strip_prefix("GMT").and_then(|n| n.parse::<i64>().ok()).map_or(0, |h| h * 3600);
                civil.offset = offset;
                Time::from_civil(&civil, Zone::Fixed(name, offset))
            }
        }
    };
    Ok(Value::object(time))
}

/// The largest unit that fits, whole.
fn rounded(length: Duration) -> String {
    const UNITS: [(u64, &str); 6] = [(31_536_000, "y"), (2_592_000, "mo"), (86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let nanos = length.0.unsigned_abs();
    for (seconds, name) in UNITS {
        let unit = seconds * SECOND as u64;
        if nanos > unit {
            return format!("{}{name}", nanos / unit);
        }
    }
    "0s".to_owned()
}
