//! Go's time layouts: how `2006-01-02 15:04:05` formats and parses.

/// The English names, as layouts use them.
pub(super) const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A date, a time of day and an offset.
#[derive(Clone, Debug, Default)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) nanosecond: i64,
    /// 0 is Sunday.
    pub(super) weekday: i64,
    pub(super) year_day: i64,
    /// Seconds east of UTC.
    pub(super) offset: i64,
    /// The zone's abbreviation.
    pub(super) zone: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    LongMonth,
    Month,
    NumberMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    SpaceDay,
    ZeroDay,
    SpaceYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperHalf,
    LowerHalf,
    Zone,
    /// `Z` for UTC; with colons; hours only, with seconds.
    Offset {
        z: bool,
        colon: bool,
        parts: u8,
    },
    /// Zeros keep trailing zeros, nines drop them.
    Fraction {
        digits: usize,
        nines: bool,
    },
}

/// The plain names, longest first where one starts another.
const NAMES: &[(&str, Field)] = &[
    ("MST", Field::Zone),
    ("002", Field::ZeroYearDay),
    ("01", Field::ZeroMonth),
    ("02", Field::ZeroDay),
    ("03", Field::ZeroHour12),
    ("04", Field::ZeroMinute),
    ("05", Field::ZeroSecond),
    ("06", Field::Year),
    ("15", Field::Hour),
    ("1", Field::NumberMonth),
    ("2006", Field::LongYear),
    ("2", Field::Day),
    ("__2", Field::SpaceYearDay),
    ("_2", Field::SpaceDay),
    ("3", Field::Hour12),
    ("4", Field::Minute),
    ("5", Field::Second),
    ("PM", Field::UpperHalf),
    ("pm", Field::LowerHalf),
    ("-07:00:00", Field::Offset { z: false, colon: true, parts: 3 }),
    ("-070000", Field::Offset { z: false, colon: false, parts: 3 }),
    ("-07:00", Field::Offset { z: false, colon: true, parts: 2 }),
    ("-0700", Field::Offset { z: false, colon: false, parts: 2 }),
    ("-07", Field::Offset { z: false, colon: false, parts: 1 }),
    ("Z07:00:00", Field::Offset { z: true, colon: true, parts: 3 }),
    ("Z070000", Field::Offset { z: true, colon: false, parts: 3 }),
    ("Z07:00", Field::Offset { z: true, colon: true, parts: 2 }),
    ("Z0700", Field::Offset { z: true, colon: false, parts: 2 }),
    ("Z07", Field::Offset { z: true, colon: false, parts: 1 }),
];

fn field_at(s: &[u8]) -> Option<(Field, usize)> {
    let small = |n: usize| s.get(n).is_some_and(u8::is_ascii_lowercase);
    for (long, short, wide, narrow) in
        [("January", "Jan", Field::LongMonth, Field::Month), ("Monday", "Mon", Field::LongWeekday, Field::Weekday)]
    {
        if s.starts_with(long.as_bytes()) {
            return Some((wide, long.len()));
        }
        if s.starts_with(short.as_bytes()) && !small(3) {
            return Some((narrow, 3));
        }
    }
    if s.starts_with(b"_2006") {
        return None;
    }
    if let [b'.' | b',', digit @ (b'0' | b'9'), ..] = s {
        let digits = s[1..].iter().take_while(|b| *b == digit).count();
        if !s.get(1 + digits).is_some_and(u8::is_ascii_digit) {
            return Some((Field::Fraction { digits, nines: *digit == b'9' }, 1 + digits));
        }
        return None;
    }
    NAMES.iter().find(|(name, _)| s.starts_with(name.as_bytes())).map(|(name, field)| (*field, name.len()))
}

/// Literal text before the first field, the field, and what follows.
fn next_field(layout: &[u8]) -> (&[u8], Option<(Field, &[u8])>, &[u8]) {
    for i in 0..layout.len() {
        if let Some((field, len)) = field_at(&layout[i..]) {
            return (&layout[..i], Some((field, &layout[i..i + len])), &layout[i + len..]);
        }
    }
    (layout, None, b"")
}

fn offset_text(offset: i64, colon: bool, parts: u8) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let a = offset.abs();
    let separator = if colon { ":" } else { "" };
    let mut out = format!("{sign}{:02}", a / 3600);
    if parts > 1 {
        out.push_str(&format!("{separator}{:02}", a / 60 % 60));
    }
    if parts > 2 {
        out.push_str(&format!("{separator}{:02}", a % 60));
    }
    out
}

/// `Time.Format`.
pub(super) fn format(t: &Civil, layout: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(layout.len() + 8);
    let mut rest = layout;
    loop {
        let (literal, field, tail) = next_field(rest);
        out.extend_from_slice(literal);
        let Some((field, source)) = field else { return out };
        rest = tail;
        let hour12 = if t.hour % 12 == 0 { 12 } else { t.hour % 12 };
        let month = MONTHS.get((t.month - 1) as usize).copied().unwrap_or("");
        let weekday = DAYS.get(t.weekday as usize).copied().unwrap_or("");
        let half = t.hour >= 12;
        let text = match field {
            Field::LongMonth => month.to_owned(),
            Field::Month => month.get(..3).unwrap_or("").to_owned(),
            Field::NumberMonth => t.month.to_string(),
            Field::ZeroMonth => format!("{:02}", t.month),
            Field::LongWeekday => weekday.to_owned(),
            Field::Weekday => weekday.get(..3).unwrap_or("").to_owned(),
            Field::Day => t.day.to_string(),
            Field::SpaceDay => format!("{:2}", t.day),
            Field::ZeroDay => format!("{:02}", t.day),
            Field::SpaceYearDay => format!("{:3}", t.year_day),
            Field::ZeroYearDay => format!("{:03}", t.year_day),
            Field::Hour => format!("{:02}", t.hour),
            Field::Hour12 => hour12.to_string(),
            Field::ZeroHour12 => format!("{hour12:02}"),
            Field::Minute => t.minute.to_string(),
            Field::ZeroMinute => format!("{:02}", t.minute),
            Field::Second => t.second.to_string(),
            Field::ZeroSecond => format!("{:02}", t.second),
            Field::LongYear if t.year < 0 => format!("-{:04}", -t.year),
            Field::LongYear => format!("{:04}", t.year),
            Field::Year => format!("{:02}", t.year.rem_euclid(100)),
            Field::UpperHalf => if half { "PM" } else { "AM" }.to_owned(),
            Field::LowerHalf => if half { "pm" } else { "am" }.to_owned(),
            Field::Zone if t.zone.is_empty() => offset_text(t.offset, false, 2),
            Field::Zone => t.zone.clone(),
            Field::Offset { z: true, .. } if t.offset == 0 => "Z".to_owned(),
            Field::Offset { colon, parts, .. } => offset_text(t.offset, colon, parts),
            Field::Fraction { digits, nines } => {
                let all = format!("{:09}", t.nanosecond);
                let kept = format!("{:0<digits$}", &all[..digits.min(9)]);
                let kept = if nines { kept.trim_end_matches('0') } else { &kept };
                if kept.is_empty() { String::new() } else { format!("{}{kept}", char::from(source[0])) }
            }
        };
        out.extend_from_slice(text.as_bytes());
    }
}

/// What a parsed text says about its zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ParsedZone {
    /// Nothing: the default location.
    Unsaid,
    /// `Z` or UTC.
    Utc,
    /// An offset, perhaps with an abbreviation.
    Offset(i64, String),
    /// An abbreviation only.
    Name(String),
}

/// Days of a month.
pub(super) fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

struct Failure {
    out_of_range: Option<&'static str>,
}

const MISMATCH: Failure = Failure { out_of_range: None };

fn range(what: &'static str) -> Failure {
    Failure { out_of_range: Some(what) }
}

fn take_number(s: &[u8], min: usize, max: usize) -> Result<(i64, &[u8]), Failure> {
    let n = s.iter().take(max).take_while(|b| b.is_ascii_digit()).count();
    if n < min || n == 0 {
        return Err(MISMATCH);
    }
    Ok((s[..n].iter().fold(0, |v, b| v * 10 + i64::from(b - b'0')), &s[n..]))
}

fn take_name<'a>(s: &'a [u8], names: &[&str], len: Option<usize>) -> Result<(i64, &'a [u8]), Failure> {
    for (i, name) in names.iter().enumerate() {
        let name = len.map_or(*name, |n| &name[..n]).as_bytes();
        if s.len() >= name.len() && s[..name.len()].eq_ignore_ascii_case(name) {
            return Ok((i as i64, &s[name.len()..]));
        }
    }
    Err(MISMATCH)
}

/// Drops a literal of the layout from the text; a run of spaces stands for any run.
fn skip<'a>(mut value: &'a [u8], mut literal: &[u8]) -> Result<&'a [u8], &'a [u8]> {
    let trim = |s: &mut &[u8]| {
        while let [b' ', tail @ ..] = *s {
            *s = tail;
        }
    };
    while let Some(&b) = literal.first() {
        if b == b' ' {
            if value.first().is_some_and(|v| *v != b' ') {
                return Err(value);
            }
            trim(&mut literal);
            while let [b' ', tail @ ..] = value {
                value = tail;
            }
            continue;
        }
        match value.split_first() {
            Some((v, tail)) if *v == b => value = tail,
            _ => return Err(value),
        }
        literal = &literal[1..];
    }
    Ok(value)
}

fn zone_name_length(s: &[u8]) -> Option<usize> {
    if s.len() < 3 {
        return None;
    }
    if s.starts_with(b"ChST") || s.starts_with(b"MeST") {
        return Some(4);
    }
    if s.starts_with(b"GMT") {
        return Some(3 + signed_offset(&s[3..]));
    }
    if matches!(s[0], b'+' | b'-') {
        let n = signed_offset(s);
        return (n > 0).then_some(n);
    }
    match s.iter().take(6).take_while(|b| b.is_ascii_uppercase()).count() {
        5 if s[4] == b'T' => Some(5),
        4 if s[3] == b'T' || s.starts_with(b"WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

fn signed_offset(s: &[u8]) -> usize {
    if !matches!(s.first(), Some(b'+' | b'-')) {
        return 0;
    }
    let digits = s[1..].iter().take_while(|b| b.is_ascii_digit()).count();
    let value = s[1..=digits].iter().take(4).fold(0i64, |v, b| v * 10 + i64::from(b - b'0'));
    if digits == 0 || digits > 4 || value >= 24 { 0 } else { 1 + digits }
}

fn all_digits(s: &[u8], at: &[usize]) -> Option<i64> {
    at.iter().try_fold(0, |v, &i| s.get(i).filter(|b| b.is_ascii_digit()).map(|b| v * 10 + i64::from(b - b'0')))
}

fn take_offset(value: &[u8], z: bool, colon: bool, parts: u8) -> Result<(ParsedZone, &[u8]), Failure> {
    if z && value.first() == Some(&b'Z') {
        return Ok((ParsedZone::Utc, &value[1..]));
    }
    let step = if colon { 3 } else { 2 };
    let len = 3 + step * usize::from(parts - 1);
    if value.len() < len {
        return Err(MISMATCH);
    }
    if colon && (1..parts).any(|p| value[3 * usize::from(p)] != b':') {
        return Err(MISMATCH);
    }
    let read = |part: usize| all_digits(value, &[1 + step * part, 2 + step * part]).ok_or(MISMATCH);
    let hours = read(0)?;
    let minutes = if parts > 1 { read(1)? } else { 0 };
    let seconds = if parts > 2 { read(2)? } else { 0 };
    if hours > 24 {
        return Err(range("time zone offset hour"));
    }
    if minutes > 60 {
        return Err(range("time zone offset minute"));
    }
    if seconds > 60 {
        return Err(range("time zone offset second"));
    }
    let total = hours * 3600 + minutes * 60 + seconds;
    match value[0] {
        b'+' => Ok((ParsedZone::Offset(total, String::new()), &value[len..])),
        b'-' => Ok((ParsedZone::Offset(-total, String::new()), &value[len..])),
        _ => Err(MISMATCH),
    }
}

fn take_fraction(value: &[u8], digits: usize) -> Result<i64, Failure> {
    if !matches!(value.first(), Some(b'.' | b',')) {
        return Err(MISMATCH);
    }
    let n = digits.min(10);
    let text = value.get(1..n).unwrap_or(&value[1..]);
    let number = text.iter().try_fold(0i64, |v, b| b.is_ascii_digit().then(|| v * 10 + i64::from(b - b'0'))).ok_or(MISMATCH)?;
    Ok(number * 10i64.pow(9u32.saturating_sub(text.len() as u32)))
}

/// What has been read so far.
struct State {
    civil: Civil,
    zone: ParsedZone,
    afternoon: Option<bool>,
    year_day: Option<i64>,
}

/// A text in quotes as the time package shows it: every byte beyond printable ASCII as its number.
fn quote(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for &b in text {
        match b {
            b'"' | b'\\' => out.extend(['\\', char::from(b)]),
            b' '..0x80 => out.push(char::from(b)),
            b => out.push_str(&format!("\\x{b:02x}")),
        }
    }
    out.push('"');
    out
}

/// `time.Parse`: the civil time and its zone, or Go's sentence.
pub(super) fn parse(layout: &[u8], value: &[u8]) -> Result<(Civil, ParsedZone), String> {
    let mut state =
        State { civil: Civil { month: -1, day: -1, ..Civil::default() }, zone: ParsedZone::Unsaid, afternoon: None, year_day: None };
    let head = format!("parsing time {}", quote(value));
    let cannot = |rest: &[u8], element: &[u8]| format!("{head} as {}: cannot parse {} as {}", quote(layout), quote(rest), quote(element));
    let (mut rest, mut text) = (layout, value);
    loop {
        let (literal, field, tail) = next_field(rest);
        text = skip(text, literal).map_err(|left| cannot(left, literal))?;
        let Some((field, element)) = field else {
            if !text.is_empty() {
                return Err(format!("{head}: extra text: {}", quote(text)));
            }
            break;
        };
        let before = text;
        rest = tail;
        text = state.take(field, text, tail).map_err(|f| match f.out_of_range {
            Some(what) => format!("{head}: {what} out of range"),
            None => cannot(before, element),
        })?;
    }
    state.finish().map_err(|what| format!("{head}: {what} out of range"))
}

impl State {
    fn take<'a>(&mut self, field: Field, value: &'a [u8], layout_rest: &[u8]) -> Result<&'a [u8], Failure> {
        let t = &mut self.civil;
        let bounded = |(n, rest): (i64, &'a [u8]), ok: bool, what| if ok { Ok((n, rest)) } else { Err(range(what)) };
        Ok(match field {
            Field::Year => {
                let digits = all_digits(value, &[0, 1]).ok_or(MISMATCH)?;
                t.year = if digits >= 69 { digits + 1900 } else { digits + 2000 };
                &value[2..]
            }
            Field::LongYear => {
                t.year = all_digits(value, &[0, 1, 2, 3]).ok_or(MISMATCH)?;
                &value[4..]
            }
            Field::Month | Field::LongMonth => {
                let (n, rest) = take_name(value, &MONTHS, (field == Field::Month).then_some(3))?;
                t.month = n + 1;
                rest
            }
            Field::NumberMonth | Field::ZeroMonth => {
                let (n, rest) = take_number(value, if field == Field::ZeroMonth { 2 } else { 1 }, 2)?;
                if !(1..=12).contains(&n) {
                    return Err(range("month"));
                }
                t.month = n;
                rest
            }
            Field::Weekday => take_name(value, &DAYS, Some(3))?.1,
            Field::LongWeekday => take_name(value, &DAYS, None)?.1,
            Field::Day | Field::SpaceDay | Field::ZeroDay => {
                let value = if field == Field::SpaceDay { value.strip_prefix(b" ").unwrap_or(value) } else { value };
                let (n, rest) = take_number(value, if field == Field::ZeroDay { 2 } else { 1 }, 2)?;
                t.day = n;
                rest
            }
            Field::SpaceYearDay | Field::ZeroYearDay => {
                let mut value = value;
                if field == Field::SpaceYearDay {
                    for _ in 0..2 {
                        value = value.strip_prefix(b" ").unwrap_or(value);
                    }
                }
                let (n, rest) = take_number(value, if field == Field::ZeroYearDay { 3 } else { 1 }, 3)?;
                self.year_day = Some(n);
                rest
            }
            Field::Hour => {
                let found = take_number(value, 1, 2)?;
                let (n, rest) = bounded(found, found.0 < 24, "hour")?;
                t.hour = n;
                rest
            }
            Field::Hour12 | Field::ZeroHour12 => {
                let found = take_number(value, if field == Field::ZeroHour12 { 2 } else { 1 }, 2)?;
                let (n, rest) = bounded(found, found.0 <= 12, "hour")?;
                t.hour = n;
                rest
            }
            Field::Minute | Field::ZeroMinute => {
                let found = take_number(value, if field == Field::ZeroMinute { 2 } else { 1 }, 2)?;
                let (n, rest) = bounded(found, found.0 < 60, "minute")?;
                t.minute = n;
                rest
            }
            Field::Second | Field::ZeroSecond => {
                let found = take_number(value, if field == Field::ZeroSecond { 2 } else { 1 }, 2)?;
                let (n, mut rest) = bounded(found, found.0 < 60, "second")?;
                t.second = n;
                // A fraction that the layout does not name is read along.
                if matches!(rest, [b'.' | b',', d, ..] if d.is_ascii_digit())
                    && !matches!(field_at(layout_rest), Some((Field::Fraction { .. }, _)))
                {
                    let n = 1 + rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
                    t.nanosecond = take_fraction(rest, n)?;
                    rest = &rest[n..];
                }
                rest
            }
            Field::UpperHalf | Field::LowerHalf => {
                let (am, pm): (&[u8], &[u8]) = if field == Field::UpperHalf { (b"AM", b"PM") } else { (b"am", b"pm") };
                self.afternoon = Some(if value.starts_with(pm) {
                    true
                } else if value.starts_with(am) {
                    false
                } else {
                    return Err(MISMATCH);
                });
                &value[2..]
            }
            Field::Offset { z, colon, parts } => {
                let (zone, rest) = take_offset(value, z, colon, parts)?;
                self.zone = match (zone, &self.zone) {
                    (ParsedZone::Offset(n, _), ParsedZone::Name(name)) => ParsedZone::Offset(n, name.clone()),
                    (zone, _) => zone,
                };
                rest
            }
            Field::Zone => {
                let named = |zone: &ParsedZone, name: &str| match zone {
                    ParsedZone::Offset(n, _) => ParsedZone::Offset(*n, name.to_owned()),
                    _ => ParsedZone::Name(name.to_owned()),
                };
                if let Some(rest) = value.strip_prefix(b"UTC") {
                    self.zone = ParsedZone::Utc;
                    return Ok(rest);
                }
                let len = zone_name_length(value).ok_or(MISMATCH)?;
                self.zone = named(&self.zone, &String::from_utf8_lossy(&value[..len]));
                &value[len..]
            }
            Field::Fraction { digits, nines: false } => {
                if value.len() < 1 + digits {
                    return Err(MISMATCH);
                }
                t.nanosecond = take_fraction(value, 1 + digits)?;
                &value[1 + digits..]
            }
            Field::Fraction { .. } => {
                if !matches!(value, [b'.' | b',', d, ..] if d.is_ascii_digit()) {
                    return Ok(value);
                }
                let n = 1 + value[1..].iter().take(9).take_while(|b| b.is_ascii_digit()).count();
                t.nanosecond = take_fraction(value, n)?;
                &value[n..]
            }
        })
    }

    fn finish(mut self) -> Result<(Civil, ParsedZone), &'static str> {
        let t = &mut self.civil;
        match self.afternoon {
            Some(true) if t.hour < 12 => t.hour += 12,
            Some(false) if t.hour == 12 => t.hour = 0,
            _ => {}
        }
        if let Some(mut day) = self.year_day {
            let total = if days_in(t.year, 2) == 29 { 366 } else { 365 };
            if day < 1 || day > total {
                return Err("day-of-year");
            }
            let mut month = 1;
            while day > days_in(t.year, month) {
                day -= days_in(t.year, month);
                month += 1;
            }
            if (t.month >= 0 && t.month != month) || (t.day >= 0 && t.day != day) {
                return Err(if t.month >= 0 && t.month != month {
                    "day-of-year does not match month"
                } else {
                    "day-of-year does not match day"
                });
            }
            t.month = month;
            t.day = day;
        } else {
            t.month = if t.month < 0 { 1 } else { t.month };
            t.day = if t.day < 0 { 1 } else { t.day };
        }
        if t.day < 1 || t.day > days_in(t.year, t.month) {
            return Err("day");
        }
        Ok((self.civil, self.zone))
    }
}
