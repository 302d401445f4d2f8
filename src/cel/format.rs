//! `'…'.format([…])`. upstream: cel-go ext/formatting.go

use super::time::duration_seconds;
use super::types::Type;
use super::value::Val;
use crate::value::format_float;

/// Digits after the point where a verb names none.
const PRECISION: usize = 6;

/// Formats arguments; the error is upstream's sentence.
pub(super) fn format(text: &str, args: &[Val<'_>]) -> Result<String, String> {
    let mut out = String::new();
    let mut used = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        let mut precision = None;
        if chars.peek() == Some(&'.') {
            chars.next();
            let mut digits = String::new();
            while let Some(d) = chars.peek().filter(|c| c.is_ascii_digit()) {
                digits.push(*d);
                chars.next();
            }
            precision = Some(digits.parse::<usize>().map_err(|_| "unable to find end of precision specifier".to_owned())?.min(100));
        }
        let Some(verb) = chars.next() else { return Err("unexpected end of string".to_owned()) };
        let Some(arg) = args.get(used) else { return Err(format!("index {used} out of range")) };
        used += 1;
        out.push_str(&one(verb, precision, arg).map_err(|e| format!("error during formatting: {e}"))?);
    }
    Ok(out)
}

fn one(verb: char, precision: Option<usize>, arg: &Val<'_>) -> Result<String, String> {
    let kind = arg.type_name();
    match verb {
        's' => string(arg),
        'd' => match arg {
            Val::Int(i) => Ok(i.to_string()),
            Val::Uint(u) => Ok(u.to_string()),
            _ => Err(format!("decimal clause can only be used on integers, was given {kind}")),
        },
        'f' => match arg {
            Val::Double(d) => Ok(fixed(*d, 'f', precision)),
            _ => Err(format!("fixed-point clause can only be used on doubles, was given {kind}")),
        },
        'e' => match arg {
            Val::Double(d) => Ok(fixed(*d, 'e', precision)),
            _ => Err(format!("scientific clause can only be used on doubles, was given {kind}")),
        },
        'b' => match arg {
            Val::Int(i) => Ok(if *i < 0 { format!("-{:b}", i.unsigned_abs()) } else { format!("{i:b}") }),
            Val::Uint(u) => Ok(format!("{u:b}")),
            Val::Bool(b) => Ok(u8::from(*b).to_string()),
            _ => Err(format!("only integers and bools can be formatted as binary, was given {kind}")),
        },
        'x' | 'X' => {
            let text = match arg {
                Val::Int(i) => {
                    if *i < 0 {
                        format!("-{:x}", i.unsigned_abs())
                    } else {
                        format!("{i:x}")
                    }
                }
                Val::Uint(u) => format!("{u:x}"),
                Val::Str(s) => s.bytes().map(|b| format!("{b:02x}")).collect(),
                Val::Bytes(b) => b.iter().map(|b| format!("{b:02x}")).collect(),
                _ => return Err(format!("only integers, byte buffers, and strings can be formatted as hex, was given {kind}")),
            };
            Ok(if verb == 'X' { text.to_uppercase() } else { text })
        }
        'o' => match arg {
            Val::Int(i) => Ok(if *i < 0 { format!("-{:o}", i.unsigned_abs()) } else { format!("{i:o}") }),
            Val::Uint(u) => Ok(format!("{u:o}")),
            _ => Err(format!("octal clause can only be used on integers, was given {kind}")),
        },
        other => Err(format!("unrecognized formatting clause \"{other}\"")),
    }
}

/// What a verb says against a type that is known before evaluation.
pub(super) fn unfit(verb: char, t: &Type) -> Option<String> {
    let name = t.runtime_name();
    let fits = match verb {
        _ if matches!(t, Type::Dyn | Type::Param(_)) => true,
        'd' | 'o' => matches!(t, Type::Int | Type::Uint),
        'f' | 'e' => matches!(t, Type::Double | Type::Str),
        'b' => matches!(t, Type::Int | Type::Uint | Type::Bool),
        'x' | 'X' => matches!(t, Type::Int | Type::Uint | Type::Str | Type::Bytes),
        _ => !matches!(t, Type::Opaque(..) | Type::Object(_)),
    };
    if fits {
        return None;
    }
    Some(match verb {
        'd' => format!("decimal clause can only be used on integers, was given {name}"),
        'o' => format!("octal clause can only be used on integers, was given {name}"),
        'f' => format!("fixed-point clause can only be used on doubles, was given {name}"),
        'e' => format!("scientific clause can only be used on doubles, was given {name}"),
        'b' => format!("only integers and bools can be formatted as binary, was given {name}"),
        'x' | 'X' => format!("only integers, byte buffers, and strings can be formatted as hex, was given {name}"),
        _ => format!(
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given {name}"
        ),
    })
}

fn fixed(d: f64, verb: char, precision: Option<usize>) -> String {
    if d.is_nan() {
        return "NaN".to_owned();
    }
    if d.is_infinite() {
        return if d > 0.0 { "∞" } else { "-∞" }.to_owned();
    }
    let text = format_float(d, verb, Some(precision.unwrap_or(PRECISION)));
    if verb == 'e' {
        // The English locale writes powers of ten.
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{mantissa}\u{2009}×\u{2009}10{}", superscript(exponent));
    }
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), String::new()), |(w, r)| (w, format!(".{r}")));
    format!("{}{rest}", grouped(whole))
}

fn superscript(exponent: &str) -> String {
    exponent
        .trim_start_matches('+')
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '0' => '⁰',
            d => char::from_u32(0x2070 + d as u32 - '0' as u32).unwrap_or(d),
        })
        .collect()
}

/// Digits in groups of three.
fn grouped(whole: &str) -> String {
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |d| ("-", d));
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    format!("{sign}{out}")
}

pub(super) fn string(arg: &Val<'_>) -> Result<String, String> {
    Ok(match arg {
        Val::Null => "null".to_owned(),
        Val::Bool(b) => b.to_string(),
        Val::Int(i) => i.to_string(),
        Val::Uint(u) => u.to_string(),
        Val::Double(d) => format_float(*d, 'g', None),
        Val::Str(s) => (**s).to_owned(),
        Val::Bytes(b) => String::from_utf8_lossy(b).into_owned(),
        Val::Timestamp(t) => t.to_string(),
        Val::Duration(d) => duration_seconds(*d),
        Val::Type(name) => name.to_string(),
        Val::List(_) | Val::Map(_) => nested(arg)?,
        _ => {
            return Err(format!(
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given {}",
                arg.type_name()
            ));
        }
    })
}

fn nested(arg: &Val<'_>) -> Result<String, String> {
    let quoted = |s: &str| crate::value::quote(s.as_bytes());
    Ok(match arg {
        Val::Str(s) => quoted(s),
        Val::Bytes(b) => format!("b{}", quoted(&String::from_utf8_lossy(b))),
        Val::Timestamp(t) => format!("timestamp({})", quoted(&t.to_string())),
        Val::Duration(d) => format!("duration({})", quoted(&duration_seconds(*d))),
        Val::Double(d) if d.is_finite() => format_float(*d, 'f', Some(PRECISION)),
        Val::Double(d) => quoted(&format_float(*d, 'f', None)),
        Val::List(list) => {
            let items = list.items().map_err(|e| e.text().to_owned())?;
            let shown: Result<Vec<String>, String> = items.iter().map(nested).collect();
            format!("[{}]", shown?.join(", "))
        }
        Val::Map(map) => {
            let mut pairs = Vec::new();
            for key in map.keys() {
                if let Some(value) = map.find(&key).map_err(|e| e.text().to_owned())? {
                    pairs.push(format!("{}:{}", nested(&key)?, nested(&value)?));
                }
            }
            pairs.sort();
            format!("{{{}}}", pairs.join(", "))
        }
        Val::Opaque(_) | Val::Optional(_) | Val::Object(..) | Val::Preserved(_) => {
            return Err(format!("no formatting function for {}", arg.type_name()));
        }
        other => string(other)?,
    })
}
