//! Functions of strings; positions count code points. upstream: cel-go ext/strings.go

use super::value::{Fail, Out, Val};

/// Whether the function is one of strings.
pub(super) fn is_string_function(function: &str) -> bool {
    matches!(
        function,
        "charAt"
            | "contains"
            | "endsWith"
            | "startsWith"
            | "indexOf"
            | "lastIndexOf"
            | "lowerAscii"
            | "upperAscii"
            | "replace"
            | "split"
            | "substring"
            | "trim"
            | "strings.quote"
    )
}

fn out_of_range<'a>(i: i64) -> Out<'a> {
    Err(Fail::new(format!("index out of range: {i}")))
}

/// Calls a function of strings.
pub(super) fn call<'a>(function: &str, args: &[Val<'a>]) -> Out<'a> {
    let Some(Val::Str(s)) = args.first() else { return Err(Fail::new("no such overload")) };
    let s: &str = s;
    match (function, &args[1..]) {
        ("contains", [Val::Str(part)]) => Ok(Val::Bool(s.contains(&**part))),
        ("startsWith", [Val::Str(part)]) => Ok(Val::Bool(s.starts_with(&**part))),
        ("endsWith", [Val::Str(part)]) => Ok(Val::Bool(s.ends_with(&**part))),
        ("charAt", [Val::Int(i)]) => {
            let count = s.chars().count();
            match usize::try_from(*i) {
                Ok(at) if at < count => Ok(Val::text(s.chars().skip(at).take(1).collect::<String>())),
                Ok(at) if at == count => Ok(Val::text("")),
                _ => out_of_range(*i),
            }
        }
        ("indexOf", [Val::Str(part)]) => index_of(s, part, 0, false),
        ("indexOf", [Val::Str(part), Val::Int(from)]) => index_of(s, part, *from, false),
        ("lastIndexOf", [Val::Str(part)]) => {
            let count = s.chars().count() as i64;
            if part.is_empty() {
                return Ok(Val::Int(count));
            }
            if s.len() < part.len() {
                return Ok(Val::Int(-1));
            }
            index_of(s, part, count - 1, true)
        }
        ("lastIndexOf", [Val::Str(part), Val::Int(from)]) => index_of(s, part, *from, true),
        ("lowerAscii", []) => Ok(Val::text(s.to_ascii_lowercase())),
        ("upperAscii", []) => Ok(Val::text(s.to_ascii_uppercase())),
        ("replace", [Val::Str(old), Val::Str(new)]) => Ok(Val::text(s.replace(&**old, new))),
        ("replace", [Val::Str(old), Val::Str(new), Val::Int(n)]) => {
            Ok(Val::text(if *n < 0 { s.replace(&**old, new) } else { s.replacen(&**old, new, *n as usize) }))
        }
        ("split", [Val::Str(sep)]) => Ok(split(s, sep, -1)),
        ("split", [Val::Str(sep), Val::Int(n)]) => Ok(split(s, sep, *n)),
        ("substring", [Val::Int(start)]) => substring(s, *start, None),
        ("substring", [Val::Int(start), Val::Int(end)]) => substring(s, *start, Some(*end)),
        ("trim", []) => Ok(Val::text(s.trim())),
        ("strings.quote", []) => Ok(Val::text(quote(s))),
        _ => Err(Fail::new("no such overload")),
    }
}

fn quote(s: &str) -> String {
    let mut out = String::from("\"");
    for c in s.chars() {
        match c {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn index_of<'a>(s: &str, part: &str, from: i64, last: bool) -> Out<'a> {
    if part.is_empty() {
        return Ok(Val::Int(from));
    }
    let Ok(start) = usize::try_from(from) else { return out_of_range(from) };
    let (s, part): (Vec<char>, Vec<char>) = (s.chars().collect(), part.chars().collect());
    if start >= s.len() || part.len() > s.len() {
        return Ok(Val::Int(-1));
    }
    let end = s.len() - part.len();
    let at = |i: &usize| s[*i..*i + part.len()] == part[..];
    let found = if last { (0..=start.min(end)).rev().find(at) } else { (start..=end).find(at) };
    Ok(Val::Int(found.map_or(-1, |i| i as i64)))
}

fn split<'a>(s: &str, sep: &str, n: i64) -> Val<'a> {
    let text = |part: &str| Val::text(part);
    let limit = usize::try_from(n).unwrap_or(usize::MAX);
    if limit == 0 {
        return Val::list(Vec::new());
    }
    if !sep.is_empty() {
        return Val::list(s.splitn(limit, sep).map(text).collect());
    }
    // Without a separator every code point is a part.
    let mut out = Vec::new();
    let mut rest = s;
    while let Some(c) = rest.chars().next() {
        if out.len() + 1 == limit {
            out.push(text(rest));
            break;
        }
        out.push(text(&rest[..c.len_utf8()]));
        rest = &rest[c.len_utf8()..];
    }
    Val::list(out)
}

fn substring<'a>(s: &str, start: i64, end: Option<i64>) -> Out<'a> {
    let chars: Vec<char> = s.chars().collect();
    let length = chars.len() as i64;
    let last = end.unwrap_or(length);
    if end.is_some() && start > last {
        return Err(Fail::new(format!("invalid substring range. start: {start}, end: {last}")));
    }
    if start < 0 || start > length {
        return out_of_range(start);
    }
    if last < 0 || last > length {
        return out_of_range(last);
    }
    Ok(Val::text(chars[start as usize..last as usize].iter().collect::<String>()))
}

/// `list.join(separator)`
pub(super) fn join<'a>(items: &[Val<'a>], rest: &[Val<'a>]) -> Out<'a> {
    let separator = match rest.first() {
        Some(Val::Str(s)) => &**s,
        _ => "",
    };
    let mut out = String::new();
    for (i, item) in items.iter().enumerate() {
        let Val::Str(s) = item else { return Err(Fail::new(format!("join: invalid input: {}", item.shown()))) };
        if i > 0 {
            out.push_str(separator);
        }
        out.push_str(s);
    }
    Ok(Val::text(out))
}
