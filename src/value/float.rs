//! Floats as Go's strconv writes them.

/// `strconv.FormatFloat(v, verb, precision, 64)`; `None` is the shortest text that reads back.
pub fn format_float(v: f64, verb: char, precision: Option<usize>) -> String {
    if v.is_nan() {
        return "NaN".to_owned();
    }
    if v.is_infinite() {
        return if v > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let sign = if v.is_sign_negative() { "-" } else { "" };
    let a = v.abs();
    // Most numbers of values are such.
    if precision.is_none() && matches!(verb, 'g' | 'G') && a < 1e6 && a.fract() == 0.0 {
        return format!("{sign}{}", a as u32);
    }
    let body = match verb {
        'e' | 'E' => exponent(a, precision, verb),
        'f' | 'F' => precision.map_or_else(|| format!("{a}"), |p| format!("{a:.p$}")),
        'b' => binary(a),
        'x' | 'X' => hex(a, precision, verb),
        _ => general(a, precision, if verb == 'G' { 'E' } else { 'e' }),
    };
    format!("{sign}{body}")
}

/// `%v` of a float.
pub fn float_text(v: f64) -> String {
    format_float(v, 'g', None)
}

/// Significant digits and the decimal exponent of the first.
fn digits(a: f64, precision: Option<usize>) -> (String, i32) {
    let text = precision.map_or_else(|| format!("{a:e}"), |p| format!("{a:.p$e}"));
    let (mantissa, exp) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exp.parse().unwrap_or(0))
}

fn exponent(a: f64, precision: Option<usize>, e: char) -> String {
    let (digits, exp) = digits(a, precision);
    join_exponent(&digits, exp, if e == 'E' { 'E' } else { 'e' })
}

fn join_exponent(digits: &str, exp: i32, e: char) -> String {
    let (first, rest) = digits.split_at(1);
    let dot = if rest.is_empty() { "" } else { "." };
    let sign = if exp < 0 { '-' } else { '+' };
    format!("{first}{dot}{rest}{e}{sign}{:02}", exp.abs())
}

fn general(a: f64, precision: Option<usize>, e: char) -> String {
    let want = precision.map(|p| p.max(1));
    let (text, exp) = digits(a, want.map(|p| p - 1));
    let trimmed = text.trim_end_matches('0');
    let (count, exp) = if trimmed.is_empty() { (0, 0) } else { (trimmed.len() as i32, exp) };
    let point = if count == 0 { 0 } else { exp + 1 };
    let limit = match want {
        None => 6,
        Some(p) if p as i32 > count && count >= point => count,
        Some(p) => p as i32,
    };
    let exp = point - 1;
    if count > 0 && (exp < -4 || exp >= limit) {
        return join_exponent(trimmed, exp, e);
    }
    plain(trimmed, point)
}

/// Digits with the decimal point after `point` of them.
fn plain(digits: &str, point: i32) -> String {
    if digits.is_empty() {
        return "0".to_owned();
    }
    if point <= 0 {
        return format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize));
    }
    let point = point as usize;
    if digits.len() <= point {
        return format!("{digits}{}", "0".repeat(point - digits.len()));
    }
    format!("{}.{}", &digits[..point], &digits[point..])
}

/// Mantissa and exponent of base two, with 53 bits.
fn split(a: f64) -> (u64, i32) {
    let bits = a.to_bits();
    let exp = ((bits >> 52) & 0x7FF) as i32;
    let mantissa = bits & ((1 << 52) - 1);
    if exp == 0 { (mantissa, -1074) } else { (mantissa | 1 << 52, exp - 1075) }
}

fn binary(a: f64) -> String {
    let (mantissa, exp) = split(a);
    format!("{mantissa}p{}{}", if exp < 0 { "-" } else { "+" }, exp.abs())
}

fn hex(a: f64, precision: Option<usize>, verb: char) -> String {
    let (mut mantissa, mut exp) = split(a);
    if mantissa == 0 {
        exp = 0;
    } else {
        exp += 52;
        while mantissa & (1 << 52) == 0 {
            mantissa <<= 1;
            exp -= 1;
        }
    }
    // The leading one at bit 60, thirteen hex digits and two spare below.
    let mut m = mantissa << 8;
    if let Some(p) = precision.filter(|p| *p < 15) {
        let shift = (p * 4) as u32;
        let extra = (m << shift) & ((1 << 60) - 1);
        m >>= 60 - shift;
        if extra | (m & 1) > 1 << 59 {
            m += 1;
        }
        m <<= 60 - shift;
        if m & (1 << 61) != 0 {
            m >>= 1;
            exp += 1;
        }
    }
    let lead = (m >> 60) & 1;
    let mut rest = format!("{:015x}", m & ((1 << 60) - 1));
    match precision {
        None => rest.truncate(rest.trim_end_matches('0').len()),
        Some(p) if p <= 15 => rest.truncate(p),
        Some(p) => rest.push_str(&"0".repeat(p - 15)),
    }
    let dot = if rest.is_empty() { "" } else { "." };
    let text = format!("0x{lead}{dot}{rest}p{}{:02}", if exp < 0 { "-" } else { "+" }, exp.abs());
    if verb == 'X' { text.to_uppercase() } else { text }
}
