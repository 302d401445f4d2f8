//! What a plain scalar means: YAML 1.1 as go-yaml v2 understands it.

/// The tags' common prefix.
pub(super) const LONG: &[u8] = b"tag:yaml.org,2002:";

/// A resolved scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    /// The text itself, which looks like a point in time.
    Timestamp,
    /// The text itself.
    Str,
}

impl Scalar {
    fn tag(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) => "int",
            Self::Float(_) => "float",
            Self::Timestamp => "timestamp",
            Self::Str => "str",
        }
    }
}

/// Resolves `text` under a long tag (empty for none).
pub(super) fn resolve(tag: &[u8], text: &[u8]) -> Result<Scalar, String> {
    if tag.is_empty() {
        return Ok(plain(text, true));
    }
    let Some(short) = tag.strip_prefix(LONG) else { return Ok(Scalar::Str) };
    match short {
        b"bool" | b"int" | b"float" | b"null" | b"timestamp" => {}
        _ => return Ok(Scalar::Str),
    }
    let found = plain(text, short == b"timestamp");
    match found {
        _ if short == found.tag().as_bytes() => Ok(found),
        Scalar::Int(i) if short == b"float" => Ok(Scalar::Float(i as f64)),
        _ => Err(format!("cannot decode !!{} `{}` as a !!{}", found.tag(), String::from_utf8_lossy(text), String::from_utf8_lossy(short))),
    }
}

fn plain(text: &[u8], timestamps: bool) -> Scalar {
    let Some(first) = text.first() else { return Scalar::Null };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'.' => match text {
            b".nan" | b".NaN" | b".NAN" => Scalar::Float(f64::NAN),
            b".inf" | b".Inf" | b".INF" => Scalar::Float(f64::INFINITY),
            _ => float(text).map_or(Scalar::Str, Scalar::Float),
        },
        b'+' | b'-' | b'0'..=b'9' => match text {
            b"+.inf" | b"+.Inf" | b"+.INF" => Scalar::Float(f64::INFINITY),
            b"-.inf" | b"-.Inf" | b"-.INF" => Scalar::Float(f64::NEG_INFINITY),
            _ if timestamps && is_timestamp(text) => Scalar::Timestamp,
            _ => number(text),
        },
        _ => Scalar::Str,
    }
}

fn word(text: &[u8]) -> Scalar {
    match text {
        b"y" | b"Y" | b"yes" | b"Yes" | b"YES" | b"true" | b"True" | b"TRUE" | b"on" | b"On" | b"ON" => Scalar::Bool(true),
        b"n" | b"N" | b"no" | b"No" | b"NO" | b"false" | b"False" | b"FALSE" | b"off" | b"Off" | b"OFF" => Scalar::Bool(false),
        b"~" | b"null" | b"Null" | b"NULL" => Scalar::Null,
        _ => Scalar::Str,
    }
}

fn number(text: &[u8]) -> Scalar {
    let Ok(text) = std::str::from_utf8(text) else { return Scalar::Str };
    let joined;
    let plain = if text.contains('_') {
        joined = text.replace('_', "");
        joined.as_str()
    } else {
        text
    };
    if let Some(n) = integer(plain) {
        return n;
    }
    if let Some(f) = float(plain.as_bytes()) {
        return Scalar::Float(f);
    }
    if let Some(rest) = plain.strip_prefix("0b")
        && let Ok(i) = i64::from_str_radix(rest, 2)
    {
        return Scalar::Int(i);
    }
    Scalar::Str
}

/// Go's `strconv.ParseInt(s, 0, 64)`, then `ParseUint`.
fn integer(text: &str) -> Option<Scalar> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let signed = digits.len() != text.len();
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(value).map(Scalar::Int);
    }
    match i64::try_from(value) {
        Ok(i) => Some(Scalar::Int(i)),
        Err(_) => (!signed).then_some(Scalar::Uint(value)),
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_digit()).count()
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, when it is finite.
fn float(text: &[u8]) -> Option<f64> {
    let mut rest = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let whole = digits(rest);
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let n = digits(fraction);
        if whole == 0 && n == 0 {
            return None;
        }
        rest = &fraction[n..];
    } else if whole == 0 {
        return None;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
        let n = digits(exponent);
        if n == 0 {
            return None;
        }
        rest = &exponent[n..];
    }
    if !rest.is_empty() {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse::<f64>().ok().filter(|f| f.is_finite())
}

/// Whether Go's `time.Parse` takes it with one of go-yaml's layouts.
pub(super) fn is_timestamp(text: &[u8]) -> bool {
    if digits(text) != 4 || text.get(4) != Some(&b'-') {
        return false;
    }
    timestamp(text).is_some()
}

/// One or two digits.
fn short(text: &mut &[u8]) -> Option<u32> {
    let n = digits(text).min(2);
    if n == 0 {
        return None;
    }
    let value = text[..n].iter().fold(0, |v, b| v * 10 + u32::from(b - b'0'));
    *text = &text[n..];
    Some(value)
}

fn expect(text: &mut &[u8], byte: u8) -> Option<()> {
    *text = text.strip_prefix(&[byte])?;
    Some(())
}

fn timestamp(text: &[u8]) -> Option<()> {
    let year = text[..4].iter().fold(0, |v, b| v * 10 + u32::from(b - b'0'));
    let mut rest = &text[5..];
    let month = short(&mut rest)?;
    expect(&mut rest, b'-')?;
    let day = short(&mut rest)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > last {
        return None;
    }
    let Some((&separator, after)) = rest.split_first() else { return Some(()) };
    rest = after;
    if separator == b' ' {
        // Go skips any number of blanks where the layout has one.
        while let Some(after) = rest.strip_prefix(b" ") {
            rest = after;
        }
    } else if separator != b'T' && separator != b't' {
        return None;
    }
    // The hour's layout "15" takes one or two digits.
    let hour = short(&mut rest)?;
    expect(&mut rest, b':')?;
    let minute = short(&mut rest)?;
    expect(&mut rest, b':')?;
    let second = short(&mut rest)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if let [b'.' | b',', d, ..] = rest
        && d.is_ascii_digit()
    {
        rest = &rest[1..];
        rest = &rest[digits(rest)..];
    }
    if separator == b' ' {
        return rest.is_empty().then_some(());
    }
    match rest {
        b"Z" => Some(()),
        [b'+' | b'-', h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) => {
            let hours = (h1 - b'0') * 10 + (h2 - b'0');
            let minutes = (m1 - b'0') * 10 + (m2 - b'0');
            (hours <= 24 && minutes < 60).then_some(())
        }
        _ => None,
    }
}
