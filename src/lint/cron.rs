//! Cron expressions as Kubernetes reads them. upstream: github.com/robfig/cron/v3 parser.go

/// The days and months of a schedule; minutes and hours always occur.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    days: u64,
    months: u64,
    /// Whether the day of the month decides alone (the day of the week is a star).
    by_day: bool,
}

impl Schedule {
    /// Whether there is any day it fires on.
    pub(super) fn ever(&self) -> bool {
        let longest = |month: u32| match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        !self.by_day || (1..=12).any(|m| self.months >> m & 1 == 1 && (1..=longest(m)).any(|d| self.days >> d & 1 == 1))
    }
}

/// Whether the text starts with a time zone.
pub(super) fn with_zone(text: &str) -> bool {
    text.contains("TZ=")
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Reads a schedule of five fields or a macro.
///
/// # Errors
/// What is wrong with it, in upstream's words.
pub(super) fn parse(text: &str) -> Result<Schedule, String> {
    if text.is_empty() {
        return Err("empty spec string".to_owned());
    }
    if let Some(name) = text.strip_prefix('@') {
        let known = matches!(name, "yearly" | "annually" | "monthly" | "weekly" | "daily" | "midnight" | "hourly");
        let every = name
            .strip_prefix("every ")
            .is_some_and(|d| d.trim().ends_with(['h', 'm', 's']) && d.trim().starts_with(|c: char| c.is_ascii_digit()));
        let all = Schedule { days: u64::MAX, months: u64::MAX, by_day: false };
        return if known || every { Ok(all) } else { Err(format!("unrecognized descriptor: {text}")) };
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != 5 {
        return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    field(fields[0], 0, 59, &[])?;
    field(fields[1], 0, 23, &[])?;
    let days = field(fields[2], 1, 31, &[])?;
    let months = field(fields[3], 1, 12, MONTHS)?;
    field(fields[4], 0, 6, DAYS)?;
    let star = |f: &str| f.starts_with('*') || f == "?";
    Ok(Schedule { days, months, by_day: star(fields[4]) })
}

fn field(text: &str, low: u64, high: u64, names: &[&str]) -> Result<u64, String> {
    let mut bits = 0;
    for part in text.split(',').filter(|p| !p.is_empty()) {
        bits |= range(part, low, high, names)?;
    }
    Ok(bits)
}

fn range(text: &str, low: u64, high: u64, names: &[&str]) -> Result<u64, String> {
    let steps: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = steps[0].split('-').collect();
    let single = ends.len() == 1;
    let (start, mut end) = if matches!(ends[0], "*" | "?") {
        (low, high)
    } else {
        let start = number(ends[0], low, names)?;
        match ends.as_slice() {
            [_] => (start, start),
            [_, end] => (start, number(end, low, names)?),
            _ => return Err(format!("too many hyphens: {text}")),
        }
    };
    let step = match steps.as_slice() {
        [_] => 1,
        [_, step] => {
            if single && !matches!(ends[0], "*" | "?") {
                end = high;
            }
            step.parse().map_err(|_| format!("failed to parse number: {step}"))?
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
    if start < low {
        return Err(format!("beginning of range ({start}) below minimum ({low}): {text}"));
    }
    if end > high {
        return Err(format!("end of range ({end}) above maximum ({high}): {text}"));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok((start..=end).step_by(usize::try_from(step).unwrap_or(usize::MAX)).fold(0, |bits, n| bits | 1 << n))
}

fn number(text: &str, low: u64, names: &[&str]) -> Result<u64, String> {
    if let Some(i) = names.iter().position(|n| n.eq_ignore_ascii_case(text)) {
        return Ok(i as u64 + low);
    }
    text.parse().map_err(|_| format!("failed to parse int from {text}"))
}
