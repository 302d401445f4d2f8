//! Strings: trimming, cutting, joining, indenting.

use crate::gotmpl::Env;
use crate::gotmpl::Function;
use crate::value::GoType;
use crate::value::Kind;
use crate::value::List;
use crate::value::Map;
use crate::value::Str;
use crate::value::Value;

use super::args::ANY;
use super::args::BOOL;
use super::args::INT;
use super::args::Reply;
use super::args::STR;
use super::args::STRS;
use super::args::any;
use super::args::as_list;
use super::args::bytes;
use super::args::find;
use super::args::fixed;
use super::args::int;
use super::args::rune_width;
use super::args::runes;
use super::args::string;
use super::args::variadic;
use super::text;

const STR_MAP: GoType = GoType::Map(&GoType::String);

/// The longest text a repetition may make; Go would run out of memory.
const MAX_REPEAT: usize = 1 << 27;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("hello", &[], STR, |_, _| string("Hello!")),
    fixed("trim", &[STR], STR, |_, a| string(trim_space(bytes(a, 0)))),
    fixed("trimall", &[STR, STR], STR, |_, a| string(trim_set(bytes(a, 1), bytes(a, 0)))),
    fixed("trimAll", &[STR, STR], STR, |_, a| string(trim_set(bytes(a, 1), bytes(a, 0)))),
    fixed("trimPrefix", &[STR, STR], STR, |_, a| string(bytes(a, 1).strip_prefix(bytes(a, 0)).unwrap_or(bytes(a, 1)))),
    fixed("trimSuffix", &[STR, STR], STR, |_, a| string(bytes(a, 1).strip_suffix(bytes(a, 0)).unwrap_or(bytes(a, 1)))),
    fixed("contains", &[STR, STR], BOOL, |_, a| Ok(find(bytes(a, 1), bytes(a, 0)).is_some().into())),
    fixed("hasPrefix", &[STR, STR], BOOL, |_, a| Ok(bytes(a, 1).starts_with(bytes(a, 0)).into())),
    fixed("hasSuffix", &[STR, STR], BOOL, |_, a| Ok(bytes(a, 1).ends_with(bytes(a, 0)).into())),
    fixed("repeat", &[INT, STR], STR, |_, a| string(repeat(bytes(a, 1), int(a, 0))?)),
    fixed("replace", &[STR, STR, STR], STR, |_, a| {
        let (s, old, new) = (bytes(a, 2), bytes(a, 0), bytes(a, 1));
        let places = if new.len() > 1 { s.windows(old.len().max(1)).filter(|w| old.is_empty() || *w == old).count() + 1 } else { 0 };
        room(places, new.len())?;
        string(replace(s, old, new))
    }),
    fixed("trunc", &[INT, STR], STR, trunc),
    fixed("substr", &[INT, INT, STR], STR, substr),
    fixed("abbrev", &[INT, STR], STR, |_, a| {
        let (width, s) = (int(a, 0), bytes(a, 1));
        string(if width < 4 { s.to_vec() } else { abbreviate(s, 0, width) })
    }),
    fixed("abbrevboth", &[INT, INT, STR], STR, |_, a| {
        let (left, right, s) = (int(a, 0), int(a, 1), bytes(a, 2));
        string(if right < 4 || left > 0 && right < 7 { s.to_vec() } else { abbreviate(s, left, right) })
    }),
    fixed("wrap", &[INT, STR], STR, |_, a| string(wrap(bytes(a, 1), int(a, 0), b"", Long::Keep))),
    fixed("wrapWith", &[INT, STR, STR], STR, |_, a| {
        room(bytes(a, 2).len(), bytes(a, 1).len())?;
        string(wrap(bytes(a, 2), int(a, 0), bytes(a, 1), Long::Break))
    }),
    fixed("indent", &[INT, STR], STR, |_, a| string(indent(int(a, 0), bytes(a, 1))?)),
    fixed("nindent", &[INT, STR], STR, |_, a| {
        let mut out = vec![b'\n'];
        out.extend(indent(int(a, 0), bytes(a, 1))?);
        string(out)
    }),
    fixed("plural", &[STR, STR, INT], STR, |_, a| string(bytes(a, usize::from(int(a, 2) != 1)))),
    variadic("quote", &[ANY], STR, |_, a| {
        let parts: Vec<String> = a.iter().filter(|v| !v.is_nil()).map(|v| text::quote(&text::strval(v))).collect();
        string(parts.join(" "))
    }),
    variadic("squote", &[ANY], STR, |_, a| {
        let parts: Vec<Vec<u8>> = a.iter().filter(|v| !v.is_nil()).map(|v| [b"'".as_slice(), &text::print(v), b"'"].concat()).collect();
        string(parts.join(&b' '))
    }),
    variadic("cat", &[ANY], STR, |_, a| {
        let parts: Vec<Vec<u8>> = a.iter().filter(|v| !v.is_nil()).map(text::print).collect();
        string(parts.join(&b' '))
    }),
    fixed("toString", &[ANY], STR, |_, a| string(text::strval(any(a, 0)))),
    fixed("toStrings", &[ANY], STRS, |_, a| {
        Ok(if is_nil_strings(any(a, 0)) { any(a, 0).clone() } else { List::strings(strings_of(any(a, 0))).into() })
    }),
    fixed("join", &[STR, ANY], STR, |_, a| {
        let parts = strings_of(any(a, 1));
        room(parts.len(), bytes(a, 0).len())?;
        string(parts.join(bytes(a, 0)))
    }),
    fixed("sortAlpha", &[ANY], STRS, |e, a| {
        if is_nil_strings(any(a, 0)) {
            return Ok(any(a, 0).clone());
        }
        let mut items = if as_list(any(a, 0)).is_some() { strings_of(any(a, 0)) } else { vec![text::strval(any(a, 0))] };
        e.spend(items.len())?;
        items.sort();
        Ok(List::strings(items).into())
    }),
    fixed("split", &[STR, STR], STR_MAP, |e, a| numbered(e, split(bytes(a, 1), bytes(a, 0), -1))),
    fixed("splitn", &[STR, INT, STR], STR_MAP, |e, a| numbered(e, split(bytes(a, 2), bytes(a, 0), int(a, 1)))),
    fixed("splitList", &[STR, STR], STRS, |_, a| Ok(List::strings(split(bytes(a, 1), bytes(a, 0), -1)).into())),
];

/// Refuses what could grow beyond all measure: so many pieces of such a length.
pub(super) fn room(count: usize, len: usize) -> Result<(), String> {
    if len > 1 && count.saturating_mul(len) > MAX_REPEAT { Err("the text is too large".to_owned()) } else { Ok(()) }
}

/// Whether it is the nil `[]string`, which is handed back as it is.
fn is_nil_strings(value: &Value) -> bool {
    value.as_list().is_some_and(|l| l.is_nil() && l.elem() == GoType::String)
}

fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// `strings.TrimSpace`.
pub(super) fn trim_space(s: &[u8]) -> &[u8] {
    trim_by(s, is_space)
}

fn trim_set<'a>(s: &'a [u8], set: &[u8]) -> &'a [u8] {
    let set: Vec<char> = runes(set).collect();
    trim_by(s, |c| set.contains(&c))
}

fn trim_by(mut s: &[u8], drop: impl Fn(char) -> bool) -> &[u8] {
    while let Some(c) = runes(s).next() {
        if !drop(c) {
            break;
        }
        s = &s[rune_width(s).max(1)..];
    }
    while !s.is_empty() {
        let start = last_rune(s);
        let Some(c) = runes(&s[start..]).next() else { break };
        if !drop(c) {
            break;
        }
        s = &s[..start];
    }
    s
}

/// Where the last rune of a non-empty Go string starts.
fn last_rune(s: &[u8]) -> usize {
    let end = s.len();
    (1..=4.min(end)).map(|n| end - n).find(|&i| std::str::from_utf8(&s[i..]).is_ok_and(|t| t.chars().count() == 1)).unwrap_or(end - 1)
}

/// `strings.Repeat`.
pub(super) fn repeat(s: &[u8], count: i64) -> Result<Vec<u8>, String> {
    let count = usize::try_from(count).map_err(|_| "strings: negative Repeat count".to_owned())?;
    match s.len().checked_mul(count) {
        Some(n) if n <= MAX_REPEAT => Ok(s.repeat(count)),
        _ => Err("strings: Repeat output length overflow".to_owned()),
    }
}

/// `strings.ReplaceAll`.
pub(super) fn replace(s: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(s.len());
    if old.is_empty() {
        let mut rest = s;
        out.extend_from_slice(new);
        while !rest.is_empty() {
            let width = rune_width(rest).max(1);
            out.extend_from_slice(&rest[..width]);
            out.extend_from_slice(new);
            rest = &rest[width..];
        }
        return out;
    }
    let mut rest = s;
    while let Some(i) = find(rest, old) {
        out.extend_from_slice(&rest[..i]);
        out.extend_from_slice(new);
        rest = &rest[i + old.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// `strings.SplitN`.
pub(super) fn split(s: &[u8], separator: &[u8], n: i64) -> Vec<Vec<u8>> {
    if n == 0 {
        return Vec::new();
    }
    let limit = usize::try_from(n).unwrap_or(usize::MAX);
    let mut out = Vec::new();
    let mut rest = s;
    if separator.is_empty() {
        while !rest.is_empty() {
            let width = if out.len() + 1 == limit { rest.len() } else { rune_width(rest).max(1) };
            out.push(rest[..width].to_vec());
            rest = &rest[width..];
        }
        return out;
    }
    while out.len() + 1 < limit {
        let Some(i) = find(rest, separator) else { break };
        out.push(rest[..i].to_vec());
        rest = &rest[i + separator.len()..];
    }
    out.push(rest.to_vec());
    out
}

fn numbered(env: &mut Env<'_>, parts: Vec<Vec<u8>>) -> Reply {
    env.spend(parts.len())?;
    let entries = parts.into_iter().enumerate().map(|(i, p)| (Str::from(format!("_{i}")), Value::from(Str::from(p))));
    Ok(Map::typed(GoType::String, None, entries.collect()).into())
}

fn trunc(_: &mut Env<'_>, a: &[Value]) -> Reply {
    let (count, s) = (int(a, 0), bytes(a, 1));
    let len = s.len() as i64;
    string(match count {
        c if c < 0 && len.saturating_add(c) > 0 => &s[(len + c) as usize..],
        c if c >= 0 && len > c => &s[..c as usize],
        _ => s,
    })
}

fn substr(_: &mut Env<'_>, a: &[Value]) -> Reply {
    let (start, end, s) = (int(a, 0), int(a, 1), bytes(a, 2));
    let len = s.len() as i64;
    let bounds = |what: String| format!("runtime error: slice bounds out of range [{what}]");
    if start < 0 {
        return match usize::try_from(end) {
            Ok(e) if e <= s.len() => string(&s[..e]),
            Ok(e) => Err(format!("{} with length {len}", bounds(format!(":{e}")))),
            Err(_) => Err(bounds(format!(":{end}"))),
        };
    }
    if end < 0 || end > len {
        if start > len {
            return Err(bounds(format!("{start}:{len}")));
        }
        return string(&s[start as usize..]);
    }
    if start > end {
        return Err(bounds(format!("{start}:{end}")));
    }
    string(&s[start as usize..end as usize])
}

/// Shortens a text to `width` bytes with an ellipsis at the end and, from `offset` 5 on, at the start.
fn abbreviate(s: &[u8], offset: i64, width: i64) -> Vec<u8> {
    let len = s.len() as i64;
    if s.is_empty() || width < 4 {
        return Vec::new();
    }
    if len <= width {
        return s.to_vec();
    }
    let room = width - 3;
    let offset = offset.min(len).min(len - room);
    if offset <= 4 {
        return [&s[..room as usize], b"..."].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    if offset + room < len {
        return [b"...".as_slice(), &abbreviate(&s[offset as usize..], 0, room)].concat();
    }
    [b"...".as_slice(), &s[(len - room) as usize..]].concat()
}

/// What happens to a word longer than a line.
#[derive(Clone, Copy, PartialEq)]
enum Long {
    Keep,
    Break,
}

/// Breaks a text at spaces into lines of at most `width` bytes.
fn wrap(s: &[u8], width: i64, newline: &[u8], long: Long) -> Vec<u8> {
    let newline = if newline.is_empty() { b"\n" } else { newline };
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let mut out = Vec::with_capacity(s.len());
    let mut at = 0;
    while s.len() - at > width {
        if s[at] == b' ' {
            at += 1;
            continue;
        }
        let space = match s[at..=at + width].iter().rposition(|&b| b == b' ') {
            Some(i) => Some(at + i),
            None if long == Long::Break => None,
            None => match s[at + width..].iter().position(|&b| b == b' ') {
                Some(i) => Some(at + width + i),
                None => break,
            },
        };
        let (end, next) = space.map_or((at + width, at + width), |i| (i, i + 1));
        out.extend_from_slice(&s[at..end]);
        out.extend_from_slice(newline);
        at = next;
    }
    out.extend_from_slice(&s[at..]);
    out
}

fn indent(spaces: i64, s: &[u8]) -> Result<Vec<u8>, String> {
    let pad = repeat(b" ", spaces)?;
    let mut newline = vec![b'\n'];
    newline.extend_from_slice(&pad);
    let lines = s.iter().filter(|&&b| b == b'\n').count();
    if lines.saturating_mul(pad.len()) > MAX_REPEAT {
        return Err("strings: Repeat output length overflow".to_owned());
    }
    let mut out = pad;
    out.extend(replace(s, b"\n", &newline));
    Ok(out)
}

/// sprig's `strslice`: the texts of the items that are not nil.
pub(super) fn strings_of(value: &Value) -> Vec<Vec<u8>> {
    if let Some(list) = as_list(value) {
        return list.items().iter().filter(|v| !v.is_nil()).map(text::strval).collect();
    }
    match value.kind {
        Kind::Nil => Vec::new(),
        _ => vec![text::strval(value)],
    }
}
