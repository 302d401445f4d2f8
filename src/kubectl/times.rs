//! Ages and dates as kubectl shows them. upstream: apimachinery/pkg/util/duration

use serde_json::Value;

use super::api::Nanos;

const SECOND: i64 = 1_000_000_000;

/// An RFC 3339 time in nanoseconds since 1970; `None` for anything else.
pub fn parse(value: &Value) -> Option<Nanos> {
    let stamp: jiff::Timestamp = value.as_str()?.parse().ok()?;
    i64::try_from(stamp.as_nanosecond()).ok()
}

/// A time as the API writes it: whole seconds, UTC.
pub fn rfc3339(at: Nanos) -> String {
    let stamp = jiff::Timestamp::from_second(at.div_euclid(SECOND)).unwrap_or_default();
    stamp.to_string()
}

/// A time as describe writes it: `Sat, 21 Nov 2026 03:32:46 +0000`.
pub fn rfc1123(value: &Value) -> String {
    let Some(at) = parse(value) else { return "Mon, 01 Jan 0001 00:00:00 +0000".to_owned() };
    let stamp = jiff::Timestamp::from_second(at.div_euclid(SECOND)).unwrap_or_default();
    stamp.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// How long ago a time was; `<unknown>` when there is none.
pub fn since(value: &Value, now: Nanos) -> String {
    parse(value).map_or_else(|| "<unknown>".to_owned(), |at| human(now.saturating_sub(at)))
}

/// A duration with two or three significant figures. upstream: HumanDuration
pub fn human(nanos: Nanos) -> String {
    // Go's conversion to a whole number of seconds rounds towards zero.
    let seconds = nanos / SECOND;
    if seconds < -1 {
        return "<invalid>".to_owned();
    }
    if seconds < 0 {
        return "0s".to_owned();
    }
    if seconds < 120 {
        return format!("{seconds}s");
    }
    let with = |value: i64, unit: &str, rest: i64, small: &str| match rest {
        0 => format!("{value}{unit}"),
        _ => format!("{value}{unit}{rest}{small}"),
    };
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    if minutes < 10 {
        with(minutes, "m", seconds % 60, "s")
    } else if minutes < 180 {
        format!("{minutes}m")
    } else if hours < 8 {
        with(hours, "h", minutes % 60, "m")
    } else if hours < 48 {
        format!("{hours}h")
    } else if hours < 192 {
        with(hours / 24, "d", hours % 24, "h")
    } else if hours < 24 * 365 * 2 {
        format!("{}d", hours / 24)
    } else if hours < 24 * 365 * 8 {
        with(hours / 24 / 365, "y", hours / 24 % 365, "d")
    } else {
        format!("{}y", hours / 24 / 365)
    }
}

/// A duration in Go's notation, such as `1m30s` or `1.5s`. upstream: time.Duration.String
pub fn go_duration(nanos: Nanos) -> String {
    if nanos == 0 {
        return "0s".to_owned();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let n = nanos.unsigned_abs();
    let decimal = |whole: u64, fraction: u64, digits: usize| {
        let tail = format!("{fraction:0digits$}");
        let tail = tail.trim_end_matches('0');
        if tail.is_empty() { whole.to_string() } else { format!("{whole}.{tail}") }
    };
    if n < 1_000 {
        return format!("{sign}{n}ns");
    }
    if n < 1_000_000 {
        return format!("{sign}{}µs", decimal(n / 1_000, n % 1_000, 3));
    }
    if n < 1_000_000_000 {
        return format!("{sign}{}ms", decimal(n / 1_000_000, n % 1_000_000, 6));
    }
    let (seconds, rest) = (n / 1_000_000_000, n % 1_000_000_000);
    let last = format!("{}s", decimal(seconds % 60, rest, 9));
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => format!("{sign}{last}"),
        (0, m) => format!("{sign}{m}m{last}"),
        (h, m) => format!("{sign}{h}h{m}m{last}"),
    }
}

/// What Go says of a text that is no duration. upstream: time.ParseDuration
pub fn no_duration(text: &str) -> String {
    let bare = !text.is_empty() && text.trim_start_matches(['-', '+']).chars().all(|c| c.is_ascii_digit());
    format!("time: {} duration {}", if bare { "missing unit in" } else { "invalid" }, crate::value::quote(text.as_bytes()))
}

/// A duration such as `30s`, `1m30s` or `500ms`; a plain number is refused, except zero. upstream: time.ParseDuration
pub fn parse_duration(text: &str) -> Option<Nanos> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = match rest.get(..unit_end)? {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 6e10,
            "h" => 3.6e12,
            _ => return None,
        };
        total += number * unit;
        rest = rest.get(unit_end..)?;
    }
    Some(if negative { -total as i64 } else { total as i64 })
}
