//! Letter case and word boundaries.

use std::sync::LazyLock;

use regex::Regex;

use crate::gotmpl::Function;

use super::args::STR;
use super::args::bytes;
use super::args::fixed;
use super::args::runes;
use super::args::string;
use super::args::text;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("upper", &[STR], STR, |_, a| string(text(a, 0).chars().map(upper).collect::<String>())),
    fixed("lower", &[STR], STR, |_, a| string(text(a, 0).chars().map(lower).collect::<String>())),
    fixed("title", &[STR], STR, |_, a| string(title(&text(a, 0)))),
    fixed("untitle", &[STR], STR, |_, a| string(untitle(&text(a, 0)))),
    fixed("swapcase", &[STR], STR, |_, a| string(swap_case(&text(a, 0)))),
    fixed("initials", &[STR], STR, |_, a| string(initials(bytes(a, 0)))),
    fixed("nospace", &[STR], STR, |_, a| string(no_space(bytes(a, 0)))),
    fixed("camelcase", &[STR], STR, |_, a| string(camel_case(&text(a, 0)))),
    fixed("snakecase", &[STR], STR, |_, a| string(separate_words(bytes(a, 0), '_'))),
    fixed("kebabcase", &[STR], STR, |_, a| string(separate_words(bytes(a, 0), '-'))),
];

/// The simple upper-case mapping, one rune to one rune.
pub(super) fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(u), None) => u,
        // Greek letters with a iota below have capitals of their own; the full mapping spells the iota out.
        _ => match c {
            '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => char::from_u32(c as u32 + 8).unwrap_or(c),
            '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => char::from_u32(c as u32 + 9).unwrap_or(c),
            c => c,
        },
    }
}

/// The simple lower-case mapping.
pub(super) fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// The simple title-case mapping: the digraphs have letters of their own.
fn title_case(c: char) -> char {
    match c {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        // Georgian has capitals for whole words only.
        '\u{10d0}'..='\u{10fa}' | '\u{10fd}'..='\u{10ff}' => c,
        c => upper(c),
    }
}

/// White space as `unicode.IsSpace` has it.
fn is_space(c: char) -> bool {
    c.is_whitespace()
}

fn title(s: &str) -> String {
    let separator = |c: char| if c.is_ascii() { !(c.is_ascii_alphanumeric() || c == '_') } else { !c.is_alphanumeric() && is_space(c) };
    let mut previous = ' ';
    s.chars()
        .map(|c| {
            let mapped = if separator(previous) { title_case(c) } else { c };
            previous = c;
            mapped
        })
        .collect()
}

fn untitle(s: &str) -> String {
    let mut start = true;
    s.chars()
        .map(|c| {
            if is_space(c) {
                start = true;
                return c;
            }
            let mapped = if start { lower(c) } else { c };
            start = false;
            mapped
        })
        .collect()
}

fn swap_case(s: &str) -> String {
    let mut white = true;
    s.chars()
        .map(|c| {
            if is_upper(c) || matches!(c, '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}') {
                white = false;
                lower(c)
            } else if is_lower(c) {
                let mapped = if white { title_case(c) } else { upper(c) };
                white = false;
                mapped
            } else {
                white = is_space(c);
                c
            }
        })
        .collect()
}

/// The first byte of every word, as Latin-1.
fn initials(s: &[u8]) -> String {
    let mut gap = true;
    s.iter()
        .map(|&b| char::from(b))
        .filter(|&c| {
            let first = !is_space(c) && gap;
            gap = is_space(c);
            first
        })
        .collect()
}

/// Removes the bytes that are white space in Latin-1; what stays is then re-encoded from Latin-1.
fn no_space(s: &[u8]) -> Vec<u8> {
    let kept: String = s.iter().map(|&b| char::from(b)).filter(|&c| !is_space(c)).collect();
    if kept.chars().count() == s.len() { s.to_vec() } else { kept.into_bytes() }
}

fn in_category(pattern: &'static LazyLock<Regex>, c: char) -> bool {
    pattern.is_match(c.encode_utf8(&mut [0; 4]))
}

fn is_upper(c: char) -> bool {
    static UPPER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\p{Lu}").expect("the pattern is valid"));
    if c.is_ascii() { c.is_ascii_uppercase() } else { in_category(&UPPER, c) }
}

fn is_lower(c: char) -> bool {
    static LOWER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\p{Ll}").expect("the pattern is valid"));
    if c.is_ascii() { c.is_ascii_lowercase() } else { in_category(&LOWER, c) }
}

fn is_punctuation(c: char) -> bool {
    static PUNCTUATION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\p{P}").expect("the pattern is valid"));
    in_category(&PUNCTUATION, c)
}

fn is_letter(c: char) -> bool {
    static LETTER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\p{L}").expect("the pattern is valid"));
    if c.is_ascii() { c.is_ascii_alphabetic() } else { in_category(&LETTER, c) }
}

/// A letter of an alphabet; ideographs are none.
fn is_alphabetic(c: char) -> bool {
    is_letter(c) && !matches!(c, '\u{3400}'..='\u{4d85}' | '\u{4e00}'..='\u{9fcc}' | '\u{20000}'..='\u{2b81d}')
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || is_space(c)
}

/// `some_words` becomes `SomeWords`; leading connectors stay.
fn camel_case(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut rest = s.chars().peekable();
    while let Some(c) = rest.next_if(|&c| is_connector(c)) {
        out.push(c);
    }
    let Some(first) = rest.next() else {
        // Of nothing but connectors the last comes twice.
        out.extend(s.chars().last());
        return out;
    };
    let mut upper_run = is_upper(first);
    let mut current = upper(first);
    for next in rest {
        let previous = current;
        current = next;
        if is_connector(current) && is_connector(previous) {
            out.push(previous);
            continue;
        }
        if is_connector(previous) {
            upper_run = is_upper(current);
            current = upper(current);
        } else {
            if upper_run {
                if is_upper(current) {
                    current = lower(current);
                } else {
                    upper_run = false;
                }
            }
            out.push(previous);
        }
    }
    out.push(current);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

/// Cuts the first word of a kind off. Runes that are not UTF-8 belong to the word they stand in.
fn next_word(s: &[char]) -> (Word, &[char], &[char]) {
    let Some(&first) = s.first() else { return (Word::Invalid, &[], &[]) };
    if first == char::REPLACEMENT_CHARACTER && s.iter().all(|&c| c == first) {
        return (Word::Invalid, s, &[]);
    }
    let lead = s.iter().take_while(|&&c| c == char::REPLACEMENT_CHARACTER).count();
    let c = s[lead];
    let run = |from: usize, keep: &dyn Fn(char) -> bool| {
        from + s[from..].iter().take_while(|&&c| c == char::REPLACEMENT_CHARACTER || keep(c)).count()
    };
    let start = lead + 1;
    let lower_letter = |c: char| is_alphabetic(c) && !is_upper(c);
    let (word, end) = if is_connector(c) {
        (Word::Connector, run(start, &is_connector))
    } else if is_punctuation(c) {
        (Word::Punctuation, run(start, &is_punctuation))
    } else if is_upper(c) {
        let capitals = run(start, &is_upper);
        if capitals > start {
            let follows = s.get(capitals).is_some_and(|&c| is_alphabetic(c));
            (Word::Upper, if follows { capitals - 1 } else { capitals })
        } else {
            (Word::Upper, run(start, &lower_letter))
        }
    } else if is_alphabetic(c) {
        (Word::Alphabet, run(start, &lower_letter))
    } else if c.is_numeric() {
        (Word::Number, run(start, &char::is_numeric))
    } else {
        (Word::Other, run(start, &|c| !(is_connector(c) || is_alphabetic(c) || c.is_numeric() || is_punctuation(c))))
    };
    (word, &s[..end], &s[end..])
}

fn put_word(out: &mut String, kind: Word, word: &[char], connector: char) {
    if kind != Word::Upper && kind != Word::Connector {
        out.extend(word);
        return;
    }
    out.extend(word.iter().map(|&c| if is_connector(c) { connector } else { lower(c) }));
}

/// `someWords` becomes `some_words` with the connector given.
fn separate_words(s: &[u8], connector: char) -> String {
    let all: Vec<char> = runes(s).collect();
    let mut out = String::with_capacity(s.len() + 4);
    let (mut kind, mut word, mut rest) = next_word(&all);
    while !rest.is_empty() {
        if kind != Word::Connector {
            put_word(&mut out, kind, word, connector);
        }
        let (previous, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match previous {
            Word::Number => {
                while matches!(kind, Word::Alphabet | Word::Number) {
                    put_word(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::Invalid | Word::Punctuation | Word::Connector) {
                    out.push(connector);
                }
            }
            Word::Connector => put_word(&mut out, previous, last, connector),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if !matches!(kind, Word::Connector | Word::Punctuation) {
                    out.push(connector);
                }
            }
            _ => {
                if rest.is_empty() {
                    break;
                }
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind != Word::Alphabet {
                    put_word(&mut out, Word::Number, number, connector);
                    if !matches!(kind, Word::Connector | Word::Punctuation) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                put_word(&mut out, Word::Number, number, connector);
                while matches!(kind, Word::Alphabet | Word::Number) {
                    put_word(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::Invalid | Word::Connector | Word::Punctuation) {
                    out.push(connector);
                }
            }
        }
    }
    put_word(&mut out, kind, word, connector);
    out
}
