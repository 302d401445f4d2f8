//! Exact decimal numbers, and numbers as English readers see them.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

/// `mantissa × 10^exponent`.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    mantissa: BigInt,
    exponent: i64,
}

/// The largest exponent Go's rationals take.
const MAX_EXPONENT: i64 = 1_000_000;

impl Decimal {
    /// Reads a JSON number or what Go prints for one; `None` when it is none or far too large.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let exponent = exponent.checked_sub(fraction.len() as i64)?;
        if exponent.checked_abs()? > MAX_EXPONENT {
            return None;
        }
        let mantissa = format!("{whole}{fraction}").parse().ok()?;
        Some(Self { mantissa, exponent })
    }

    fn scaled(&self, exponent: i64) -> BigInt {
        &self.mantissa * BigInt::from(10).pow((self.exponent - exponent) as u32)
    }

    /// Both as whole numbers of the same scale.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt) {
        let low = self.exponent.min(other.exponent);
        (self.scaled(low), other.scaled(low))
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let (a, b) = self.aligned(other);
        a.cmp(&b)
    }

    /// Whether it is a whole multiple of another.
    pub(super) fn is_multiple_of(&self, other: &Self) -> bool {
        let (a, b) = self.aligned(other);
        b.sign() != Sign::NoSign && (a % b).sign() == Sign::NoSign
    }

    pub(super) fn is_integer(&self) -> bool {
        self.is_multiple_of(&Self { mantissa: 1.into(), exponent: 0 })
    }

    /// The whole number, when it is one that fits.
    pub(super) fn integer(&self) -> Option<i64> {
        if !self.is_integer() {
            return None;
        }
        let whole =
            if self.exponent >= 0 { self.scaled(0) } else { &self.mantissa / BigInt::from(10).pow(self.exponent.unsigned_abs() as u32) };
        i64::try_from(whole).ok()
    }

    /// The nearest float as English text.
    pub(super) fn english(&self) -> String {
        english_float(format!("{}e{}", self.mantissa, self.exponent).parse().unwrap_or(f64::NAN))
    }
}

/// Go's `%v` of a float for English readers.
///
/// upstream: golang.org/x/text/message `fmtVariableFloat`
fn english_float(f: f64) -> String {
    if f.is_infinite() {
        return if f < 0.0 { "-∞".to_owned() } else { "∞".to_owned() };
    }
    if f == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{f:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { "⁻" } else { "" };
        let raised: String = format!("{:02}", exponent.abs()).chars().map(superscript).collect();
        return format!("{digits}×10{sign}{raised}");
    }
    let plain = format!("{f}");
    match plain.split_once('.') {
        Some((whole, fraction)) => format!("{}.{fraction}", grouped(whole)),
        None => grouped(&plain),
    }
}

fn superscript(digit: char) -> char {
    match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' => '⁰',
        _ => char::from_u32('⁰' as u32 + (digit as u32 - '0' as u32)).unwrap_or(digit),
    }
}

fn grouped(whole: &str) -> String {
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |d| ("-", d));
    let mut out = sign.to_owned();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A whole number as English text.
pub(super) fn english(n: impl ToString) -> String {
    grouped(&n.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_english_readers_expect() {
        for (number, text) in [
            ("0", "0"),
            ("-0", "0"),
            ("1000", "1,000"),
            ("1234.5", "1,234.5"),
            ("999999", "999,999"),
            ("1000000", "1×10⁰⁶"),
            ("-1234567.25", "-1.23456725×10⁰⁶"),
            ("0.0001", "0.0001"),
            ("0.000012345", "1.2345×10⁻⁰⁵"),
            ("1.5e300", "1.5×10³⁰⁰"),
            ("1e400", "∞"),
            ("12345678901234567890", "1.2345678901234567×10¹⁹"),
        ] {
            assert_eq!(Decimal::parse(number).unwrap().english(), text);
        }
    }

    #[test]
    fn decimals_are_exact() {
        let n = |text| Decimal::parse(text).unwrap();
        assert!(n("0.3").is_multiple_of(&n("0.1")));
        assert!(!n("1").is_multiple_of(&n("0.3")));
        assert!(n("1e2").is_integer() && n("100e-2").is_integer() && !n("1.5").is_integer());
        assert_eq!(n("1.0").compare(&n("10e-1")), Ordering::Equal);
        assert_eq!(n("25e-1").integer(), None);
        assert_eq!(n("20e-1").integer(), Some(2));
        assert!(Decimal::parse("1e2000000").is_none());
    }
}
