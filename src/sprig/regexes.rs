//! The `regex*` functions.

use std::cell::RefCell;
use std::rc::Rc;

use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use regex_automata::{Input, PatternID};
use rustc_hash::FxHashMap;

use crate::gotmpl::Env;
use crate::gotmpl::Function;
use crate::value::GoType;
use crate::value::List;
use crate::value::Str;
use crate::value::Value;

use super::args::BOOL;
use super::args::INT;
use super::args::Reply;
use super::args::STR;
use super::args::STRS;
use super::args::bytes;
use super::args::fixed;
use super::args::int;
use super::args::rune_width;
use super::args::string;
use super::pattern::Pattern;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("regexMatch", &[STR, STR], BOOL, |e, a| Ok(compiled(e, a).is_ok_and(|p| p.is_match(bytes(a, 1))).into())),
    fixed("mustRegexMatch", &[STR, STR], BOOL, |e, a| Ok(compiled(e, a)?.on(bytes(a, 1))?.is_match(bytes(a, 1)).into())),
    fixed("regexFind", &[STR, STR], STR, |e, a| find(&*must_compile(e, a)?, a)),
    fixed("mustRegexFind", &[STR, STR], STR, |e, a| find(&*compiled(e, a)?, a)),
    fixed("regexFindAll", &[STR, STR, INT], STRS, |e, a| find_all(&*must_compile(e, a)?, a)),
    fixed("mustRegexFindAll", &[STR, STR, INT], STRS, |e, a| find_all(&*compiled(e, a)?, a)),
    fixed("regexReplaceAll", &[STR, STR, STR], STR, |e, a| replace(&*must_compile(e, a)?, a, expand)),
    fixed("mustRegexReplaceAll", &[STR, STR, STR], STR, |e, a| replace(&*compiled(e, a)?, a, expand)),
    fixed("regexReplaceAllLiteral", &[STR, STR, STR], STR, |e, a| replace(&*must_compile(e, a)?, a, literal)),
    fixed("mustRegexReplaceAllLiteral", &[STR, STR, STR], STR, |e, a| replace(&*compiled(e, a)?, a, literal)),
    fixed("regexSplit", &[STR, STR, INT], STRS, |e, a| split(&*must_compile(e, a)?, a)),
    fixed("mustRegexSplit", &[STR, STR, INT], STRS, |e, a| split(&*compiled(e, a)?, a)),
    fixed("regexQuoteMeta", &[STR], STR, |_, a| {
        let quoted: Vec<u8> =
            bytes(a, 0).iter().flat_map(|&b| if br"\.+*?()|[]{}^$".contains(&b) { vec![b'\\', b] } else { vec![b] }).collect();
        string(quoted)
    }),
];

/// What a byte of a pattern takes to compile.
const STEPS_A_BYTE: usize = 4;
/// So many bytes, times those of the pattern, are matched in a step.
const MATCHED_A_STEP: usize = 1024;

/// Compiled patterns are kept: charts use the same few again and again. They are shared, for a copy of one makes its own room
/// to match in, which takes longer than most matches.
const MAX_KEPT: usize = 256;

pub(super) fn compile(pattern: &[u8]) -> Result<Rc<Pattern>, String> {
    thread_local! {
        static KEPT: RefCell<FxHashMap<Vec<u8>, Rc<Pattern>>> = RefCell::new(FxHashMap::default());
    }
    if let Some(found) = KEPT.with_borrow(|kept| kept.get(pattern).cloned()) {
        return Ok(found);
    }
    let compiled = Rc::new(Pattern::compile(pattern)?);
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_vec(), Rc::clone(&compiled));
    });
    Ok(compiled)
}

/// The pattern of a call, compiled. What compiling and matching take is paid for whether or not the pattern was kept, so
/// that a rendering ends at the same place on any thread.
fn compiled(env: &mut Env<'_>, a: &[Value]) -> Result<Rc<Pattern>, String> {
    let (pattern, text) = (bytes(a, 0), bytes(a, 1));
    env.spend(pattern.len().saturating_mul(STEPS_A_BYTE) + pattern.len().saturating_mul(text.len()) / MATCHED_A_STEP)?;
    compile(pattern)
}

/// Go's `MustCompile`, which panics with the pattern in its sentence.
fn must_compile(env: &mut Env<'_>, a: &[Value]) -> Result<Rc<Pattern>, String> {
    let pattern = bytes(a, 0);
    compiled(env, a).map_err(|e| {
        let text = Str::from(pattern);
        let plain =
            std::str::from_utf8(pattern).is_ok_and(|s| !s.chars().any(|c| c == '`' || c == '\u{feff}' || (c.is_control() && c != '\t')));
        let quoted = if plain { format!("`{text}`") } else { super::text::quote(pattern) };
        format!("regexp: Compile({quoted}): {e}")
    })
}

fn find(pattern: &Pattern, a: &[Value]) -> Reply {
    let s = bytes(a, 1);
    string(pattern.on(s)?.find(s).map_or(&b""[..], |m| &s[m.range()]))
}

/// The places of at most `limit` matches; an empty match directly after another one does not count.
fn matches(regex: &Regex, s: &[u8], limit: i64) -> Vec<(usize, usize)> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    let mut at = 0;
    let mut previous_end = None;
    while found.len() < limit && at <= s.len() {
        let Some(m) = regex.find(Input::new(s).range(at..)) else { break };
        let mut accept = true;
        if m.end() == at {
            accept = previous_end != Some(m.start());
            at += rune_width(&s[at..]).max(1);
        } else {
            at = m.end();
        }
        previous_end = Some(m.end());
        if accept {
            found.push((m.start(), m.end()));
        }
    }
    found
}

fn find_all(pattern: &Pattern, a: &[Value]) -> Reply {
    let s = bytes(a, 1);
    let found = matches(pattern.on(s)?, s, int(a, 2));
    if found.is_empty() {
        return Ok(List::nil(GoType::String).into());
    }
    Ok(List::strings(found.into_iter().map(|(i, j)| &s[i..j])).into())
}

fn split(pattern: &Pattern, a: &[Value]) -> Reply {
    let (s, n) = (bytes(a, 1), int(a, 2));
    if n == 0 {
        return Ok(List::nil(GoType::String).into());
    }
    if s.is_empty() && !bytes(a, 0).is_empty() {
        return Ok(List::strings([""]).into());
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for (start, stop) in matches(pattern.on(s)?, s, n) {
        if n > 0 && parts.len() as i64 == n - 1 {
            break;
        }
        end = start;
        if stop != 0 {
            parts.push(&s[begin..end]);
        }
        begin = stop;
    }
    if end != s.len() {
        parts.push(&s[begin..]);
    }
    Ok(List::strings(parts).into())
}

type Replacement = fn(&mut Vec<u8>, &[u8], &[u8], &Captures);

fn replace(pattern: &Pattern, a: &[Value], with: Replacement) -> Reply {
    let (s, template) = (bytes(a, 1), bytes(a, 2));
    let regex = pattern.on(s)?;
    let mut captures = regex.create_captures();
    let mut out = Vec::with_capacity(s.len());
    let (mut last_end, mut at) = (0, 0);
    while at <= s.len() {
        regex.captures(Input::new(s).range(at..), &mut captures);
        let Some(whole) = captures.get_match() else { break };
        super::strings::room(1, out.len())?;
        out.extend_from_slice(&s[last_end..whole.start()]);
        if whole.end() > last_end || whole.start() == 0 {
            with(&mut out, template, s, &captures);
        }
        last_end = whole.end();
        let width = rune_width(&s[at..]);
        at = if at + width > whole.end() {
            at + width
        } else if at + 1 > whole.end() {
            at + 1
        } else {
            whole.end()
        };
    }
    out.extend_from_slice(&s[last_end..]);
    string(out)
}

fn literal(out: &mut Vec<u8>, template: &[u8], _: &[u8], _: &Captures) {
    out.extend_from_slice(template);
}

/// Replaces `$1`, `$name`, `${name}` and `$$` by what groups matched of `s`.
fn expand(out: &mut Vec<u8>, template: &[u8], s: &[u8], captures: &Captures) {
    let mut rest = template;
    while let Some(i) = rest.iter().position(|&b| b == b'$') {
        out.extend_from_slice(&rest[..i]);
        rest = &rest[i + 1..];
        if let Some(r) = rest.strip_prefix(b"$") {
            out.push(b'$');
            rest = r;
            continue;
        }
        let Some((name, tail)) = variable(rest) else {
            out.push(b'$');
            continue;
        };
        rest = tail;
        let group = if name.bytes().all(|b| b.is_ascii_digit()) && name.len() < 9 {
            name.parse().ok().and_then(|n: usize| captures.get_group(n))
        } else {
            // The same name is unique in a pattern; its group carries a number before it.
            captures
                .group_info()
                .pattern_names(PatternID::ZERO)
                .position(|n| n.and_then(|n| n.split_once('_')).is_some_and(|(_, n)| n == name))
                .and_then(|i| captures.get_group(i))
        };
        if let Some(m) = group {
            out.extend_from_slice(&s[m.range()]);
        }
    }
    out.extend_from_slice(rest);
}

/// The name after a `$` and what follows it.
fn variable(s: &[u8]) -> Option<(&str, &[u8])> {
    let (braced, body) = s.strip_prefix(b"{").map_or((false, s), |b| (true, b));
    let text = body.utf8_chunks().next()?.valid();
    let end = text.find(|c: char| !(c == '_' || c.is_alphanumeric())).unwrap_or(text.len());
    if end == 0 {
        return None;
    }
    let tail = &body[end..];
    if braced { tail.strip_prefix(b"}").map(|t| (&text[..end], t)) } else { Some((&text[..end], tail)) }
}
