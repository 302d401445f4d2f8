//! Cron expressions as the CronJob controller reads them, and its arithmetic of missed schedules.
//! upstream: github.com/robfig/cron/v3 (ParseStandard, SpecSchedule.Next), pkg/controller/cronjob/utils.go

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::sprig::Duration;
use crate::value::quote;

/// An instant in nanoseconds since 1970.
pub type Instant = i128;

const SECOND: i128 = 1_000_000_000;
/// Go's zero time, the answer of a schedule that never fires.
pub const NEVER: Instant = -62_135_596_800 * SECOND;
/// What is added to a requeue so that a clock that is a little late does not miss the slot.
const NEXT_SCHEDULE_DELTA: i128 = 100_000_000;
const STAR: u64 = 1 << 63;

/// A schedule.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// Five fields.
    Spec(Box<Spec>),
    /// `@every`, in seconds.
    Every(i64),
}

/// The sets of a five-field expression, one bit a value.
#[derive(Clone, Debug)]
pub struct Spec {
    minute: u64,
    hour: u64,
    day: u64,
    month: u64,
    weekday: u64,
    zone: TimeZone,
}

struct Bounds {
    min: u64,
    max: u64,
    names: &'static [&'static str],
}

const MINUTES: Bounds = Bounds { min: 0, max: 59, names: &[] };
const HOURS: Bounds = Bounds { min: 0, max: 23, names: &[] };
const DAYS: Bounds = Bounds { min: 1, max: 31, names: &[] };
const MONTHS: Bounds =
    Bounds { min: 1, max: 12, names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] };
const WEEKDAYS: Bounds = Bounds { min: 0, max: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

/// Reads an expression; without `TZ=` or `CRON_TZ=` its clock is UTC. The error is the library's sentence.
pub fn parse(expression: &str) -> Result<Schedule, String> {
    if expression.is_empty() {
        return Err("empty spec string".to_owned());
    }
    let mut spec = expression;
    let mut zone = TimeZone::UTC;
    if let Some(rest) = spec.strip_prefix("TZ=").or_else(|| spec.strip_prefix("CRON_TZ=")) {
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        zone = load_location(name).map_err(|e| format!("provided bad location {name}: {e}"))?;
        spec = rest.trim();
    }
    if spec.starts_with('@') {
        return descriptor(spec, zone);
    }
    let fields: Vec<&str> = spec.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else {
        return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    };
    Ok(Schedule::Spec(Box::new(Spec {
        minute: field(minute, &MINUTES)?,
        hour: field(hour, &HOURS)?,
        day: field(day, &DAYS)?,
        month: field(month, &MONTHS)?,
        weekday: field(weekday, &WEEKDAYS)?,
        zone,
    })))
}

/// The clock of a zone's name. upstream: time.LoadLocation
pub fn load_location(name: &str) -> Result<TimeZone, String> {
    match name {
        "" | "UTC" | "Local" => Ok(TimeZone::UTC),
        _ => {
            let found = TimeZone::get(name).map_err(|_| format!("unknown time zone {name}"))?;
            // Go's database is a folder of files, whose names have one spelling.
            if found.iana_name() == Some(name) { Ok(found) } else { Err(format!("unknown time zone {name}")) }
        }
    }
}

fn descriptor(text: &str, zone: TimeZone) -> Result<Schedule, String> {
    let all = |b: &Bounds| bits(b.min, b.max, 1) | STAR;
    let (first_day, every_day) = (1 << DAYS.min, all(&DAYS));
    let spec = |hour, day, month, weekday| Ok(Schedule::Spec(Box::new(Spec { minute: 1, hour, day, month, weekday, zone })));
    match text {
        "@yearly" | "@annually" => spec(1, first_day, 1 << MONTHS.min, all(&WEEKDAYS)),
        "@monthly" => spec(1, first_day, all(&MONTHS), all(&WEEKDAYS)),
        "@weekly" => spec(1, every_day, all(&MONTHS), 1),
        "@daily" | "@midnight" => spec(1, every_day, all(&MONTHS), all(&WEEKDAYS)),
        "@hourly" => spec(all(&HOURS), every_day, all(&MONTHS), all(&WEEKDAYS)),
        _ => match text.strip_prefix("@every ") {
            Some(every) => {
                let duration = Duration::parse(every).map_err(|e| format!("failed to parse duration {text}: {e}"))?;
                Ok(Schedule::Every((duration.0 / SECOND as i64).max(1)))
            }
            None => Err(format!("unrecognized descriptor: {text}")),
        },
    }
}

fn bits(min: u64, max: u64, step: u64) -> u64 {
    (min..=max).step_by(usize::try_from(step).unwrap_or(usize::MAX)).fold(0, |all, i| all | 1 << i)
}

fn field(text: &str, bounds: &Bounds) -> Result<u64, String> {
    text.split(',').filter(|part| !part.is_empty()).try_fold(0, |all, part| Ok(all | range(part, bounds)?))
}

fn range(text: &str, bounds: &Bounds) -> Result<u64, String> {
    let parts: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = parts[0].split('-').collect();
    let mut extra = 0;
    let (start, mut end) = if matches!(ends[0], "*" | "?") {
        extra = STAR;
        (bounds.min, bounds.max)
    } else {
        let start = number_or_name(ends[0], bounds)?;
        match ends.as_slice() {
            [_] => (start, start),
            [_, end] => (start, number_or_name(end, bounds)?),
            _ => return Err(format!("too many hyphens: {text}")),
        }
    };
    let step = match parts.as_slice() {
        [_] => 1,
        [_, step] => {
            let step = number(step)?;
            if ends.len() == 1 {
                end = bounds.max;
            }
            if step > 1 {
                extra = 0;
            }
            step
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
    if start < bounds.min {
        return Err(format!("beginning of range ({start}) below minimum ({}): {text}", bounds.min));
    }
    if end > bounds.max {
        return Err(format!("end of range ({end}) above maximum ({}): {text}", bounds.max));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok(bits(start, end, step) | extra)
}

fn number_or_name(text: &str, bounds: &Bounds) -> Result<u64, String> {
    let lower = text.to_lowercase();
    match bounds.names.iter().position(|n| *n == lower) {
        Some(position) => Ok(position as u64 + bounds.min),
        None => number(text),
    }
}

fn number(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let wrong = |why: &str| Err(format!("failed to parse int from {text}: strconv.Atoi: parsing {}: {why}", quote(text.as_bytes())));
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return wrong("invalid syntax");
    }
    match text.parse::<i64>() {
        Ok(n) if n < 0 => Err(format!("negative number ({n}) not allowed: {text}")),
        Ok(n) => Ok(n as u64),
        Err(_) => wrong("value out of range"),
    }
}

/// A time of day on a zone's clock, as Go's `time.Time` keeps it.
struct Clock<'a> {
    seconds: i64,
    zone: &'a TimeZone,
}

impl Clock<'_> {
    fn offset(&self, seconds: i64) -> i64 {
        Timestamp::from_second(seconds).map_or(0, |t| i64::from(self.zone.to_offset(t).seconds()))
    }

    fn civil(&self) -> jiff::civil::DateTime {
        let local = self.seconds.saturating_add(self.offset(self.seconds));
        Timestamp::from_second(local).map_or(jiff::civil::DateTime::MAX, |t| TimeZone::UTC.to_datetime(t))
    }

    /// upstream: time.Date, whose answer in a gap or overlap of the clock is this one
    fn set_local(&mut self, local: i64) {
        let guess = self.offset(local);
        self.seconds = local - guess;
        let offset = self.offset(self.seconds);
        if offset != guess {
            self.seconds = local - offset;
        }
    }

    fn set_date(&mut self, date: jiff::civil::Date, hour: i8, second_of_hour: i64) {
        let midnight = TimeZone::UTC.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).map_or(i64::MAX, |t| t.as_second());
        self.set_local(midnight.saturating_add(i64::from(hour) * 3600 + second_of_hour));
    }

    fn second_of_day(&self) -> i64 {
        let c = self.civil();
        i64::from(c.hour()) * 3600 + i64::from(c.minute()) * 60 + i64::from(c.second())
    }
}

impl Spec {
    fn day_matches(&self, t: &jiff::civil::DateTime) -> bool {
        let day = self.day >> t.day() & 1 == 1;
        let weekday = self.weekday >> t.weekday().to_sunday_zero_offset() & 1 == 1;
        if (self.day | self.weekday) & STAR != 0 { day && weekday } else { day || weekday }
    }

    fn next(&self, after: Instant) -> Instant {
        let mut t = Clock { seconds: after.div_euclid(SECOND) as i64 + 1, zone: &self.zone };
        let mut added = false;
        let limit = t.civil().year() + 5;
        'wrap: loop {
            if t.civil().year() > limit {
                return NEVER;
            }
            while self.month >> t.civil().month() & 1 == 0 {
                let c = t.civil();
                let day = if added { c.day() } else { 1 };
                let clock = if added { t.second_of_day() } else { 0 };
                added = true;
                let first = c.date().first_of_month();
                let Ok(month) = first.checked_add(jiff::Span::new().months(1)) else { return NEVER };
                let Ok(date) = month.checked_add(jiff::Span::new().days(i64::from(day) - 1)) else { return NEVER };
                t.set_date(date, 0, clock);
                if t.civil().month() == 1 {
                    continue 'wrap;
                }
            }
            while !self.day_matches(&t.civil()) {
                if !added {
                    added = true;
                    t.set_date(t.civil().date(), 0, 0);
                }
                let clock = t.second_of_day();
                let Ok(date) = t.civil().date().tomorrow() else { return NEVER };
                t.set_date(date, 0, clock);
                // A change of the clock can move midnight.
                let hour = i64::from(t.civil().hour());
                if hour != 0 {
                    t.seconds += if hour > 12 { (24 - hour) * 3600 } else { -hour * 3600 };
                }
                if t.civil().day() == 1 {
                    continue 'wrap;
                }
            }
            while self.hour >> t.civil().hour() & 1 == 0 {
                if !added {
                    added = true;
                    let c = t.civil();
                    t.set_date(c.date(), c.hour(), 0);
                }
                t.seconds += 3600;
                if t.civil().hour() == 0 {
                    continue 'wrap;
                }
            }
            while self.minute >> t.civil().minute() & 1 == 0 {
                if !added {
                    added = true;
                    t.seconds -= t.seconds.rem_euclid(60);
                }
                t.seconds += 60;
                if t.civil().minute() == 0 {
                    continue 'wrap;
                }
            }
            while t.civil().second() != 0 {
                added = true;
                t.seconds += 1;
                if t.civil().second() == 0 {
                    continue 'wrap;
                }
            }
            return i128::from(t.seconds) * SECOND;
        }
    }
}

impl Schedule {
    /// The first activation after an instant; [`NEVER`] when there is none within five years.
    pub fn next(&self, after: Instant) -> Instant {
        match self {
            Self::Every(seconds) => after + i128::from(*seconds) * SECOND - after.rem_euclid(SECOND),
            Self::Spec(spec) => spec.next(after),
        }
    }
}

/// How many activations were missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// None.
    None,
    /// Up to a hundred.
    Few,
    /// More.
    Many,
}

/// What the arithmetic needs of a CronJob.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// When it was created.
    pub created: Instant,
    /// `status.lastScheduleTime`.
    pub last: Option<Instant>,
    /// `spec.startingDeadlineSeconds`.
    pub starting_deadline: Option<i64>,
}

/// The earliest time considered, the most recent activation and how many were missed.
type Recent = (Instant, Option<Instant>, Missed);

/// upstream: mostRecentScheduleTime
fn most_recent(times: &Times, now: Instant, schedule: &Schedule, with_deadline: bool) -> Result<Recent, (Instant, &'static str)> {
    let mut earliest = times.last.unwrap_or(times.created);
    if with_deadline && let Some(deadline) = times.starting_deadline {
        earliest = earliest.max(now - i128::from(deadline) * SECOND);
    }
    let first = schedule.next(earliest);
    let second = schedule.next(first);
    if now < first {
        return Ok((earliest, None, Missed::None));
    }
    if now < second {
        return Ok((earliest, Some(first), Missed::None));
    }
    let between = (second - first + SECOND / 2).div_euclid(SECOND);
    if between < 1 {
        return Err((earliest, "time difference between two schedules is less than 1 second"));
    }
    let missed = (now - first) / SECOND / between + 1;
    let mut recent = None;
    let mut t = schedule.next(first + (missed - 2) * between * SECOND);
    while t <= now && t != NEVER {
        recent = Some(t);
        t = schedule.next(t);
    }
    Ok((earliest, recent, if missed > 100 { Missed::Many } else { Missed::Few }))
}

/// The activation a Job is due for now, and how many were missed. upstream: nextScheduleTime
pub fn due(times: &Times, now: Instant, schedule: &Schedule) -> Result<(Option<Instant>, Missed), &'static str> {
    let (_, recent, missed) = most_recent(times, now, schedule, true).map_err(|e| e.1)?;
    Ok((recent.filter(|t| *t <= now), missed))
}

/// Nanoseconds until the controller looks again. upstream: nextScheduleTimeDuration
pub fn requeue_after(times: &Times, now: Instant, schedule: &Schedule) -> i64 {
    let from = match most_recent(times, now, schedule, false) {
        Err(_) => now,
        Ok((_, Some(recent), _)) => recent,
        Ok((earliest, None, Missed::None)) => earliest,
        Ok((_, None, _)) => now,
    };
    let wait = schedule.next(from) + NEXT_SCHEDULE_DELTA - now;
    wait.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// The name of the Job of an activation. upstream: getJobName
pub fn job_name(cron_job: &str, at: Instant) -> String {
    format!("{cron_job}-{}", (at.div_euclid(SECOND)) / 60)
}
