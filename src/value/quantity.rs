//! Quantities such as `100m` and `1Gi`, exact. upstream: apimachinery/pkg/api/resource

use std::cmp::Ordering;

/// What a text that is no quantity is told.
pub const FORMAT_WRONG: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
/// What a text with an unknown suffix is told.
pub const SUFFIX_WRONG: &str = "unable to parse quantity's suffix";
/// What a text whose number cannot be read is told.
pub const NUMERIC_WRONG: &str = "unable to parse numeric part of quantity";

/// A quantity in billionths, rounded away from zero as the API server rounds; capped at the ends of the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity {
    /// Billionths of one.
    pub nanos: i128,
}

impl Quantity {
    /// The sign of the value.
    pub fn sign(self) -> Ordering {
        self.nanos.cmp(&0)
    }

    /// The value rounded up to a whole number, as Go's `Value`.
    pub fn value(self) -> i64 {
        ceil_div(self.nanos, 1_000_000_000)
    }

    /// The value in thousandths, rounded up, as Go's `MilliValue`.
    pub fn milli_value(self) -> i64 {
        ceil_div(self.nanos, 1_000_000)
    }

    /// Whether the value is a whole number.
    pub fn is_whole(self) -> bool {
        self.nanos % 1_000_000_000 == 0
    }
}

/// How a quantity's suffix is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `k`, `M`, …
    Decimal,
    /// `Ki`, `Mi`, …
    Binary,
    /// `e3`, …
    Exponent,
}

/// The format of a text that is a quantity. upstream: ParseQuantity
pub fn format_of(text: &str) -> Format {
    let suffix = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    match suffix.as_bytes() {
        [.., b'i'] => Format::Binary,
        [b'e' | b'E', _, ..] => Format::Exponent,
        _ => Format::Decimal,
    }
}

/// The canonical text of a quantity. upstream: Quantity.CanonicalizeBytes
pub fn text(quantity: Quantity, format: Format) -> String {
    let nanos = quantity.nanos;
    if nanos == 0 {
        return "0".to_owned();
    }
    let whole = nanos / 1_000_000_000;
    if format == Format::Binary && quantity.is_whole() && whole.abs() >= 1024 {
        let (mut value, mut times) = (whole, 0);
        while value % 1024 == 0 && times < 6 {
            (value, times) = (value / 1024, times + 1);
        }
        return format!("{value}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][times]);
    }
    let (mut value, mut exponent) = (nanos, -9_i32);
    while value % 10 == 0 {
        (value, exponent) = (value / 10, exponent + 1);
    }
    while exponent.rem_euclid(3) != 0 {
        (value, exponent) = (value.saturating_mul(10), exponent - 1);
    }
    if format == Format::Exponent {
        return if exponent == 0 { value.to_string() } else { format!("{value}e{exponent}") };
    }
    let suffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
    let suffix = usize::try_from(exponent / 3 + 3).ok().and_then(|i| suffixes.get(i)).copied().unwrap_or("");
    format!("{value}{suffix}")
}

/// The canonical form of a text; the text itself when it is no quantity, and where Go keeps it as it is. upstream:
/// ParseQuantity
pub fn canonical(given: &str) -> String {
    let Ok(quantity) = parse(given) else { return given.to_owned() };
    let format = format_of(given);
    let unsigned = given.trim_start_matches(['+', '-']);
    let digits = unsigned.len() - unsigned.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let (number, suffix) = unsigned.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let shifted = format!("{whole}{fraction}");
    match (suffix_of(suffix), shifted.parse::<i64>()) {
        (Some(Suffix::Two(bits)), Ok(value)) if fraction.is_empty() => {
            let room = 15 - whole.len() as i64 - i64::from(bits) * 3 / 10 - 1;
            if room >= 0 && value & 7 != 0 {
                return given.to_owned();
            }
        }
        (Some(Suffix::Ten(exponent)), Ok(_)) => {
            let scale = exponent - fraction.len() as i32;
            let kept = scale >= -9 && scale % 3 == 0 && !shifted.ends_with("000") && !shifted.starts_with('0');
            if shifted.len() <= 18 && kept {
                return given.to_owned();
            }
            if quantity.nanos == SATURATED || quantity.nanos == -SATURATED {
                return large(given.starts_with('-'), &shifted, scale, format);
            }
        }
        _ => {}
    }
    text(quantity, format)
}

/// The canonical text of a decimal number too large to be kept.
fn large(negative: bool, digits: &str, scale: i32, format: Format) -> String {
    let trimmed = digits.trim_end_matches('0');
    let mut exponent = scale + (digits.len() - trimmed.len()) as i32;
    let mut mantissa = trimmed.trim_start_matches('0').to_owned();
    while exponent.rem_euclid(3) != 0 {
        mantissa.push('0');
        exponent -= 1;
    }
    let suffix = match (format, exponent) {
        (Format::Exponent, e) => format!("e{e}"),
        (_, 18) => "E".to_owned(),
        _ => String::new(),
    };
    format!("{}{mantissa}{suffix}", if negative { "-" } else { "" })
}

/// What stands for a number that does not fit.
const SATURATED: i128 = i128::MAX;

/// Go keeps the low 64 bits of what does not fit; of the powers of ten that are too large even here these are zero.
fn ceil_div(nanos: i128, unit: i128) -> i64 {
    if nanos == SATURATED || nanos == -SATURATED {
        return 0;
    }
    let (quotient, rest) = (nanos / unit, nanos % unit);
    let rounded = if rest == 0 { quotient } else { quotient + rest.signum() };
    rounded as i64
}

enum Suffix {
    Ten(i32),
    Two(u32),
}

fn suffix_of(text: &str) -> Option<Suffix> {
    Some(match text {
        "" => Suffix::Ten(0),
        "n" => Suffix::Ten(-9),
        "u" => Suffix::Ten(-6),
        "m" => Suffix::Ten(-3),
        "k" => Suffix::Ten(3),
        "M" => Suffix::Ten(6),
        "G" => Suffix::Ten(9),
        "T" => Suffix::Ten(12),
        "P" => Suffix::Ten(15),
        "E" => Suffix::Ten(18),
        "Ki" => Suffix::Two(10),
        "Mi" => Suffix::Two(20),
        "Gi" => Suffix::Two(30),
        "Ti" => Suffix::Two(40),
        "Pi" => Suffix::Two(50),
        "Ei" => Suffix::Two(60),
        _ if text.len() > 1 && text.starts_with(['e', 'E']) => Suffix::Ten(text[1..].parse::<i64>().ok()?.clamp(-10_000, 10_000) as i32),
        _ => return None,
    })
}

/// Reads a quantity; the error is the API server's sentence.
pub fn parse(text: &str) -> Result<Quantity, &'static str> {
    if text.is_empty() {
        return Err(FORMAT_WRONG);
    }
    let (negative, rest) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(rest);
    let (num, mut rest) = rest.split_at(whole);
    let num = num.trim_start_matches('0');
    let mut denom = "";
    if let Some(after) = rest.strip_prefix('.') {
        let n = digits(after);
        (denom, rest) = after.split_at(n);
    }
    let letters = rest.bytes().take_while(|b| b"eEinumkKMGTP".contains(b)).count();
    let mut end = letters;
    if matches!(rest.as_bytes().get(end), Some(b'+' | b'-')) {
        end += 1;
    }
    if end < rest.len() {
        end += rest[end..].bytes().take_while(u8::is_ascii_digit).count();
    }
    if end < rest.len() {
        return Err(FORMAT_WRONG);
    }
    let suffix = suffix_of(rest).ok_or(SUFFIX_WRONG)?;
    if text.trim_start_matches(['+', '-']).starts_with(|c: char| c != '.' && !c.is_ascii_digit()) {
        return Err(NUMERIC_WRONG);
    }
    let limit = i128::from(i64::MAX) * 1_000_000_000;
    let mut nanos: i128 = 0;
    let mut scale = -(denom.len() as i32) + 9;
    let mut lost = false;
    for b in num.bytes().chain(denom.bytes()) {
        match nanos.checked_mul(10).and_then(|n| n.checked_add(i128::from(b - b'0'))) {
            Some(n) if n < i128::MAX / 1_000_000 => nanos = n,
            // Digits beyond what the range can hold only matter as "more".
            _ => (scale, lost) = (scale + 1, lost || b != b'0'),
        }
    }
    match suffix {
        Suffix::Ten(e) => scale += e,
        Suffix::Two(bits) => {
            // 2^60 fits, and the number of digits was bounded above.
            let factor = 1_i128 << bits;
            nanos = nanos.checked_mul(factor).unwrap_or(i128::MAX / 1_000_000_000_000);
        }
    }
    while scale > 0 && nanos != 0 && nanos != SATURATED {
        scale -= 1;
        nanos = nanos.saturating_mul(10);
    }
    while scale < 0 && nanos != 0 {
        scale += 1;
        lost |= nanos % 10 != 0;
        nanos /= 10;
    }
    if lost {
        nanos = nanos.saturating_add(1);
    }
    let nanos = if matches!(suffix, Suffix::Two(_)) { nanos.min(limit) } else { nanos };
    Ok(Quantity { nanos: if negative { -nanos } else { nanos } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities() {
        assert_eq!(parse("100m").expect("valid").milli_value(), 100);
        assert_eq!(parse("1Gi").expect("valid").value(), 1 << 30);
        assert_eq!(parse("1.5").expect("valid").milli_value(), 1500);
        assert_eq!(parse("1e3").expect("valid").value(), 1000);
        assert_eq!(parse("-1").expect("valid").value(), -1);
        assert_eq!(parse("1 Gi"), Err(FORMAT_WRONG));
        assert_eq!(parse("1GB"), Err(FORMAT_WRONG));
        assert_eq!(parse("1Gm"), Err(SUFFIX_WRONG));
        assert_eq!(parse(""), Err(FORMAT_WRONG));
        for (given, want) in [
            ("1.5Gi", "1536Mi"),
            ("0.5", "500m"),
            ("1000", "1k"),
            ("1000m", "1"),
            ("512", "512"),
            ("1e3", "1e3"),
            ("12e4", "120e3"),
            ("1024Ki", "1Mi"),
            ("100Ki", "100Ki"),
            ("0.5Ki", "512"),
            ("-2Gi", "-2Gi"),
            ("0Gi", "0"),
            ("1E", "1E"),
            ("5000u", "5m"),
            ("5.", "5."),
            ("+1", "+1"),
            ("1e100", "10e99"),
            ("9223372036854775808", "9223372036854775808"),
        ] {
            assert_eq!(canonical(given), want, "{given}");
        }
    }
}
