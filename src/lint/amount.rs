//! Quantities, as far as rules compare them: a number and its suffix.

use super::field::Field;

/// A quantity in thousandths of its unit, or `None` when it is not one. upstream: apimachinery/pkg/api/resource
pub(super) fn milli(text: &str) -> Option<i128> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let (negative, number) = match number.as_bytes().first()? {
        b'-' => (true, &number[1..]),
        b'+' => (false, &number[1..]),
        _ => (false, number),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || whole.len() + fraction.len() > 24 {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    // The value is digits * factor / (scale * 10^fraction), wanted in thousandths and rounded up as upstream does.
    let (factor, scale): (i128, i128) = match suffix {
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1000),
        "" => (1, 1),
        "k" => (1000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        _ => exponent(suffix)?,
    };
    let divisor = scale.checked_mul(10i128.checked_pow(fraction.len() as u32)?)?;
    let product = digits.checked_mul(factor)?.checked_mul(1000)?;
    let value = product / divisor + i128::from(product % divisor != 0);
    Some(if negative { -value } else { value })
}

fn exponent(suffix: &str) -> Option<(i128, i128)> {
    let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let size = 10i128.checked_pow(power.unsigned_abs().min(18))?;
    Some(if power < 0 { (1, size) } else { (size, 1) })
}

/// The quantity of a field, written as a string or a number.
pub(super) fn of(field: &Field) -> Option<i128> {
    milli(&field.scalar()?)
}

/// The letters after the number.
pub(super) fn suffix(text: &str) -> &str {
    text.trim().trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))
}

/// A number or percentage of `total`, as rolling updates and disruption budgets write them.
pub(super) fn scaled(field: &Field, total: i64, round_up: bool) -> Option<i64> {
    if let Some(n) = field.value.as_i64() {
        return Some(n);
    }
    let percent: i64 = field.str()?.strip_suffix('%')?.parse().ok()?;
    let product = percent.checked_mul(total)?;
    Some(if round_up { (product + 99).div_euclid(100) } else { product.div_euclid(100) })
}
