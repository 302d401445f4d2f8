//! Moments and durations, and their texts. upstream: cel-go common/types/timestamp.go, duration.go

use std::fmt;

use jiff::tz::TimeZone;

/// A moment: seconds since 1970 and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanos: i32,
}

const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;

impl Stamp {
    /// RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        let b = text.as_bytes();
        let shape = b.len() >= 20 && b[4] == b'-' && b[7] == b'-' && b[10] == b'T' && b[13] == b':' && b[16] == b':';
        if !shape || text.contains(' ') || (!text.ends_with('Z') && !matches!(b[b.len() - 6], b'+' | b'-')) {
            return None;
        }
        // Leap seconds are no valid text in Go.
        if &b[17..19] == b"60" {
            return None;
        }
        let stamp: jiff::Timestamp = text.parse().ok()?;
        let (seconds, nanos) = (stamp.as_second(), stamp.subsec_nanosecond());
        Some(if nanos < 0 { Self { seconds: seconds - 1, nanos: nanos + 1_000_000_000 } } else { Self { seconds, nanos } })
    }

    /// As OpenAPI's date-time is read: also without seconds' zone or with a space.
    pub fn parse_loose(text: &str) -> Option<Self> {
        let upper = text.to_uppercase();
        Self::parse(&upper).or_else(|| Self::parse(&format!("{upper}Z"))).or_else(|| Self::parse(&upper.replacen(' ', "T", 1)))
    }

    /// From seconds, when in range.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        (FIRST..=LAST).contains(&seconds).then_some(Self { seconds, nanos: 0 })
    }

    /// Later by nanoseconds, when in range.
    pub fn plus(self, nanos: i64) -> Option<Self> {
        let total = i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanos) + i128::from(nanos);
        let seconds = i64::try_from(total.div_euclid(1_000_000_000)).ok()?;
        Self::from_seconds(seconds)?;
        Some(Self { seconds, nanos: total.rem_euclid(1_000_000_000) as i32 })
    }

    /// The nanoseconds since another moment, when they fit.
    pub fn minus(self, other: Self) -> Option<i64> {
        let seconds = i128::from(self.seconds) - i128::from(other.seconds);
        i64::try_from(seconds * 1_000_000_000 + i128::from(self.nanos - other.nanos)).ok()
    }

    /// The civil date and time in a zone: a name, `UTC` or `+01:30`.
    pub fn civil(self, zone: Option<&str>) -> Option<jiff::civil::DateTime> {
        let stamp = jiff::Timestamp::new(self.seconds, self.nanos).ok()?;
        let zone = match zone {
            None | Some("" | "UTC") => TimeZone::UTC,
            Some(name) if name.contains(':') => {
                let (sign, rest) = match name.strip_prefix('-') {
                    Some(rest) => (-1, rest),
                    None => (1, name.trim_start_matches('+')),
                };
                let (hours, minutes) = rest.split_once(':')?;
                let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
                TimeZone::fixed(jiff::tz::Offset::from_seconds(sign * seconds).ok()?)
            }
            Some(name) => TimeZone::get(name).ok()?,
        };
        Some(zone.to_datetime(stamp))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(t) = self.civil(None) else { return f.write_str("invalid") };
        let (year, month, day) = (t.year(), t.month(), t.day());
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", t.hour(), t.minute(), t.second())?;
        if self.nanos != 0 {
            let fraction = format!("{:09}", self.nanos);
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// Go's `time.ParseDuration`, in nanoseconds.
pub fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let whole = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, after) = rest.split_at(whole);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => after.split_at(after.bytes().take_while(u8::is_ascii_digit).count()),
            None => ("", after),
        };
        if digits.is_empty() && fraction.is_empty() {
            return None;
        }
        let unit_len = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_len);
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let whole: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        total = total.checked_add(whole.checked_mul(scale)?)?;
        if !fraction.is_empty() {
            let cut = &fraction[..fraction.len().min(18)];
            total += cut.parse::<i128>().ok()? * scale / 10_i128.pow(cut.len() as u32);
        }
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

/// As OpenAPI's duration is read: Go's form, or numbers with words such as `3 days`.
/// upstream: kube-openapi pkg/validation/strfmt/duration.go
pub fn parse_loose_duration(text: &str) -> Option<i64> {
    if let Some(nanos) = parse_duration(text) {
        return Some(nanos);
    }
    let units: [(&[&str], i128); 8] = [
        (&["ns", "nano"], 1),
        (&["us", "µs", "micro"], 1_000),
        (&["ms", "milli"], 1_000_000),
        (&["s", "sec"], 1_000_000_000),
        (&["m", "min"], 60_000_000_000),
        (&["h", "hr", "hour"], 3_600_000_000_000),
        (&["d", "day"], 86_400_000_000_000),
        (&["w", "wk", "week"], 604_800_000_000_000),
    ];
    let mut rest = text;
    let mut total: i128 = 0;
    let mut found = false;
    // Numbers followed by letters; whatever stands between them, and units nobody knows, are skipped.
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let number_len = rest[start..].bytes().take_while(|b| b.is_ascii_digit()).count();
        let number: i128 = rest[start..start + number_len].parse().ok()?;
        let after = rest[start + number_len..].trim_start();
        let word_len = after.find(|c: char| !c.is_ascii_alphabetic() && c != 'µ').unwrap_or(after.len());
        let unit = after[..word_len].to_lowercase();
        for (names, scale) in units {
            let long = names.last().is_some_and(|last| unit.starts_with(last));
            if !unit.is_empty() && (long || names.contains(&unit.as_str())) {
                total = total.checked_add(number.checked_mul(scale)?)?;
                found = true;
                break;
            }
        }
        rest = &after[word_len..];
    }
    found.then(|| i64::try_from(total).ok())?
}

/// A duration in seconds, as its text is in CEL: `90s`, `1.5s`.
pub fn duration_seconds(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let (seconds, rest) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
    if rest == 0 {
        return format!("{sign}{seconds}s");
    }
    let fraction = format!("{rest:09}");
    format!("{sign}{seconds}.{}s", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("1h30m"), Some(5_400_000_000_000));
        assert_eq!(parse_duration("1.5s"), Some(1_500_000_000));
        assert_eq!(parse_duration("-2ms"), Some(-2_000_000));
        assert_eq!(parse_duration("1d"), None);
        assert_eq!(parse_duration(""), None);
        assert_eq!(parse_loose_duration("3 days"), Some(259_200_000_000_000));
        assert_eq!(duration_seconds(90_500_000_000), "90.5s");
    }

    #[test]
    fn stamps() {
        assert_eq!(Stamp::parse("2020-01-01T00:00:00.5Z").map(|s| s.to_string()).as_deref(), Some("2020-01-01T00:00:00.5Z"));
        assert_eq!(Stamp::parse("2020-01-01"), None);
    }
}
