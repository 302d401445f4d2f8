//! The functions: operators, conversions, strings, lists, times and Kubernetes' libraries. A call is decided by the
//! function's name and the values at hand. upstream: cel-go common/stdlib, ext/; apiserver pkg/cel/library

use std::cmp::Ordering;

use super::eval::{Eval, holds, insert, items, opaque};
use super::format;
use super::library::{FORMATS, Opaque, contains_ip, ip_is, masked, parse_cidr, parse_ip, parse_semver, parse_semver_loose};
use super::strings;
use super::time::{Stamp, duration_seconds, parse_duration};
use super::url;
use super::value::{Fail, Out, Val};
use crate::value::quantity;

fn fail<'a>(message: impl Into<String>) -> Out<'a> {
    Err(Fail::new(message))
}

/// The error of a function that has no overload for these values.
fn no_overload<'a>(function: &str, args: &[Val<'a>]) -> Out<'a> {
    let types: Vec<&str> = args.iter().map(Val::type_name).collect();
    fail(format!("no such overload: {function}({})", types.join(", ")))
}

fn overflow<'a>(unsigned: bool) -> Out<'a> {
    fail(if unsigned { "unsigned integer overflow" } else { "integer overflow" })
}

fn order_int<'a>(order: Ordering) -> Val<'a> {
    Val::Int(order as i64)
}

/// Calls a function.
pub(super) fn call<'a>(eval: &mut Eval<'_, 'a>, function: &str, overload: &str, args: &[Val<'a>]) -> Out<'a> {
    match (function, args) {
        ("_==_", [a, b]) => Ok(Val::Bool(a.equal(b)?)),
        ("_!=_", [a, b]) => Ok(Val::Bool(!a.equal(b)?)),
        ("!_", [Val::Bool(b)]) => Ok(Val::Bool(!b)),
        ("-_", [Val::Int(i)]) => i.checked_neg().map_or_else(|| overflow(false), |v| Ok(Val::Int(v))),
        ("-_", [Val::Double(d)]) => Ok(Val::Double(-d)),
        ("_<_" | "_<=_" | "_>_" | "_>=_", [a, b]) => {
            let order = match a.compare(b) {
                Ok(order) => order,
                Err(e) if e.text() == "no such overload" && !comparable(a) => return no_operator(function, a),
                Err(e) => return Err(e),
            };
            Ok(Val::Bool(match function {
                "_<_" => order.is_lt(),
                "_<=_" => order.is_le(),
                "_>_" => order.is_gt(),
                _ => order.is_ge(),
            }))
        }
        ("_+_" | "_-_" | "_*_" | "_/_" | "_%_", [a, b]) => arithmetic(function, a, b),
        ("@in", [item, container]) => match container {
            Val::List(list) => Ok(Val::Bool(holds(list, item)?)),
            Val::Map(map) => Ok(Val::Bool(map.find(item)?.is_some())),
            _ => no_operator(function, container),
        },
        ("size", [value]) => match value {
            Val::Opaque(_) => no_overload(function, args),
            other => other.size().map_or_else(|| no_overload(function, args), |n| Ok(Val::Int(n as i64))),
        },
        ("type", [value]) => Ok(Val::Type(value.type_name().into())),
        ("dyn", [value]) => Ok(value.clone()),
        ("bool" | "bytes" | "double" | "duration" | "int" | "string" | "timestamp" | "uint", [value]) => convert(function, value),
        ("cel.@mapInsert", [Val::Map(map), key, value]) => Ok(Val::Map(insert(map, key.clone(), value.clone())?)),
        ("cel.@mapInsert", [Val::Map(map), Val::Map(more)]) => {
            let mut map = map.clone();
            for key in more.keys() {
                if let Some(value) = more.find(&key)? {
                    map = insert(&map, key, value)?;
                }
            }
            Ok(Val::Map(map))
        }
        ("optional.none", []) => Ok(Val::Optional(None)),
        ("optional.of", [value]) => Ok(Val::some(value.clone())),
        ("optional.ofNonZeroValue", [value]) => Ok(if is_zero(value) { Val::Optional(None) } else { Val::some(value.clone()) }),
        ("value", [Val::Optional(inner)]) => match inner {
            Some(value) => Ok((**value).clone()),
            None => fail("optional.none() dereference"),
        },
        ("hasValue", [Val::Optional(inner)]) => Ok(Val::Bool(inner.is_some())),
        ("optional.unwrap" | "unwrapOpt", [list]) => {
            let present = items(list)?.into_iter().filter_map(|v| match v {
                Val::Optional(inner) => inner.map(|v| (*v).clone()),
                other => Some(other),
            });
            Ok(Val::list(present.collect()))
        }
        ("matches", [Val::Str(text), Val::Str(pattern)]) => match eval.regex(pattern) {
            Ok(regex) => Ok(Val::Bool(regex.is_match(text))),
            Err(e) => fail(e),
        },
        ("find", [Val::Str(text), Val::Str(pattern)]) => match eval.regex(pattern) {
            Ok(regex) => Ok(Val::text(regex.find(text).map_or("", |m| m.as_str()))),
            Err(e) => fail(format!("Illegal regex: {e}")),
        },
        ("findAll", [Val::Str(text), Val::Str(pattern), rest @ ..]) => match eval.regex(pattern) {
            Ok(regex) => {
                let limit = match rest.first() {
                    Some(Val::Int(n)) if *n >= 0 => *n as usize,
                    _ => usize::MAX,
                };
                Ok(Val::list(regex.find_iter(text).take(limit).map(|m| Val::text(m.as_str())).collect()))
            }
            Err(e) => fail(format!("Illegal regex: {e}")),
        },
        ("format", [Val::Str(text), list @ Val::List(_)]) => match format::format(text, &items(list)?) {
            Ok(text) => Ok(Val::text(text)),
            Err(e) => fail(e),
        },
        (_, [Val::Str(_), ..]) if strings::is_string_function(function) => strings::call(function, args),
        ("join", [list @ Val::List(_), rest @ ..]) => strings::join(&items(list)?, rest),
        (_, [Val::List(_), ..]) => lists(function, args),
        ("lists.range", [Val::Int(n)]) => Ok(Val::list((0..(*n).clamp(0, 10_000_000)).map(Val::Int).collect())),
        (_, [Val::Timestamp(at), rest @ ..]) => stamp_part(function, *at, rest, args),
        (_, [Val::Duration(nanos)]) => match function {
            "getHours" => Ok(Val::Int(nanos / 3_600_000_000_000)),
            "getMinutes" => Ok(Val::Int(nanos / 60_000_000_000)),
            "getSeconds" => Ok(Val::Int(nanos / 1_000_000_000)),
            "getMilliseconds" if overload.is_empty() || overload == "duration_to_milliseconds" => Ok(Val::Int(nanos / 1_000_000)),
            _ => no_overload(function, args),
        },
        _ => kubernetes(eval, function, args),
    }
}

fn comparable(value: &Val<'_>) -> bool {
    matches!(
        value,
        Val::Bool(_) | Val::Int(_) | Val::Uint(_) | Val::Double(_) | Val::Str(_) | Val::Bytes(_) | Val::Timestamp(_) | Val::Duration(_)
    )
}

fn no_operator<'a>(function: &str, _value: &Val<'a>) -> Out<'a> {
    fail(format!("no such overload: {function}"))
}

fn is_zero(value: &Val<'_>) -> bool {
    match value {
        Val::Null => true,
        Val::Bool(b) => !b,
        Val::Int(i) => *i == 0,
        Val::Uint(u) => *u == 0,
        Val::Double(d) => *d == 0.0,
        Val::Str(s) => s.is_empty(),
        Val::Bytes(b) => b.is_empty(),
        Val::List(l) => l.is_empty(),
        Val::Map(m) => m.is_empty(),
        Val::Duration(d) => *d == 0,
        Val::Optional(inner) => inner.is_none(),
        Val::Object(_, fields) => fields.is_empty(),
        _ => false,
    }
}

fn arithmetic<'a>(function: &str, a: &Val<'a>, b: &Val<'a>) -> Out<'a> {
    let int = |v: Option<i64>| v.map_or_else(|| overflow(false), |v| Ok(Val::Int(v)));
    let uint = |v: Option<u64>| v.map_or_else(|| overflow(true), |v| Ok(Val::Uint(v)));
    let span = |v: Option<i64>| v.map_or_else(|| fail("duration overflow"), |v| Ok(Val::Duration(v)));
    let moment = |v: Option<Stamp>| v.map_or_else(|| fail("timestamp overflow"), |v| Ok(Val::Timestamp(v)));
    match (function, a, b) {
        ("_+_", Val::Int(a), Val::Int(b)) => int(a.checked_add(*b)),
        ("_+_", Val::Uint(a), Val::Uint(b)) => uint(a.checked_add(*b)),
        ("_+_", Val::Double(a), Val::Double(b)) => Ok(Val::Double(a + b)),
        ("_+_", Val::Str(a), Val::Str(b)) => Ok(Val::text(format!("{}{}", &**a, &**b))),
        ("_+_", Val::Bytes(a), Val::Bytes(b)) => Ok(Val::Bytes([&**a, &**b].concat().into())),
        ("_+_", Val::List(a), Val::List(b)) => Ok(Val::List(a.concat(b)?)),
        ("_+_", Val::Duration(a), Val::Duration(b)) => span(a.checked_add(*b)),
        ("_+_", Val::Timestamp(t), Val::Duration(d)) | ("_+_", Val::Duration(d), Val::Timestamp(t)) => moment(t.plus(*d)),
        ("_-_", Val::Int(a), Val::Int(b)) => int(a.checked_sub(*b)),
        ("_-_", Val::Uint(a), Val::Uint(b)) => uint(a.checked_sub(*b)),
        ("_-_", Val::Double(a), Val::Double(b)) => Ok(Val::Double(a - b)),
        ("_-_", Val::Duration(a), Val::Duration(b)) => span(a.checked_sub(*b)),
        ("_-_", Val::Timestamp(t), Val::Duration(d)) => moment(d.checked_neg().and_then(|d| t.plus(d))),
        ("_-_", Val::Timestamp(a), Val::Timestamp(b)) => span(a.minus(*b)),
        ("_*_", Val::Int(a), Val::Int(b)) => int(a.checked_mul(*b)),
        ("_*_", Val::Uint(a), Val::Uint(b)) => uint(a.checked_mul(*b)),
        ("_*_", Val::Double(a), Val::Double(b)) => Ok(Val::Double(a * b)),
        ("_/_", Val::Int(_), Val::Int(0)) | ("_/_", Val::Uint(_), Val::Uint(0)) => fail("division by zero"),
        ("_/_", Val::Int(a), Val::Int(b)) => int(a.checked_div(*b)),
        ("_/_", Val::Uint(a), Val::Uint(b)) => uint(a.checked_div(*b)),
        ("_/_", Val::Double(a), Val::Double(b)) => Ok(Val::Double(a / b)),
        ("_%_", Val::Int(_), Val::Int(0)) | ("_%_", Val::Uint(_), Val::Uint(0)) => fail("modulus by zero"),
        ("_%_", Val::Int(a), Val::Int(b)) => int(a.checked_rem(*b)),
        ("_%_", Val::Uint(a), Val::Uint(b)) => uint(a.checked_rem(*b)),
        _ => {
            // The left side decides whether the operator exists at all.
            let known = match a {
                Val::Int(_) | Val::Uint(_) => true,
                Val::Double(_) => function != "_%_",
                Val::Str(_) | Val::Bytes(_) | Val::List(_) => function == "_+_",
                Val::Duration(_) | Val::Timestamp(_) => matches!(function, "_+_" | "_-_"),
                _ => false,
            };
            if known { fail("no such overload") } else { no_operator(function, a) }
        }
    }
}

/// The name of a type as conversion errors print it.
fn convert<'a>(to: &str, value: &Val<'a>) -> Out<'a> {
    let target = match to {
        "duration" => "google.protobuf.Duration",
        "timestamp" => "google.protobuf.Timestamp",
        other => other,
    };
    let wrong = || fail(format!("type conversion error from '{}' to '{target}'", value.type_name()));
    match (to, value) {
        ("bool", Val::Bool(_))
        | ("bytes", Val::Bytes(_))
        | ("double", Val::Double(_))
        | ("duration", Val::Duration(_))
        | ("int", Val::Int(_))
        | ("string", Val::Str(_))
        | ("timestamp", Val::Timestamp(_))
        | ("uint", Val::Uint(_)) => Ok(value.clone()),
        ("bool", Val::Str(s)) => match &**s {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Val::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Val::Bool(false)),
            _ => wrong(),
        },
        ("bytes", Val::Str(s)) => Ok(Val::Bytes(s.as_bytes().into())),
        ("double", Val::Int(i)) => Ok(Val::Double(*i as f64)),
        ("double", Val::Uint(u)) => Ok(Val::Double(*u as f64)),
        ("double", Val::Str(s)) => go_float(s).map_or_else(wrong, |d| Ok(Val::Double(d))),
        ("duration", Val::Int(i)) => Ok(Val::Duration(*i)),
        ("duration", Val::Str(s)) => parse_duration(s).map_or_else(wrong, |d| Ok(Val::Duration(d))),
        ("int", Val::Uint(u)) => i64::try_from(*u).map_or_else(|_| overflow(false), |i| Ok(Val::Int(i))),
        ("int", Val::Double(d)) => {
            if d.is_finite() && *d > -9.223_372_036_854_776e18 && *d < 9.223_372_036_854_776e18 {
                Ok(Val::Int(*d as i64))
            } else {
                overflow(false)
            }
        }
        ("int", Val::Str(s)) => go_int(s).map_or_else(wrong, |i| Ok(Val::Int(i))),
        ("int", Val::Timestamp(t)) => Ok(Val::Int(t.seconds)),
        ("int", Val::Duration(d)) => Ok(Val::Int(*d)),
        ("string", Val::Bool(b)) => Ok(Val::text(b.to_string())),
        ("string", Val::Int(i)) => Ok(Val::text(i.to_string())),
        ("string", Val::Uint(u)) => Ok(Val::text(u.to_string())),
        ("string", Val::Double(d)) => Ok(Val::text(crate::value::format_float(*d, 'g', None))),
        ("string", Val::Bytes(b)) => match std::str::from_utf8(b) {
            Ok(s) => Ok(Val::text(s)),
            Err(_) => fail("invalid UTF-8 in bytes, cannot convert to string"),
        },
        ("string", Val::Timestamp(t)) => Ok(Val::text(t.to_string())),
        ("string", Val::Duration(d)) => Ok(Val::text(duration_seconds(*d))),
        ("string", Val::Opaque(o)) if matches!(**o, Opaque::Ip(_) | Opaque::Cidr(..)) => Ok(Val::text(o.show())),
        ("timestamp", Val::Int(i)) => Stamp::from_seconds(*i).map_or_else(|| fail("timestamp overflow"), |t| Ok(Val::Timestamp(t))),
        ("timestamp", Val::Str(s)) => Stamp::parse(s).map_or_else(wrong, |t| Ok(Val::Timestamp(t))),
        ("uint", Val::Int(i)) => u64::try_from(*i).map_or_else(|_| overflow(true), |u| Ok(Val::Uint(u))),
        ("uint", Val::Double(d)) => {
            if d.is_finite() && *d >= 0.0 && *d < 1.844_674_407_370_955_2e19 {
                Ok(Val::Uint(*d as u64))
            } else {
                overflow(true)
            }
        }
        ("uint", Val::Str(s)) => match s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse().ok()).flatten() {
            Some(u) => Ok(Val::Uint(u)),
            None => wrong(),
        },
        _ => no_overload(to, std::slice::from_ref(value)),
    }
}

fn go_int(text: &str) -> Option<i64> {
    text.strip_prefix('+').filter(|rest| !rest.starts_with(['+', '-'])).unwrap_or(text).parse().ok()
}

fn go_float(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().trim_start_matches(['+', '-']) {
        "inf" | "infinity" => Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }),
        "nan" => Some(f64::NAN),
        _ => text.parse::<f64>().ok().filter(|d| d.is_finite()),
    }
}

fn stamp_part<'a>(function: &str, at: Stamp, rest: &[Val<'a>], args: &[Val<'a>]) -> Out<'a> {
    let zone = match rest {
        [] => None,
        [Val::Str(zone)] => Some(&**zone),
        _ => return no_overload(function, args),
    };
    let Some(t) = at.civil(zone) else { return fail(format!("unknown time zone {}", zone.unwrap_or(""))) };
    Ok(Val::Int(match function {
        "getFullYear" => i64::from(t.year()),
        "getMonth" => i64::from(t.month()) - 1,
        "getDayOfMonth" => i64::from(t.day()) - 1,
        "getDate" => i64::from(t.day()),
        "getDayOfWeek" => i64::from(t.weekday().to_sunday_zero_offset()),
        "getDayOfYear" => i64::from(t.day_of_year()) - 1,
        "getHours" => i64::from(t.hour()),
        "getMinutes" => i64::from(t.minute()),
        "getSeconds" => i64::from(t.second()),
        "getMilliseconds" => i64::from(at.nanos) / 1_000_000,
        _ => return no_overload(function, args),
    }))
}

fn lists<'a>(function: &str, args: &[Val<'a>]) -> Out<'a> {
    let list = items(&args[0])?;
    match (function, &args[1..]) {
        ("isSorted", []) => {
            for pair in list.windows(2) {
                if pair[0].compare(&pair[1])?.is_gt() {
                    return Ok(Val::Bool(false));
                }
            }
            Ok(Val::Bool(true))
        }
        ("sum", []) => {
            let mut sum: Option<Val<'a>> = None;
            for item in list {
                sum = Some(match sum {
                    None => item,
                    Some(sum) => arithmetic("_+_", &sum, &item)?,
                });
            }
            Ok(sum.unwrap_or(Val::Int(0)))
        }
        ("min" | "max", []) => {
            let mut best: Option<Val<'a>> = None;
            for item in list {
                let better = match &best {
                    None => true,
                    Some(best) => item.compare(best)? == if function == "min" { Ordering::Less } else { Ordering::Greater },
                };
                if better {
                    best = Some(item);
                }
            }
            best.map_or_else(|| fail(format!("{function} called on empty list")), Ok)
        }
        ("indexOf", [item]) => {
            let found = list.iter().position(|v| v.equal(item).unwrap_or(false));
            Ok(Val::Int(found.map_or(-1, |i| i as i64)))
        }
        ("lastIndexOf", [item]) => {
            let found = list.iter().rposition(|v| v.equal(item).unwrap_or(false));
            Ok(Val::Int(found.map_or(-1, |i| i as i64)))
        }
        ("slice", [Val::Int(start), Val::Int(end)]) => {
            if *start < 0 || *end < 0 {
                return fail(format!("cannot slice({start}, {end}), negative indexes not supported"));
            }
            if start > end {
                return fail(format!("cannot slice({start}, {end}), start index must be less than or equal to end index"));
            }
            if (list.len() as i64) < *end {
                return fail(format!("cannot slice({start}, {end}), list is length {}", list.len()));
            }
            Ok(Val::list(list[*start as usize..*end as usize].to_vec()))
        }
        ("flatten", []) => flatten(list, 1).map(Val::list),
        ("flatten", [Val::Int(depth)]) => flatten(list, *depth).map(Val::list),
        ("reverse", []) => Ok(Val::list(list.into_iter().rev().collect())),
        ("distinct", []) => {
            let mut out: Vec<Val<'a>> = Vec::new();
            for item in list {
                if !out.iter().any(|o| o.equal(&item).unwrap_or(false)) {
                    out.push(item);
                }
            }
            Ok(Val::list(out))
        }
        ("first", []) => Ok(list.into_iter().next().map_or(Val::Optional(None), Val::some)),
        ("last", []) => Ok(list.into_iter().next_back().map_or(Val::Optional(None), Val::some)),
        ("sort", []) => sort_by(list.clone(), list),
        ("@sortByAssociatedKeys", [keys]) => sort_by(list, items(keys)?),
        ("sets.contains", [other]) => Ok(Val::Bool(contains_all(&list, &items(other)?))),
        ("sets.intersects", [other]) => {
            let other = items(other)?;
            Ok(Val::Bool(list.iter().any(|a| other.iter().any(|b| a.equal(b).unwrap_or(false)))))
        }
        ("sets.equivalent", [other]) => {
            let other = items(other)?;
            Ok(Val::Bool(contains_all(&list, &other) && contains_all(&other, &list)))
        }
        _ => no_overload(function, args),
    }
}

fn contains_all<'a>(list: &[Val<'a>], part: &[Val<'a>]) -> bool {
    part.iter().all(|b| list.iter().any(|a| a.equal(b).unwrap_or(false)))
}

fn flatten(list: Vec<Val<'_>>, depth: i64) -> Result<Vec<Val<'_>>, Fail> {
    if depth < 0 {
        return Err(Fail::new("level must be non-negative"));
    }
    let mut out = Vec::new();
    for item in list {
        match &item {
            Val::List(inner) if depth > 0 => out.extend(flatten(inner.items()?, depth - 1)?),
            _ => out.push(item),
        }
    }
    Ok(out)
}

fn sort_by<'a>(list: Vec<Val<'a>>, keys: Vec<Val<'a>>) -> Out<'a> {
    if list.len() != keys.len() {
        let (a, b) = (list.len(), keys.len());
        return fail(format!(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {a} and {b} elements respectively"
        ));
    }
    let Some(first) = keys.first() else { return Ok(Val::list(list)) };
    if !comparable(first) {
        return fail("list elements must be comparable");
    }
    if keys.iter().any(|k| k.type_name() != first.type_name()) {
        return fail("list elements must have the same type");
    }
    let mut order: Vec<usize> = (0..list.len()).collect();
    order.sort_by(|a, b| keys[*a].compare(&keys[*b]).unwrap_or(Ordering::Equal));
    Ok(Val::list(order.into_iter().map(|i| list[i].clone()).collect()))
}

fn kubernetes<'a>(eval: &mut Eval<'_, 'a>, function: &str, args: &[Val<'a>]) -> Out<'a> {
    let text = |i: usize| match args.get(i) {
        Some(Val::Str(s)) => Some(&**s),
        _ => None,
    };
    let wrap = |made: Result<Opaque, String>| made.map(opaque).map_err(Fail::new);
    if let (Some(s), true) = (text(0), args.len() <= 2) {
        let loose = matches!(args.get(1), Some(Val::Bool(true)));
        let semver = || if loose { parse_semver_loose(s) } else { parse_semver(s) };
        match function {
            "url" => {
                return wrap(url::parse(s).map(Opaque::Url).map_err(|e| format!("URL parse error during conversion from string: {e}")));
            }
            "isURL" => return Ok(Val::Bool(url::parse(s).is_ok())),
            "ip" => return wrap(parse_ip(s).map(Opaque::Ip)),
            "isIP" => return Ok(Val::Bool(parse_ip(s).is_ok())),
            "ip.isCanonical" => {
                return match parse_ip(s) {
                    Ok(ip) => Ok(Val::Bool(ip.to_string() == s)),
                    Err(e) => fail(e),
                };
            }
            "cidr" => {
                let made = parse_cidr(s).map(|(ip, bits)| Opaque::Cidr(ip, bits));
                return wrap(made.map_err(|e| format!("network address parse error during conversion from string: {e}")));
            }
            "isCIDR" => return Ok(Val::Bool(parse_cidr(s).is_ok())),
            "quantity" => return wrap(quantity::parse(s).map(Opaque::Quantity).map_err(str::to_owned)),
            "isQuantity" => return Ok(Val::Bool(quantity::parse(s).is_ok())),
            "semver" => return wrap(semver().map(Opaque::Semver)),
            "isSemver" => return Ok(Val::Bool(semver().is_ok())),
            "jsonpatch.escapeKey" => return Ok(Val::text(s.replace('~', "~0").replace('/', "~1"))),
            "format.named" => {
                let found = FORMATS.iter().find(|f| **f == s);
                return Ok(found.map_or(Val::Optional(None), |f| Val::some(opaque(Opaque::Format(f)))));
            }
            _ => {}
        }
    }
    if let Some(name) = function.strip_prefix("format.")
        && let Some(found) = FORMATS.iter().find(|f| **f == name)
    {
        return Ok(opaque(Opaque::Format(found)));
    }
    let Some(Val::Opaque(this)) = args.first() else { return no_overload(function, args) };
    let other = match args.get(1) {
        Some(Val::Opaque(o)) => Some(&**o),
        _ => None,
    };
    match (&**this, function) {
        (Opaque::Url(u), "getScheme") => Ok(Val::text(u.scheme.as_str())),
        (Opaque::Url(u), "getHost") => Ok(Val::text(u.host.as_str())),
        (Opaque::Url(u), "getHostname") => Ok(Val::text(u.hostname())),
        (Opaque::Url(u), "getPort") => Ok(Val::text(u.port())),
        (Opaque::Url(u), "getEscapedPath") => Ok(Val::text(u.path.as_str())),
        (Opaque::Url(u), "getQuery") => {
            let list = |values: Vec<String>| Val::list(values.into_iter().map(Val::text).collect());
            Ok(Val::map(u.query_values().into_iter().map(|(k, v)| (Val::text(k), list(v))).collect()))
        }
        (Opaque::Ip(ip), "family") => Ok(Val::Int(if ip.is_ipv4() { 4 } else { 6 })),
        (Opaque::Ip(ip), "isUnspecified" | "isLoopback" | "isLinkLocalMulticast" | "isLinkLocalUnicast" | "isGlobalUnicast") => {
            Ok(Val::Bool(ip_is(*ip, function)))
        }
        (Opaque::Cidr(ip, _), "ip") => Ok(opaque(Opaque::Ip(*ip))),
        (Opaque::Cidr(_, bits), "prefixLength") => Ok(Val::Int(i64::from(*bits))),
        (Opaque::Cidr(ip, bits), "masked") => Ok(opaque(Opaque::Cidr(masked(*ip, *bits), *bits))),
        (Opaque::Cidr(ip, bits), "containsIP") => {
            let inner = match (other, text(1)) {
                (Some(Opaque::Ip(inner)), _) => Ok(*inner),
                (_, Some(s)) => parse_ip(s),
                _ => return no_overload(function, args),
            };
            inner.map(|inner| Val::Bool(contains_ip((*ip, *bits), inner))).map_err(Fail::new)
        }
        (Opaque::Cidr(ip, bits), "containsCIDR") => {
            let inner = match (other, text(1)) {
                (Some(Opaque::Cidr(ip, bits)), _) => Ok((*ip, *bits)),
                (_, Some(s)) => parse_cidr(s).map_err(|e| format!("network address parse error during conversion from string: {e}")),
                _ => return no_overload(function, args),
            };
            let (inner, inner_bits) = inner.map_err(Fail::new)?;
            Ok(Val::Bool(*bits <= inner_bits && contains_ip((*ip, *bits), inner)))
        }
        (Opaque::Quantity(q), "sign") => Ok(order_int(q.sign())),
        (Opaque::Quantity(q), "isInteger") => Ok(Val::Bool(q.is_whole())),
        (Opaque::Quantity(q), "asInteger") => {
            if q.is_whole() {
                Ok(Val::Int(q.value()))
            } else {
                fail("cannot convert value to integer")
            }
        }
        (Opaque::Quantity(q), "asApproximateFloat") => Ok(Val::Double(q.nanos as f64 / 1e9)),
        (Opaque::Quantity(q), "add" | "sub") => {
            let sign = if function == "add" { 1 } else { -1 };
            let nanos = match (other, args.get(1)) {
                (Some(Opaque::Quantity(o)), _) => o.nanos,
                (_, Some(Val::Int(i))) => i128::from(*i) * 1_000_000_000,
                _ => return no_overload(function, args),
            };
            Ok(opaque(Opaque::Quantity(quantity::Quantity { nanos: q.nanos + sign * nanos })))
        }
        (Opaque::Quantity(q), _) => match other {
            Some(Opaque::Quantity(o)) => ordered(function, q.cmp(o), args),
            _ => no_overload(function, args),
        },
        (Opaque::Semver(v), "major") => Ok(Val::Int(v.numbers[0] as i64)),
        (Opaque::Semver(v), "minor") => Ok(Val::Int(v.numbers[1] as i64)),
        (Opaque::Semver(v), "patch") => Ok(Val::Int(v.numbers[2] as i64)),
        (Opaque::Semver(v), _) => match other {
            Some(Opaque::Semver(o)) => ordered(function, v.order(o), args),
            _ => no_overload(function, args),
        },
        (Opaque::Format(name), "validate") => {
            let Some(s) = text(1) else { return no_overload(function, args) };
            let wrong = (eval.host.format)(name, s);
            if wrong.is_empty() {
                return Ok(Val::Optional(None));
            }
            Ok(Val::some(Val::list(wrong.into_iter().map(Val::text).collect())))
        }
        (Opaque::Authorization(_), _) => authorization(function, args),
        _ => no_overload(function, args),
    }
}

fn ordered<'a>(function: &str, order: Ordering, args: &[Val<'a>]) -> Out<'a> {
    match function {
        "isGreaterThan" => Ok(Val::Bool(order.is_gt())),
        "isLessThan" => Ok(Val::Bool(order.is_lt())),
        "compareTo" => Ok(order_int(order)),
        _ => no_overload(function, args),
    }
}

/// Offline there is nobody to ask; the user is taken for a cluster administrator, who may do everything.
fn authorization<'a>(function: &str, args: &[Val<'a>]) -> Out<'a> {
    let made = |name: &'static str| Ok(opaque(Opaque::Authorization(name)));
    match function {
        "serviceAccount" => made("kubernetes.authorization.Authorizer"),
        "path" => made("kubernetes.authorization.PathCheck"),
        "group" => made("kubernetes.authorization.GroupCheck"),
        "resource" | "subresource" | "namespace" | "name" | "fieldSelector" | "labelSelector" => {
            made("kubernetes.authorization.ResourceCheck")
        }
        "check" => made("kubernetes.authorization.Decision"),
        "allowed" => Ok(Val::Bool(true)),
        "errored" => Ok(Val::Bool(false)),
        "reason" | "error" => Ok(Val::text("")),
        _ => no_overload(function, args),
    }
}
